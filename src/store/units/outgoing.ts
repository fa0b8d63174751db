// The delivery ledger: what goes out, page by page. Recipients are frozen before the first MAIL of a page;
// results are committed while it runs; a page with nothing left to try is done for good.
// Long, because a row of `outgoing` and its pages are one state machine: who reads a unit must see the statements beside it.
import type { Instant } from '../../base/clock.ts'
import { addressKey, type EmailAddress, type EnvelopeSender } from '../../mail/address.ts'
import type { DeliveryMode, ListId, ListNo } from '../../model/list.ts'
import { deliveryModes, deliveryStatuses, type MemberNo, roles } from '../../model/member.ts'
import type {
  Audience,
  NewOutgoing,
  OutgoingLane,
  OutgoingNo,
  PageRecipient,
  StoredDraft,
} from '../../model/outgoing.ts'
import type { MessageNo } from '../../model/queue.ts'
import {
  all,
  blob,
  command,
  defineUnit,
  get,
  integer,
  integerOrNull,
  json,
  one,
  query,
  run,
  text,
  textOrNull,
} from '../unit.ts'

// ---- made when a post is accepted ----

/** Within another unit. The members that are there now are the audience, up to the list's last number. */
export function* insertOutgoing(a: NewOutgoing, now: Instant, retryPeriod: number) {
  if (
    a.audience.kind === 'roster' &&
    a.list !== null &&
    (yield* get(hasAudience, a.list, rolesOf(a.audience))) === null
  )
    return null
  const last = a.list === null ? 0 : ((yield* get(lastMemberNo, a.list)) ?? 0)
  const { message, header, bodyAt, splices } = a.draft
  const draft = yield* one(
    insertDraft,
    message,
    header,
    bodyAt,
    JSON.stringify(splices.map((s) => [s.at, s.length, Buffer.from(s.bytes).toString('base64')])),
  )
  return yield* one(
    insertOutgoingRow,
    a.lane,
    a.list,
    draft,
    JSON.stringify(a.audience),
    a.sender,
    a.mode,
    a.messageId,
    last,
    now,
    now + retryPeriod,
  )
}

const rolesOf = (audience: Audience & { kind: 'roster' }): string =>
  JSON.stringify(audience.roles.map((role) => roles[role]))

// ---- read by delivery ----

export interface Outgoing {
  readonly no: OutgoingNo
  readonly lane: OutgoingLane
  readonly list: ListNo | null
  /** The list's lasting name; null for the site's own letters, and once the list is gone. */
  readonly listId: ListId | null
  readonly draft: number
  readonly audience: Audience
  readonly sender: EnvelopeSender
  readonly mode: DeliveryMode
  readonly messageId: string
  readonly lastNo: number
  readonly nextNo: number
  readonly nextPage: number
  readonly paged: boolean
  readonly expiresAt: Instant
}

/** The oldest open one of each list whose pages are not all made, in the order of acceptance. */
export const unpagedHeads = defineUnit(
  'outgoing.unpaged-heads',
  function* (a: { lane: OutgoingLane; limit: number }) {
    return yield* all(selectHeads, a.lane, a.limit)
  },
)

/** The next of the same list after it, whose pages are not all made; null for none. */
export const nextUnpaged = defineUnit(
  'outgoing.next-unpaged',
  function* (a: { lane: OutgoingLane; list: ListNo | null; after: OutgoingNo }) {
    return yield* get(selectNextOfList, a.lane, a.list, a.after)
  },
)

export const outgoingByNo = defineUnit('outgoing.by-no', function* (a: { outgoing: OutgoingNo }) {
  return yield* get(selectOutgoing, a.outgoing)
})

/** The draft, or null when the outgoing is done and its draft is gone. */
export const draftOf = defineUnit('outgoing.draft', function* (a: { outgoing: OutgoingNo }) {
  return yield* get(selectDraft, a.outgoing)
})

