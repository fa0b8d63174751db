// The story of a post from the door to its copies, and what the store knows about an address: what `trace` reads.
// Each list has a limit.
import type { Instant } from '../../base/clock.ts'
import type { OutgoingLane, OutgoingNo } from '../../model/outgoing.ts'
import type { ItemNo } from '../../model/queue.ts'
import type { Hit } from '../../model/rule.ts'
import {
  all,
  defineUnit,
  get,
  integer,
  integerOrNull,
  json,
  query,
  type Row,
  text,
  textOrNull,
} from '../unit.ts'
import { atRecipient, posting } from './reports.ts'

export interface ReportedPost {
  readonly no: number
  readonly list: string
  readonly item: ItemNo
  readonly messageId: string
  readonly sender: string
  readonly subject: string
  readonly size: number
  readonly receivedAt: Instant
  readonly judgedAt: Instant
  readonly verdict: 'accept' | 'hold' | 'reject' | 'discard'
  readonly hits: readonly Hit[]
  readonly postNumber: number | null
  /** The handlers that changed something before it went out. */
  readonly changedBy: readonly string[]
  readonly outgoing: OutgoingNo | null
  /** Its number among the held messages, while it waits for a moderator. */
  readonly held: number | null
}

/** Posts of this Message-ID (with its brackets), oldest first. */
export const postsByMessageId = defineUnit(
  'report.posts-by-id',
  function* (a: { messageId: string; limit: number }) {
    return yield* all(selectPostsById, a.messageId, a.limit)
  },
)

/** Posts from this address in any letter case, latest first. */
export const postsBySender = defineUnit(
  'report.posts-by-sender',
  function* (a: { sender: string; limit: number }) {
    return yield* all(selectPostsBySender, a.sender, a.limit)
  },
)

/** What became of one item of the queue; null while it is not judged, and where there is none. */
export const postOfItem = defineUnit('report.post-of-item', function* (a: { item: ItemNo }) {
  return yield* get(selectPostOfItem, a.item)
})

/** The posts that were judged last, latest first. */
export const latestPosts = defineUnit('report.latest-posts', function* (a: { limit: number }) {
  return yield* all(selectLatestPosts, a.limit)
})

/** The letters that were written when a post was judged: they are of its list and of the same moment. */
export const lettersAbout = defineUnit(
  'report.letters-about',
  function* (a: { post: number; limit: number }) {
    return yield* all(selectLettersAbout, a.post, a.limit)
  },
)

export interface ReportedCopy {
  readonly outgoing: OutgoingNo
  readonly list: string | null
  readonly messageId: string
  readonly lane: OutgoingLane
  readonly page: number
  readonly state: string
  readonly reply: string | null
  /** Of its page: when it was frozen, how often it was tried, and when it is again; null when nothing is left to try. */
  readonly startedAt: Instant
  readonly tries: number
  readonly due: Instant | null
  readonly changedAt: Instant
}

/** A place in the ledger, whose latest pages come first. */
export interface LedgerPlace {
  readonly outgoing: OutgoingNo
  readonly page: number
}

/**
 * The copies that went to an address, as the ledger knows them, latest first: among the next `pages` pages before
 * `before`, for all of the ledger may be gigabytes. `next` is where to look on; null at the end.
 */
export const copiesTo = defineUnit(
  'report.copies-to',
  function* (a: { key: string; before: LedgerPlace | null; pages: number }) {
    const { outgoing, page } = a.before ?? { outgoing: Number.MAX_SAFE_INTEGER, page: 0 }
    const next = yield* get(selectPlace, outgoing, page, a.pages)
    const until = next ?? { outgoing: 0, page: 0 }
    const copies = yield* all(selectCopies, a.key, outgoing, page, until.outgoing, until.page)
    return { copies, next }
  },
)

/** Mail from this envelope sender that was not judged yet, oldest first. */
export const queuedFrom = defineUnit('report.queued-from', function* (a: { key: string; limit: number }) {
  return yield* all(selectQueuedFrom, a.key, a.limit)
})

export interface ReportedBounce {
  readonly list: string | null
  readonly address: string
  readonly at: Instant
  readonly context: string
  readonly reply: string
  readonly messageId: string
}

export const bouncesOf = defineUnit('report.bounces', function* (a: { key: string; limit: number }) {
  return yield* all(selectBounces, a.key, a.limit)
})

