// The queue: claimed in the order of acceptance, attempts counted before the work, put back when the world is
// down, set aside with a reason when the work itself fails. Claims are rows of a TEMP table: none survives a start.
// A fresh item is due at 0, so that a clock set backwards delays nothing; what is due in more than a quarter of an hour is due now.
import type { Instant } from '../../base/clock.ts'
import type { ListNo } from '../../model/list.ts'
import {
  attemptsBeforeShunt,
  type Envelope,
  type ItemNo,
  type Lane,
  type MessageNo,
  type QueueItem,
} from '../../model/queue.ts'
import {
  all,
  blob,
  command,
  defineUnit,
  get,
  integer,
  json,
  query,
  type Row,
  run,
  text,
  textOrNull,
} from '../unit.ts'

/** Messages are read whole: so many bytes are claimed at once, or one message. */
const bytesAtOnce = 16 * 1024 * 1024

/**
 * Claims due items of a lane, oldest first. Fresh ones come many at a time; one that was claimed before and never
 * ended comes alone, so that work that kills us is found and its neighbours are not blamed. One that has used up its
 * attempts is shunted here.
 */
export const claimItems = defineUnit(
  'queue.claim',
  function* (a: { lane: Lane; claimant: string; limit: number; now: Instant }) {
    const now = yield* all(selectDue, a.lane, a.now, a.limit)
    const due = now.length > 0 ? now : yield* all(selectFromTheFuture, a.lane, a.now, a.limit)
    const taken: QueueItem[] = []
    let size = 0
    for (const item of due) {
      if (item.attempts >= attemptsBeforeShunt) {
        yield* run(
          shunt,
          a.now,
          `its work did not end ${item.attempts} times; the program died or was stopped in the middle of it`,
          item.no,
        )
        continue
      }
      size += item.size
      if (taken.length > 0 && (item.attempts > 0 || size > bytesAtOnce)) break
      yield* run(claim, item.no, a.claimant)
      yield* run(countAttempt, item.no)
      taken.push({ ...item, attempts: item.attempts + 1 })
      if (item.attempts > 0) break
    }
    return taken
  },
)

/** When the next unclaimed item of the lane is due; null for an empty lane. */
export const nextDue = defineUnit('queue.next-due', function* (a: { lane: Lane }) {
  return yield* get(selectNextDue, a.lane)
})

/** The world was down: the item waits, and the attempt does not count. */
export const deferItem = defineUnit(
  'queue.defer',
  function* (a: { item: ItemNo; due: Instant; reason: string }) {
    yield* run(release, a.item)
    return yield* run(defer, a.due, a.reason, a.item)
  },
)

/** We were wrong: the item is set aside until `unshunt`. */
export const shuntItem = defineUnit(
  'queue.shunt',
  function* (a: { item: ItemNo; reason: string; now: Instant }) {
    yield* run(release, a.item)
    return yield* run(shunt, a.now, a.reason, a.item)
  },
)

/** A claimant died: what it held may be claimed again; its attempts stay counted. */
export const releaseClaims = defineUnit('queue.release-claims', function* (a: { claimant: string }) {
  return yield* run(releaseAll, a.claimant)
})

/** Puts shunted items back (all, or those named); where they stopped, they go on. */
export const unshuntItems = defineUnit(
  'queue.unshunt',
  function* (a: { items: readonly ItemNo[] | null; now: Instant }) {
    return yield* run(unshunt, a.now, a.items === null ? null : JSON.stringify(a.items))
  },
)

/** Deletes shunted items for good. */
export const discardShunted = defineUnit(
  'queue.discard-shunted',
  function* (a: { items: readonly ItemNo[] | null }) {
    return yield* run(deleteShunted, a.items === null ? null : JSON.stringify(a.items))
  },
)

/** The kept message: its bytes, or the file that has them. */
export const messageBody = defineUnit('message.body', function* (a: { message: MessageNo }) {
  return yield* get(selectBody, a.message)
})

/** Ends an item inside another unit: its effects and its removal commit together. False when it was gone already. */
export function* finishItem(item: ItemNo) {
  yield* run(release, item)
  return (yield* run(deleteItem, item)) === 1
}

const readItem = (row: Row): QueueItem & { readonly size: number } => ({
  size: integer(row, 'size'),
  no: integer(row, 'id') as ItemNo,
  lane: text(row, 'lane') as Lane,
  list: integer(row, 'list_id') as ListNo,
  message: integer(row, 'message_id') as MessageNo,
  envelope: json<Envelope>(row, 'envelope'),
  acceptedAt: integer(row, 'accepted_at') as Instant,
  attempts: integer(row, 'attempts'),
  deferrals: integer(row, 'deferrals'),
})

const itemColumns = `id, lane, list_id, message_id, envelope, accepted_at, attempts, deferrals,
  (select size from message where message.id = message_id) as size`
const selectDue = query(
  `select ${itemColumns} from queue_item
   where lane = ?1 and due_at <= ?2 and shunted_at is null and id not in (select item from temp.claim)
   order by due_at, id limit ?3`,
  readItem,
)
// Nothing is put back for a quarter of an hour: what is due later was written before the clock was set back.
const selectFromTheFuture = query(
  `select ${itemColumns} from queue_item
   where lane = ?1 and due_at > ?2 + 900000 and shunted_at is null and id not in (select item from temp.claim)
   order by due_at, id limit ?3`,
  readItem,
)
const selectNextDue = query(
  'select min(due_at) as due from queue_item where lane = ? and shunted_at is null',
  (row) => row.due as Instant | null,
)
const claim = command('insert into temp.claim (item, claimant) values (?, ?)')
const release = command('delete from temp.claim where item = ?')
const releaseAll = command('delete from temp.claim where claimant = ?')
const countAttempt = command('update queue_item set attempts = attempts + 1 where id = ?')
const defer = command(
  'update queue_item set due_at = ?, reason = ?, attempts = 0, deferrals = deferrals + 1 where id = ?',
)
const shunt = command('update queue_item set shunted_at = ?, reason = ? where id = ?')
const unshunt = command(
  `update queue_item set shunted_at = null, attempts = 0, due_at = ?1
   where shunted_at is not null and (?2 is null or id in (select value from json_each(?2)))`,
)
const deleteShunted = command(
  'delete from queue_item where shunted_at is not null and (?1 is null or id in (select value from json_each(?1)))',
)
const deleteItem = command('delete from queue_item where id = ?')
const selectBody = query('select hash, size, bytes, file from message where id = ?', (row) => ({
  hash: blob(row, 'hash'),
  size: integer(row, 'size'),
  bytes: row.bytes === null ? null : blob(row, 'bytes'),
  file: textOrNull(row, 'file'),
}))
