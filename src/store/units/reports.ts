// What an operator reads of the queue: how the lanes stand, what was set aside and why, and how far what goes out
// has come. Each list has a limit.
import type { Instant } from '../../base/clock.ts'
import type { MemberNo } from '../../model/member.ts'
import type { OutgoingLane, OutgoingNo } from '../../model/outgoing.ts'
import type { Envelope, ItemNo, Lane, MessageNo } from '../../model/queue.ts'
import {
  all,
  command,
  defineUnit,
  get,
  integer,
  integerOrNull,
  json,
  query,
  type Row,
  run,
  text,
  textOrNull,
} from '../unit.ts'

// ---- the queue as it stands ----

export interface LaneReport {
  readonly lane: Lane | OutgoingLane
  readonly waiting: number
  readonly deferred: number
  /** Shunted items, or parked outgoing. */
  readonly shunted: number
  readonly oldest: Instant | null
}

/** The lanes that hold something. */
export const laneReports = defineUnit('report.lanes', function* (a: { now: Instant }) {
  return [...(yield* all(selectLanes, a.now)), ...(yield* all(selectOutgoingLanes, a.now))]
})

export interface ReportedItem {
  readonly no: ItemNo
  readonly lane: Lane
  /** Posting address, or null where the list is gone. */
  readonly list: string | null
  readonly message: MessageNo
  readonly size: number
  readonly envelope: Envelope
  readonly acceptedAt: Instant
  readonly dueAt: Instant
  readonly attempts: number
  readonly deferrals: number
  readonly shuntedAt: Instant | null
  readonly reason: string | null
}

/** Items in the order of acceptance, after number `after`. */
export const queuedItems = defineUnit(
  'report.items',
  function* (a: { shuntedOnly: boolean; after: number; limit: number }) {
    return yield* all(selectItems, a.shuntedOnly ? 1 : 0, a.after, a.limit)
  },
)

export const queuedItem = defineUnit('report.item', function* (a: { item: ItemNo }) {
  return yield* get(selectItem, a.item)
})

export interface ReportedOutgoing {
  readonly no: OutgoingNo
  readonly lane: OutgoingLane
  readonly list: string | null
  readonly messageId: string
  readonly createdAt: Instant
  readonly expiresAt: Instant
  readonly doneAt: Instant | null
  readonly parked: string | null
  /** All recipients have been put on pages. */
  readonly paged: boolean
}

/** What is not all delivered, in the order of acceptance, after number `after`. */
export const openOutgoing = defineUnit('report.outgoing', function* (a: { after: number; limit: number }) {
  return yield* all(selectOpenOutgoing, a.after, a.limit)
})

export const reportedOutgoing = defineUnit('report.outgoing-by-no', function* (a: { outgoing: OutgoingNo }) {
  return yield* get(selectOneOutgoing, a.outgoing)
})

export interface ReportedPage {
  readonly page: number
  /** A character of `ledgerStates` for each recipient. */
  readonly states: string
  readonly tries: number
  readonly due: Instant | null
  readonly startedAt: Instant
  readonly changedAt: Instant
}

/** The pages of an outgoing without their recipients; a page has at most 1,000. */
export const pagesOf = defineUnit(
  'report.pages',
  function* (a: { outgoing: OutgoingNo; after: number; limit: number }) {
    return yield* all(selectPages, a.outgoing, a.after, a.limit)
  },
)

/** One item taken out for good; false when there is none of that number. Not while a station works on it. */
export const deleteQueued = defineUnit('report.delete-item', function* (a: { item: ItemNo }) {
  if ((yield* get(selectClaim, a.item)) !== null) return 'busy' as const
  return (yield* run(deleteItem, a.item)) === 1 ? ('deleted' as const) : ('none' as const)
})

/** Letters and posts that left under this Message-ID. */
export const outgoingByMessageId = defineUnit(
  'report.outgoing-by-id',
  function* (a: { messageId: string; limit: number }) {
    return yield* all(selectOutgoingById, a.messageId, a.limit)
  },
)

export interface ReportedRecipient {
  readonly no: MemberNo | null
  readonly address: string
  readonly state: string
  readonly reply: string | null
}

/** The recipients of a page that have not simply been sent to. */
export const recipientsInTrouble = defineUnit(
  'report.recipients',
  function* (a: { outgoing: OutgoingNo; page: number }) {
    return yield* all(selectTrouble, a.outgoing, a.page)
  },
)

// ---- statements ----

export const posting = (list: string) =>
  `(select l.name || '@' || d.mail_host from list as l join domain as d on d.id = l.domain_id where l.id = ${list})`