/** The next recipients in order of their numbers: filters and preferences resolved, one copy for each address. */
export const audiencePage = defineUnit(
  'outgoing.audience-page',
  function* (a: {
    list: ListNo
    audience: Audience & { kind: 'roster' }
    from: number
    to: number
    limit: number
  }) {
    const poster = a.audience.poster === null ? '' : addressKey(a.audience.poster)
    const direct = JSON.stringify(a.audience.direct.map(addressKey))
    if (a.audience.roles.length === 1 && a.audience.roles[0] === 'member') {
      return yield* all(selectMembers, a.list, a.from, a.to, poster, direct, a.limit)
    }
    return yield* all(selectRoles, a.list, a.from, a.to, rolesOf(a.audience), a.limit)
  },
)

export interface DuePage {
  readonly outgoing: OutgoingNo
  readonly page: number
}

/** Pages that wait for a try: those that a crash left open, and those whose retry is due. */
export const duePages = defineUnit('outgoing.due-pages', function* (a: { now: Instant; limit: number }) {
  const now = yield* all(selectDuePages, a.now, a.limit)
  return now.length > 0 ? now : yield* all(selectPagesFromTheFuture, a.now, a.limit)
})

/** When the first page is due that is due after `after`; null for none. */
export const nextPageDue = defineUnit('outgoing.next-page-due', function* (a: { after: number }) {
  return yield* get(selectNextPageDue, a.after)
})

export interface StoredPage {
  readonly recipients: readonly PageRecipient[]
  readonly states: string
  readonly replies: readonly (string | null)[]
  readonly tries: number
  readonly due: Instant | null
}

export const pageByNo = defineUnit('outgoing.page', function* (a: DuePage) {
  return yield* get(selectPage, a.outgoing, a.page)
})

// ---- written by delivery ----

/** Freezes a page before its first MAIL; null when the outgoing went another way meanwhile (parked, removed). */
export const freezePage = defineUnit(
  'outgoing.freeze-page',
  function* (a: {
    outgoing: OutgoingNo
    page: number
    recipients: readonly PageRecipient[]
    nextNo: number
    paged: boolean
    now: Instant
  }) {
    const moved = yield* run(moveCursor, a.nextNo, a.paged ? 1 : 0, a.outgoing, a.page)
    if (moved === 0) return null
    if (a.recipients.length > 0) {
      const pairs = JSON.stringify(a.recipients.map(({ no, address }) => [no, address]))
      yield* run(insertPage, a.outgoing, a.page, pairs, '.'.repeat(a.recipients.length), a.now, a.now)
    } else if (a.paged) yield* closeIfDone(a.outgoing, a.now)
    return a.page
  },
)

/** A page that keeps killing whoever sends it is set aside after so many starts without an orderly end. */
const startsBeforePark = 3

/** Counts a start before the work; `parked`: it was started too often, and its post stands still now. */
export const beginPage = defineUnit('outgoing.begin-page', function* (a: DuePage & { now: Instant }) {
  const starts = yield* get(countStart, a.outgoing, a.page)
  if (starts === null) return 'gone'
  if (starts <= startsBeforePark) return 'begun'
  const reason = `sending page ${a.page} did not end ${startsBeforePark} times; the program died or was stopped in the middle of it`
  yield* run(park, reason, a.outgoing)
  return 'parked'
})

/** A page that cannot be worked on now is due later; nothing of it was tried. */
export const postponePage = defineUnit('outgoing.postpone-page', function* (a: DuePage & { due: Instant }) {
  return yield* run(postpone, a.due, a.outgoing, a.page)
})

/** A bounce that delivery saw itself: the relay refused this recipient for good, or for too long. */
export interface SeenBounce {
  readonly address: EmailAddress
  readonly no: MemberNo | null
  readonly context: 'smtp' | 'expired'
  readonly reply: string
}

/**
 * A post whose first transactions are all refused for good stands still until somebody looked. So does one that has fewer, when
 * they were refused at MAIL: that is about the relay or the sender, never about the text (ADR 0011).
 */
const refusalsBeforePark = 20

