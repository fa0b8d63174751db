// Delivery that an operator holds back: after a restore, what the backup still had to send may have been sent since.
// Law: the pause is in the store, so that no start forgets it; while it lasts no retry period runs.
import type { Instant } from '../../base/clock.ts'
import { command, defineUnit, get, integer, one, query, run, text } from '../unit.ts'

export interface DeliveryPause {
  readonly since: Instant
  /** For the operator. */
  readonly why: string
  /** When the backup was made from which this store was restored; null for an ordinary pause. */
  readonly restoredFrom: Instant | null
}

/** Null while delivery runs. */
export const deliveryPause = defineUnit('pausing.state', function* (_: null) {
  return yield* get(selectPause)
})

/** False when it was paused before: the first reason stays. */
export const pauseDelivery = defineUnit('pausing.pause', function* (pause: DeliveryPause) {
  return (yield* run(insertPause, JSON.stringify(pause))) === 1
})

/** In a copy that is not in use yet: paused whatever it was before, and the mail server's tables count as not made. */
export const markRestored = defineUnit('pausing.mark-restored', function* (pause: DeliveryPause) {
  yield* run(deletePause)
  yield* run(insertPause, JSON.stringify(pause))
  yield* run(makeTablesAnew)
})

export interface Resumed {
  /** Posts and letters that were given up, with the recipients that were not tried any more. */
  readonly dropped: number
}

/**
 * Ends the pause, and what waited for a retry is due; null when there was none. `dropUpTo`: what was accepted until then is not sent any more, as it was
 * on its way when the backup was made.
 */
export const resumeDelivery = defineUnit(
  'pausing.resume',
  function* (a: { now: Instant; dropUpTo: Instant | null }) {
    const pause = yield* get(selectPause)
    if (pause === null) return null
    let dropped = 0
    if (a.dropUpTo !== null) {
      yield* run(dropPages, a.dropUpTo)
      yield* run(dropDrafts, a.dropUpTo)
      dropped = yield* run(dropOutgoing, a.now, a.dropUpTo)
    }
    yield* run(deletePause)
    yield* run(lengthenPeriods, Math.max(0, a.now - pause.since))
    yield* run(dueNow, a.now)
    return { dropped } satisfies Resumed
  },
)

/** How many posts and letters wait to be sent that were accepted until `until`. */
export const waiting = defineUnit('pausing.waiting', function* (a: { until: Instant }) {
  return yield* one(countWaiting, a.until)
})

/** How many posts were accepted until `until` and have no verdict yet; those set aside do not count. */
export const unjudged = defineUnit('pausing.unjudged', function* (a: { until: Instant }) {
  return yield* one(countUnjudged, a.until)
})

// A letter of ours counts from when it was written, a post from when it came in.
const oldOnes = `outgoing.done_at is null
  and coalesce((select min(post.received_at) from post where post.outgoing_id = outgoing.id), outgoing.created_at) <= ?`

const selectPause = query("select value from setting where key = 'delivery.pause'", (row): DeliveryPause => {
  const { since, why, restoredFrom } = JSON.parse(text(row, 'value')) as DeliveryPause
  return { since, why, restoredFrom }
})
const insertPause = command(
  "insert into setting (key, value) values ('delivery.pause', ?) on conflict (key) do nothing",
)
const deletePause = command("delete from setting where key = 'delivery.pause'")
const makeTablesAnew = command('update publication set generation = generation + 1 where id = 1')
const dropPages = command(
  `update outgoing_page set states = replace(replace(replace(states, '.', 'x'), 'd', 'x'), 'q', 'x'), due_at = null
   where due_at is not null and outgoing_id in (select id from outgoing where ${oldOnes})`,
)
const dropDrafts = command(`delete from draft where id in (select draft_id from outgoing where ${oldOnes})`)
const dropOutgoing = command(
  `update outgoing set done_at = ?, draft_id = null, parked = null, paged = 1 where ${oldOnes}`,
)
const lengthenPeriods = command('update outgoing set expires_at = expires_at + ? where done_at is null')
const dueNow = command('update outgoing_page set due_at = ?1 where due_at > ?1')
const countWaiting = query(`select count(*) as number from outgoing where ${oldOnes}`, (row) =>
  integer(row, 'number'),
)
const countUnjudged = query(
  "select count(*) as number from queue_item where lane = 'in' and accepted_at <= ? and shunted_at is null",
  (row) => integer(row, 'number'),
)