const readLane = (row: Row): LaneReport => ({
  lane: text(row, 'lane') as Lane | OutgoingLane,
  waiting: integer(row, 'waiting'),
  deferred: integer(row, 'deferred'),
  shunted: integer(row, 'shunted'),
  oldest: integerOrNull(row, 'oldest') as Instant | null,
})
const selectLanes = query(
  `select lane, sum(shunted_at is null and due_at <= ?1) as waiting, sum(shunted_at is null and due_at > ?1) as deferred,
     sum(shunted_at is not null) as shunted, min(case when shunted_at is null then accepted_at end) as oldest
   from queue_item group by lane order by lane`,
  readLane,
)
// An outgoing is deferred when all that is left of it waits for a later try.
const selectOutgoingLanes = query(
  `select lane, sum(parked is null and not later) as waiting, sum(parked is null and later) as deferred,
     sum(parked is not null) as shunted, min(case when parked is null then created_at end) as oldest
   from (select lane, parked, created_at, paged = 1 and not exists (
           select 1 from outgoing_page where outgoing_id = outgoing.id and due_at <= ?1) as later
         from outgoing where done_at is null)
   group by lane order by lane`,
  readLane,
)
const itemColumns = `q.id, q.lane, ${posting('q.list_id')} as list, q.message_id, m.size, q.envelope, q.accepted_at, q.due_at,
  q.attempts, q.deferrals, q.shunted_at, q.reason from queue_item as q join message as m on m.id = q.message_id`
const readItem = (row: Row): ReportedItem => ({
  no: integer(row, 'id') as ItemNo,
  lane: text(row, 'lane') as Lane,
  list: textOrNull(row, 'list'),
  message: integer(row, 'message_id') as MessageNo,
  size: integer(row, 'size'),
  envelope: json<Envelope>(row, 'envelope'),
  acceptedAt: integer(row, 'accepted_at') as Instant,
  dueAt: integer(row, 'due_at') as Instant,
  attempts: integer(row, 'attempts'),
  deferrals: integer(row, 'deferrals'),
  shuntedAt: integerOrNull(row, 'shunted_at') as Instant | null,
  reason: textOrNull(row, 'reason'),
})
const selectItems = query(
  `select ${itemColumns} where (?1 = 0 or q.shunted_at is not null) and q.id > ?2 order by q.id limit ?3`,
  readItem,
)
const selectItem = query(`select ${itemColumns} where q.id = ?`, readItem)
const selectClaim = query('select item from temp.claim where item = ?', (row) => integer(row, 'item'))
const deleteItem = command('delete from queue_item where id = ?')

const outgoingColumns = `id, lane, ${posting('outgoing.list_id')} as list, rfc822_id, created_at, expires_at, done_at, parked, paged from outgoing`
const readOutgoing = (row: Row): ReportedOutgoing => ({
  no: integer(row, 'id') as OutgoingNo,
  lane: text(row, 'lane') as OutgoingLane,
  list: textOrNull(row, 'list'),
  messageId: text(row, 'rfc822_id'),
  createdAt: integer(row, 'created_at') as Instant,
  expiresAt: integer(row, 'expires_at') as Instant,
  doneAt: integerOrNull(row, 'done_at') as Instant | null,
  parked: textOrNull(row, 'parked'),
  paged: integer(row, 'paged') === 1,
})
const selectOpenOutgoing = query(
  `select ${outgoingColumns} where done_at is null and id > ? order by id limit ?`,
  readOutgoing,
)
const selectOneOutgoing = query(`select ${outgoingColumns} where id = ?`, readOutgoing)
const selectOutgoingById = query(
  `select ${outgoingColumns} where rfc822_id = ? order by id limit ?`,
  readOutgoing,
)
const selectPages = query(
  'select page, states, tries, due_at, started_at, changed_at from outgoing_page where outgoing_id = ? and page > ? order by page limit ?',
  (row): ReportedPage => ({
    page: integer(row, 'page'),
    states: text(row, 'states'),
    tries: integer(row, 'tries'),
    due: integerOrNull(row, 'due_at') as Instant | null,
    startedAt: integer(row, 'started_at') as Instant,
    changedAt: integer(row, 'changed_at') as Instant,
  }),
)

// The n-th character of `states` and the n-th of `replies` belong to the n-th recipient.
export const atRecipient = `substr(page.states, recipient.key + 1, 1) as state,
  json_extract(page.replies, '$[' || recipient.key || ']') as reply`
const selectTrouble = query(
  `select json_extract(recipient.value, '$[0]') as no, json_extract(recipient.value, '$[1]') as address, ${atRecipient}
   from outgoing_page as page join json_each(page.recipients) as recipient
   where page.outgoing_id = ? and page.page = ? and substr(page.states, recipient.key + 1, 1) <> 's'
   order by recipient.key`,
  (row): ReportedRecipient => ({
    no: integerOrNull(row, 'no') as MemberNo | null,
    address: text(row, 'address'),
    state: text(row, 'state'),
    reply: textOrNull(row, 'reply'),
  }),
)