/** Results of a page so far. `due` null: nothing of it is left to try. */
export const recordResults = defineUnit(
  'outgoing.record-results',
  function* (a: {
    outgoing: OutgoingNo
    page: number
    states: string
    replies: readonly (string | null)[]
    tries: number
    due: Instant | null
    bounces: readonly SeenBounce[]
    /** Transactions refused for good since the last record; 'taken' when the relay took one. */
    refusals: number | 'taken'
    /** The last of them was so at MAIL. */
    refusedAtMail: boolean
    /** What the operator reads if this makes the post stand still. */
    parkReason: string
    now: Instant
  }) {
    const changed = yield* run(
      updatePage,
      a.states,
      JSON.stringify(a.replies),
      a.tries,
      a.due,
      a.now,
      a.outgoing,
      a.page,
    )
    if (changed === 0) return 'gone'
    const head = yield* one(selectHead, a.outgoing)
    for (const bounce of a.bounces) {
      yield* run(
        insertBounce,
        head.list ?? 0,
        bounce.address,
        bounce.no,
        a.now,
        bounce.context,
        bounce.reply,
        head.messageId,
      )
    }
    if (a.refusals === 'taken') yield* run(markTaken, a.outgoing)
    else if (a.refusals > 0) yield* run(countRefusals, a.refusals, a.outgoing)
    const refusals = a.refusals === 'taken' || head.refusals < 0 ? 0 : head.refusals + a.refusals
    const over = a.due === null && (yield* get(selectOpenPage, a.outgoing)) === null
    if (refusals >= refusalsBeforePark || (over && refusals > 0 && a.refusedAtMail)) {
      yield* run(tryRefusedAgain, a.now, a.outgoing)
      yield* run(park, a.parkReason, a.outgoing)
      return 'parked'
    }
    if (over) yield* closeDone(a.outgoing, a.now)
    return 'recorded'
  },
)

/** Sets an outgoing aside with its reason until `unshunt`, which tries those again whose transactions were refused. */
export const parkOutgoing = defineUnit(
  'outgoing.park',
  function* (a: { outgoing: OutgoingNo; reason: string; now: Instant }) {
    yield* run(tryRefusedAgain, a.now, a.outgoing)
    return yield* run(park, a.reason, a.outgoing)
  },
)

/** Puts parked ones back (all, or those named), their waiting pages due at once. */
export const unparkOutgoing = defineUnit(
  'outgoing.unpark',
  function* (a: { outgoing: readonly OutgoingNo[] | null; now: Instant }) {
    const which = a.outgoing === null ? null : JSON.stringify(a.outgoing)
    yield* run(pagesDueNow, a.now, which)
    return yield* run(unpark, which)
  },
)

/** The retry clock stood still while the relay was down. */
export const extendRetries = defineUnit('outgoing.extend-retries', function* (a: { by: number }) {
  return yield* run(extend, a.by)
})

/** Forgets pages of what was done before `before`; bounded, since each may hold a thousand recipients. */
export const forgetPages = defineUnit(
  'outgoing.forget-pages',
  function* (a: { before: Instant; limit: number }) {
    return yield* run(forgetSomePages, a.before, a.limit)
  },
)

/** Forgets what was done before `before` and has no pages any more; bounded. */
export const forgetOutgoing = defineUnit(
  'outgoing.forget',
  function* (a: { before: Instant; limit: number }) {
    return yield* run(forget, a.before, a.limit)
  },
)

function* closeIfDone(outgoing: OutgoingNo, now: Instant) {
  if ((yield* get(selectOpenPage, outgoing)) === null) yield* closeDone(outgoing, now)
}

function* closeDone(outgoing: OutgoingNo, now: Instant) {
  const draft = yield* get(selectDraftNo, outgoing)
  const closed = yield* run(close, now, outgoing)
  if (closed === 1 && draft !== null) yield* run(deleteDraft, draft)
}

// ---- statements ----

