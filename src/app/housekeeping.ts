// What goes away by itself: receptions after a day, ledgers after keep_pages, messages that nothing points to.
// In small bites, so that the door never waits.
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { instant, MINUTE, SECOND } from '../base/clock.ts'
import type { Services } from '../services.ts'
import { forgetOutgoing } from '../store/units/outgoing.ts'
import { forgetReceptions, sweepMessages } from '../store/units/reception.ts'

const firstAfter = 20 * SECOND
const every = 5 * MINUTE
const bite = 200

export function keepHouse({ store, clock, config, log }: Services, spool: string): { stop(): void } {
  let stopped = false
  const tidy = async (): Promise<void> => {
    while (!stopped && (await store.commit(forgetReceptions, { now: clock.now(), limit: bite })) === bite)
      await pause()
    const before = instant(clock.now() - config.bulk.keepPages)
    while (!stopped && (await store.commit(forgetOutgoing, { before, limit: bite })) === bite) await pause()
    for (;;) {
      const { deleted, files } = await store.commit(sweepMessages, { limit: bite })
      for (const file of files) await unlink(join(spool, file)).catch(() => undefined)
      if (deleted < bite || stopped) return
      await pause()
    }
  }
  const run = (): void => {
    tidy()
      .catch((fault: unknown) => log.warn('housekeeping.failed', { fault: String(fault) }))
      .finally(() => {
        if (!stopped) timer = setTimeout(run, every).unref()
      })
  }
  let timer = setTimeout(run, firstAfter).unref()
  return {
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))