// ---- statements ----

const postColumns = `p.id, p.list_name, p.item, p.rfc822_id, p.sender, p.subject, p.size, p.received_at, p.judged_at, p.verdict,
  p.hits, p.post_no, p.outgoing_id, p.changed_by, h.id as held from post as p left join held as h on h.post_id = p.id`
const readPost = (row: Row): ReportedPost => ({
  no: integer(row, 'id'),
  list: text(row, 'list_name'),
  item: integer(row, 'item') as ItemNo,
  messageId: text(row, 'rfc822_id'),
  sender: text(row, 'sender'),
  subject: text(row, 'subject'),
  size: integer(row, 'size'),
  receivedAt: integer(row, 'received_at') as Instant,
  judgedAt: integer(row, 'judged_at') as Instant,
  verdict: text(row, 'verdict') as ReportedPost['verdict'],
  hits: json<readonly Hit[]>(row, 'hits'),
  postNumber: integerOrNull(row, 'post_no'),
  changedBy: json<readonly string[]>(row, 'changed_by'),
  outgoing: integerOrNull(row, 'outgoing_id') as OutgoingNo | null,
  held: integerOrNull(row, 'held'),
})
const selectPostsById = query(`select ${postColumns} where p.rfc822_id = ? order by p.id limit ?`, readPost)
const selectPostsBySender = query(
  `select ${postColumns} where p.sender = ? collate nocase order by p.id desc limit ?`,
  readPost,
)

const selectPostOfItem = query(`select ${postColumns} where p.item = ? order by p.id desc limit 1`, readPost)
const selectLatestPosts = query(`select ${postColumns} order by p.id desc limit ?`, readPost)
const selectLettersAbout = query(
  `select o.id from post as p join outgoing as o on o.lane = 'notice' and o.list_id = p.list_id and o.created_at = p.judged_at
   where p.id = ? order by o.id limit ?`,
  (row) => integer(row, 'id') as OutgoingNo,
)

const selectPlace = query(
  `select outgoing_id, page from outgoing_page where (outgoing_id, page) < (?1, ?2)
   order by outgoing_id desc, page desc limit 1 offset ?3 - 1`,
  (row): LedgerPlace => ({
    outgoing: integer(row, 'outgoing_id') as OutgoingNo,
    page: integer(row, 'page'),
  }),
)
const selectCopies = query(
  `select page.outgoing_id, outgoing.lane, ${posting('outgoing.list_id')} as list, outgoing.rfc822_id, page.page, page.started_at, page.tries,
     page.due_at, page.changed_at, ${atRecipient}
   from outgoing_page as page join outgoing on outgoing.id = page.outgoing_id
   join json_each(page.recipients) as recipient
   where (page.outgoing_id, page.page) < (?2, ?3) and (page.outgoing_id, page.page) >= (?4, ?5)
     and instr(lower(page.recipients), ?1) > 0 and lower(json_extract(recipient.value, '$[1]')) = ?1
   order by page.outgoing_id desc, page.page desc`,
  (row): ReportedCopy => ({
    outgoing: integer(row, 'outgoing_id') as OutgoingNo,
    lane: text(row, 'lane') as OutgoingLane,
    list: textOrNull(row, 'list'),
    messageId: text(row, 'rfc822_id'),
    page: integer(row, 'page'),
    state: text(row, 'state'),
    reply: textOrNull(row, 'reply'),
    startedAt: integer(row, 'started_at') as Instant,
    tries: integer(row, 'tries'),
    due: integerOrNull(row, 'due_at') as Instant | null,
    changedAt: integer(row, 'changed_at') as Instant,
  }),
)
const selectQueuedFrom = query(
  `select id from queue_item where lower(json_extract(envelope, '$.sender')) = ?1 order by id limit ?2`,
  (row) => integer(row, 'id') as ItemNo,
)
const selectBounces = query(
  `select ${posting('bounce_event.list_id')} as list, address, at, context, reply, rfc822_id from bounce_event
   where lower(address) = ?1 order by id desc limit ?2`,
  (row): ReportedBounce => ({
    list: textOrNull(row, 'list'),
    address: text(row, 'address'),
    at: integer(row, 'at') as Instant,
    context: text(row, 'context'),
    reply: text(row, 'reply'),
    messageId: text(row, 'rfc822_id'),
  }),
)