const hasAudience = query(
  'select 1 as yes from member where list_id = ? and role in (select value from json_each(?)) limit 1',
  (row) => integer(row, 'yes'),
)
const lastMemberNo = query('select last_member_no from list where id = ?', (row) =>
  integer(row, 'last_member_no'),
)
const insertDraft = query(
  'insert into draft (message_id, header, body_at, splices) values (?, ?, ?, ?) returning id',
  (row) => integer(row, 'id'),
)
const insertOutgoingRow = query(
  `insert into outgoing (lane, list_id, draft_id, audience, sender, mode, rfc822_id, last_no, created_at, expires_at)
   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning id`,
  (row) => integer(row, 'id') as OutgoingNo,
)
const outgoingColumns = `id, lane, outgoing.list_id, (select list.list_id from list where list.id = outgoing.list_id) as lasting_id, draft_id, audience, sender, mode, rfc822_id, last_no, next_no, next_page, paged, expires_at`
const readOutgoing = (row: Readonly<Record<string, unknown>>): Outgoing => ({
  no: integer(row, 'id') as OutgoingNo,
  lane: text(row, 'lane') as OutgoingLane,
  list: integerOrNull(row, 'list_id') as ListNo | null,
  listId: textOrNull(row, 'lasting_id') as ListId | null,
  draft: integer(row, 'draft_id'),
  audience: json<Audience>(row, 'audience'),
  sender: text(row, 'sender') as EnvelopeSender,
  mode: text(row, 'mode') as DeliveryMode,
  messageId: text(row, 'rfc822_id'),
  lastNo: integer(row, 'last_no'),
  nextNo: integer(row, 'next_no'),
  nextPage: integer(row, 'next_page'),
  paged: integer(row, 'paged') === 1,
  expiresAt: integer(row, 'expires_at') as Instant,
})
const unpaged = 'done_at is null and parked is null and paged = 0'
const selectHeads = query(
  `select ${outgoingColumns} from outgoing
   where id in (select min(id) from outgoing where lane = ? and ${unpaged} group by list_id) order by id limit ?`,
  readOutgoing,
)
const selectNextOfList = query(
  `select ${outgoingColumns} from outgoing
   where lane = ? and list_id is ? and ${unpaged} and id > ? order by id limit 1`,
  readOutgoing,
)
const selectOutgoing = query(
  `select ${outgoingColumns} from outgoing where id = ? and done_at is null and parked is null`,
  readOutgoing,
)
const selectDraft = query(
  `select draft.message_id, draft.header, draft.body_at, draft.splices from outgoing join draft on draft.id = outgoing.draft_id where outgoing.id = ?`,
  (row): StoredDraft => ({
    message: integer(row, 'message_id') as MessageNo,
    header: blob(row, 'header'),
    bodyAt: integer(row, 'body_at'),
    splices: json<readonly [number, number, string][]>(row, 'splices').map(([at, length, bytes]) => ({
      at,
      length,
      bytes: Buffer.from(bytes, 'base64'),
    })),
  }),
)
const readRecipient = (row: Readonly<Record<string, unknown>>): PageRecipient => ({
  no: integer(row, 'no') as MemberNo,
  address: text(row, 'email') as EmailAddress,
})
const selectMembers = query(
  `select member.no, address.email from member join address on address.id = member.address_id
   where member.list_id = ?1 and member.role = ${roles.member} and member.no between ?2 and ?3
     and member.delivery_mode = ${deliveryModes.regular} and member.delivery_status = ${deliveryStatuses.enabled}
     and (member.receive_own_postings = 1 or address.key <> ?4)
     and (member.receive_list_copy = 1 or address.key not in (select value from json_each(?5)))
   order by member.no limit ?6`,
  readRecipient,
)
// Somebody with two of the roles gets one copy, by the lower number.
const selectRoles = query(
  `select min(member.no) as no, address.email from member join address on address.id = member.address_id
   where member.list_id = ?1 and member.role in (select value from json_each(?4)) and member.delivery_status = ${deliveryStatuses.enabled}
   group by address.id having min(member.no) between ?2 and ?3
   order by no limit ?5`,
  readRecipient,
)
const readDuePage = (row: Readonly<Record<string, unknown>>): DuePage => ({
  outgoing: integer(row, 'outgoing_id') as OutgoingNo,
  page: integer(row, 'page'),
})
const fromDuePages = `select page.outgoing_id, page.page from outgoing_page as page
   cross join outgoing on outgoing.id = page.outgoing_id where outgoing.parked is null`
