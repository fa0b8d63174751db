// What the door commits: the message, what was said at the door, and one queue item per recipient, in one
// unit, so that a 250 means all of it. A retry of a transaction whose 250 got lost is not a second post.
import { DAY, type Instant } from '../../base/clock.ts'
import type { ListNo } from '../../model/list.ts'
import type { ListRecipient } from '../../model/list-address.ts'
import { type Envelope, type ItemNo, laneOf, type MessageNo } from '../../model/queue.ts'
import { all, command, defineUnit, get, integer, one, query, run, textOrNull } from '../unit.ts'

/** Bytes in the row, or the name of a file below VAR/messages that has been synced already. */
export type MessageBody = { readonly bytes: Uint8Array } | { readonly file: string }

export interface IncomingMessage {
  /** SHA-256 of the bytes. */
  readonly hash: Uint8Array
  readonly size: number
  readonly body: MessageBody
  /** SHA-256 over bytes, envelope sender and recipients: the same transaction has the same. */
  readonly transactionHash: Uint8Array
  readonly recipients: readonly { readonly to: ListRecipient; readonly envelope: Envelope }[]
  readonly now: Instant
  /** False for mail that has no client to retry it (inject): every call is a message of its own. */
  readonly mayRepeat: boolean
}

export interface Accepted {
  readonly reception: number
  /** True when an earlier delivery of the same transaction was never confirmed: nothing was queued again. */
  readonly repeat: boolean
  /** In the order of the recipients; null where the list was removed meanwhile. Empty for a repeat. */
  readonly items: readonly (ItemNo | null)[]
}

const repeatWindow = DAY

/** Each recipient by itself, as LMTP answers them. */
export const acceptMessage = defineUnit('reception.accept', accept)

/**
 * For all recipients or for none, as SMTP has one answer for them: null, and nothing is kept, where a list was
 * removed since its RCPT.
 */
export const acceptForAll = defineUnit('reception.accept-for-all', function* (a: IncomingMessage) {
  const repeats =
    a.mayRepeat && (yield* get(findUnconfirmed, a.transactionHash, a.now - repeatWindow)) !== null
  if (!repeats) {
    for (const { to } of a.recipients) if ((yield* get(listExists, to.list)) === null) return null
  }
  return yield* accept(a)
})

function* accept(a: IncomingMessage) {
  if (a.mayRepeat) {
    const earlier = yield* get(findUnconfirmed, a.transactionHash, a.now - repeatWindow)
    if (earlier !== null) {
      yield* run(touchReception, a.now, earlier)
      return { reception: earlier, repeat: true, items: [] } satisfies Accepted
    }
  }
  const message = yield* insertMessage(a.hash, a.size, a.body)
  const reception = yield* one(insertReception, a.transactionHash, message, a.now, a.mayRepeat ? 0 : 1)
  const items: (ItemNo | null)[] = []
  for (const { to, envelope } of a.recipients) {
    const list = yield* get(listExists, to.list)
    items.push(
      list === null
        ? null
        : yield* one(insertItem, laneOf(to.purpose), to.list, message, JSON.stringify(envelope), a.now),
    )
  }
  return { reception, repeat: false, items } satisfies Accepted
}

/** Bytes that came after the 250, or an orderly close, show that the client has it. */
export const confirmReceptions = defineUnit(
  'reception.confirm',
  function* (a: { receptions: readonly number[] }) {
    return yield* run(confirm, JSON.stringify(a.receptions))
  },
)

/** Bounded; returns how many went. Receptions lie in the order of their time. */
export const forgetReceptions = defineUnit(
  'reception.forget',
  function* (a: { now: Instant; limit: number }) {
    return yield* run(forget, a.limit, a.now - repeatWindow)
  },
)

/** Keeps the bytes of a message; shared by the door and by the letters that Posthorn writes. */
export function* insertMessage(hash: Uint8Array, size: number, body: MessageBody) {
  const [bytes, file] = 'bytes' in body ? [body.bytes, null] : [null, body.file]
  return yield* one(insertMessageRow, hash, size, bytes, file)
}

/** Deletes messages that nothing points to any more; returns the files that may be removed. Bounded. */
export const sweepMessages = defineUnit('message.sweep', function* (a: { limit: number }) {
  const gone = yield* all(unreferenced, a.limit)
  for (const { no } of gone) yield* run(deleteMessage, no)
  return { deleted: gone.length, files: gone.flatMap(({ file }) => (file === null ? [] : [file])) }
})

/** Which of these files a message has. What a file lacks a row for is left of a message that was never committed. */
export const filesWithRows = defineUnit(
  'message.files-with-rows',
  function* (a: { files: readonly string[] }) {
    return yield* all(filesAmong, JSON.stringify(a.files))
  },
)

const findUnconfirmed = query(
  'select id from reception where hash = ? and confirmed = 0 and received_at > ? order by id desc limit 1',
  (row) => integer(row, 'id'),
)
const touchReception = command('update reception set received_at = ? where id = ?')
const insertMessageRow = query(
  'insert into message (hash, size, bytes, file) values (?, ?, ?, ?) returning id',
  (row) => integer(row, 'id') as MessageNo,
)
const insertReception = query(
  'insert into reception (hash, message_id, received_at, confirmed) values (?, ?, ?, ?) returning id',
  (row) => integer(row, 'id'),
)
const listExists = query('select id from list where id = ?', (row) => integer(row, 'id') as ListNo)
const insertItem = query(
  'insert into queue_item (lane, list_id, message_id, envelope, accepted_at, due_at) values (?, ?, ?, ?, ?, 0) returning id',
  (row) => integer(row, 'id') as ItemNo,
)
const confirm = command('update reception set confirmed = 1 where id in (select value from json_each(?))')
const forget = command(
  'delete from reception where id in (select id from reception order by id limit ?1) and received_at < ?2',
)
// What points to messages is few beside them, or goes away with the work: one look at all of it is enough.
const unreferenced = query(
  `select id, file from message
   where id not in (select message_id from queue_item union all select message_id from draft union all select message_id from held)
   limit ?`,
  (row) => ({ no: integer(row, 'id'), file: textOrNull(row, 'file') }),
)
// `bytes is null` first: it is told by the head of the row, so that no message is read for it.
const filesAmong = query(
  'select file from message where bytes is null and file in (select value from json_each(?))',
  (row) => textOrNull(row, 'file') ?? '',
)
const deleteMessage = command('delete from message where id = ?')
