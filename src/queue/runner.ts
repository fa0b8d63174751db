// Feeds a station from its lane: claims, lets the station work, puts back what the world was down for, and sets
// aside what failed through a fault of ours. The one place between queue and station that catches.
import { type Clock, later } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { ItemNo, Lane, QueueItem } from '../model/queue.ts'
import type { Store } from '../store/store.ts'
import { claimItems, deferItem, nextDue, shuntItem } from '../store/units/queue.ts'

const gatherMilliseconds = 20
const shortestSleep = 500

export interface RunnerSettings {
  readonly lane: Lane
  /** Who claims; its claims are released when it dies. */
  readonly claimant: string
  /** Items claimed in one commit. */
  readonly batch: number
}

export interface Runner {
  /** There may be new items. */
  wake(): void
  /** Nothing in work and nothing that waits for its time. */
  isIdle(): boolean
  /** Claims nothing more; resolves when what is in work has ended. */
  stop(): Promise<void>
}

/** `work` resolves when the item's end is committed; it starts items in the order of acceptance. */
export function startRunner(
  services: { readonly store: Store; readonly clock: Clock; readonly log: Log },
  settings: RunnerSettings,
  work: (item: QueueItem) => Promise<void>,
): Runner {
  const { store, clock, log } = services
  const { lane, claimant, batch } = settings
  let running = false
  let again = false
  let stopped = false
  let waiting = false
  let timer: NodeJS.Timeout | undefined
  let done: Promise<void> = Promise.resolve()

  const sleep = (milliseconds: number): void => {
    clearTimeout(timer)
    timer = setTimeout(wake, Math.min(Math.max(milliseconds, 1), 60_000))
  }

  const runAll = async (): Promise<void> => {
    try {
      while (!stopped) {
        again = false
        const items = await store.commit(claimItems, { lane, claimant, limit: batch, now: clock.now() })
        if (items.length === 0) break
        await Promise.all(items.map((item) => attempt(item)))
        // Under load, let items gather: each claim is a commit that the door has to wait for.
        if (items.length < batch) await new Promise((resolve) => setTimeout(resolve, gatherMilliseconds))
      }
      const due = store.read(nextDue, { lane })
      waiting = due !== null
      // What is due but cannot be claimed belongs to somebody else; new items come with a wake.
      if (due !== null) sleep(Math.max(due - clock.now(), shortestSleep))
    } catch (fault) {
      log.error('queue.unavailable', { lane, fault: String(fault), remedy: 'tried again in a second' })
      waiting = true
      sleep(1000)
    }
  }

  const attempt = async (item: QueueItem): Promise<void> => {
    try {
      await work(item)
    } catch (fault) {
      await giveBack(item, fault)
    }
  }

  const giveBack = async (item: QueueItem, fault: unknown): Promise<void> => {
    const now = clock.now()
    if (fault instanceof Unavailable) {
      const due = later(now, deferralDelay(item.deferrals))
      log.warn('queue.deferred', {
        lane,
        item: item.no,
        reason: fault.message,
        due: new Date(due).toISOString(),
      })
      await keepTrying(() => store.commit(deferItem, { item: item.no, due, reason: fault.message }), item.no)
      return
    }
    const reason = fault instanceof Error ? fault.message : String(fault)
    log.error('queue.shunted', {
      lane,
      item: item.no,
      reason,
      stack: fault instanceof Error ? fault.stack : undefined,
    })
    await keepTrying(() => store.commit(shuntItem, { item: item.no, reason, now }), item.no)
  }

  // The claim is ours until this is committed: nobody else works on the item meanwhile.
  const keepTrying = async (commit: () => Promise<unknown>, item: ItemNo): Promise<void> => {
    while (!stopped) {
      try {
        await commit()
        return
      } catch (fault) {
        log.error('queue.unavailable', {
          lane,
          item,
          fault: String(fault),
          remedy: 'tried again in a second',
        })
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    }
  }

  const wake = (): void => {
    if (stopped) return
    again = true
    if (running) return
    running = true
    clearTimeout(timer)
    done = runAll().finally(() => {
      running = false
      if (again && !stopped) wake()
    })
  }

  return {
    wake,
    isIdle: () => !running && !waiting,
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await done
    },
  }
}

/** How long an item waits after the world was down, by how often it was: 2 s … 5 min. */
export function deferralDelay(deferrals: number): number {
  return Math.min(2000 * 2 ** Math.min(deferrals, 8), 300_000)
}