const selectDuePages = query(`${fromDuePages} and page.due_at <= ? order by page.due_at limit ?`, readDuePage)
// No try is put off for two hours: what is due later was written before the clock was set back.
const selectPagesFromTheFuture = query(
  `${fromDuePages} and page.due_at > ? + 7200000 order by page.due_at limit ?`,
  readDuePage,
)
const selectNextPageDue = query(
  `select min(page.due_at) as due from outgoing_page as page cross join outgoing on outgoing.id = page.outgoing_id
   where page.due_at > ? and outgoing.parked is null`,
  (row) => row.due as Instant | null,
)
const selectPage = query(
  'select recipients, states, replies, tries, due_at from outgoing_page where outgoing_id = ? and page = ?',
  (row): StoredPage => {
    const states = text(row, 'states')
    const replies = json<readonly (string | null)[]>(row, 'replies')
    return {
      recipients: json<readonly [number | null, string][]>(row, 'recipients').map(([no, address]) => ({
        no: no as MemberNo | null,
        address: address as EmailAddress,
      })),
      states,
      replies: replies.length === states.length ? replies : Array.from(states, () => null),
      tries: integer(row, 'tries'),
      due: integerOrNull(row, 'due_at') as Instant | null,
    }
  },
)
const moveCursor = command(
  'update outgoing set next_no = ?1, paged = ?2, next_page = next_page + 1 where id = ?3 and next_page = ?4 and paged = 0 and done_at is null and parked is null',
)
const insertPage = command(
  `insert into outgoing_page (outgoing_id, page, recipients, states, replies, due_at, starts, started_at, changed_at) values (?, ?, ?, ?, '[]', 0, 1, ?, ?)`,
)
const countStart = query(
  'update outgoing_page set starts = starts + 1 where outgoing_id = ? and page = ? returning starts',
  (row) => integer(row, 'starts'),
)
const postpone = command('update outgoing_page set due_at = ?, starts = 0 where outgoing_id = ? and page = ?')
// Not due again at once: the page has come to an orderly end.
const updatePage = command(
  'update outgoing_page set states = ?1, replies = ?2, tries = ?3, due_at = ?4, changed_at = ?5, starts = iif(?4 = 0, starts, 0) where outgoing_id = ?6 and page = ?7',
)
const selectHead = query('select list_id, rfc822_id, refusals from outgoing where id = ?', (row) => ({
  list: integerOrNull(row, 'list_id'),
  messageId: text(row, 'rfc822_id'),
  refusals: integer(row, 'refusals'),
}))
const insertBounce = command(
  'insert into bounce_event (list_id, address, member_no, at, context, reply, rfc822_id) values (?, ?, ?, ?, ?, ?, ?)',
)
const markTaken = command('update outgoing set refusals = -1 where id = ? and refusals >= 0')
const countRefusals = command('update outgoing set refusals = refusals + ? where id = ? and refusals >= 0')
const park = command('update outgoing set parked = ? where id = ? and done_at is null')
const tryRefusedAgain = command(
  "update outgoing_page set states = replace(states, 'r', 'd'), due_at = ? where outgoing_id = ? and (due_at is not null or instr(states, 'r') > 0)",
)
const unpark = command(
  'update outgoing set parked = null, refusals = 0 where parked is not null and (?1 is null or id in (select value from json_each(?1)))',
)
const pagesDueNow = command(
  `update outgoing_page set due_at = ?1 where due_at is not null and outgoing_id in (
     select id from outgoing where parked is not null and (?2 is null or id in (select value from json_each(?2))))`,
)
const extend = command('update outgoing set expires_at = expires_at + ? where done_at is null')
const forgetSomePages = command(
  `delete from outgoing_page where (outgoing_id, page) in (
     select page.outgoing_id, page.page from outgoing join outgoing_page as page on page.outgoing_id = outgoing.id
     where outgoing.done_at < ? limit ?)`,
)
const forget = command(
  `delete from outgoing where id in (select id from outgoing where done_at < ?
     and not exists (select 1 from outgoing_page where outgoing_id = outgoing.id) limit ?)`,
)
const selectOpenPage = query(
  `select 1 as yes from outgoing where id = ?1 and (paged = 0 or exists (select 1 from outgoing_page where outgoing_id = ?1 and due_at is not null))`,
  (row) => integer(row, 'yes'),
)
const selectDraftNo = query('select draft_id from outgoing where id = ? and draft_id is not null', (row) =>
  integer(row, 'draft_id'),
)
const close = command('update outgoing set done_at = ?, draft_id = null where id = ? and done_at is null')
const deleteDraft = command('delete from draft where id = ?')
