// What goes away by itself: receptions after a day, ledgers after keep_pages, messages that nothing points to,
// and files of large messages that a crash left without a row. In small bites, so that the door never waits.
import { glob, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DAY, HOUR, instant, MINUTE, SECOND } from '../base/clock.ts'
import type { Services } from '../services.ts'
import { forgetStories } from '../store/units/judging.ts'
import { forgetOutgoing, forgetPages } from '../store/units/outgoing.ts'
import { filesWithRows, forgetReceptions, sweepMessages } from '../store/units/reception.ts'

const firstAfter = 20 * SECOND
const every = 5 * MINUTE
const bite = 200
const pagesBite = 20
const straysEvery = DAY
// A file is written before its row: by then the row is there, or never will be.
const strayAfter = HOUR

export interface House {
  stop(): void
  /** No message and no file goes away until the returned function is called. Waits for a sweep that is under way. */
  keepMessages(): Promise<() => void>
}

export function keepHouse({ store, clock, config, log }: Services, spool: string): House {
  let stopped = false
  let keepers = 0
  let sweeping: Promise<void> = Promise.resolve()
  let lookForStrays = Number.NEGATIVE_INFINITY
  const tidy = async (): Promise<void> => {
    while (!stopped && (await store.commit(forgetReceptions, { now: clock.now(), limit: bite })) === bite)
      await pause()
    const before = instant(clock.now() - config.bulk.keepPages)
    while (!stopped && (await store.commit(forgetPages, { before, limit: pagesBite })) === pagesBite)
      await pause()
    while (!stopped && (await store.commit(forgetOutgoing, { before, limit: bite })) === bite) await pause()
    while (!stopped && (await store.commit(forgetStories, { before, limit: bite })) === bite) await pause()
    sweeping = sweep()
    await sweeping
  }
  const sweep = async (): Promise<void> => {
    for (;;) {
      if (stopped || keepers > 0) return
      const { deleted, files } = await store.commit(sweepMessages, { limit: bite })
      for (const file of files) await unlink(join(spool, file)).catch(() => undefined)
      if (deleted < bite) break
      await pause()
    }
    if (stopped || keepers > 0 || clock.monotonic() < lookForStrays) return
    const deleted = await removeStrays({ store, clock }, spool, () => stopped || keepers > 0)
    lookForStrays = clock.monotonic() + straysEvery
    if (deleted > 0) log.info('housekeeping.strays', { deleted })
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
    keepMessages: async () => {
      keepers += 1
      await sweeping.catch(() => undefined)
      return () => {
        keepers -= 1
      }
    },
  }
}

/**
 * Deletes the files below `spool` that are over an hour old and that no message has, and the `.tmp` of a write that
 * was cut off; says how many. Only names that the door gives: the folder may hold an older program's files.
 */
export async function removeStrays(
  { store, clock }: Pick<Services, 'store' | 'clock'>,
  spool: string,
  isStopped: () => boolean = () => false,
): Promise<number> {
  let deleted = 0
  const clear = async (files: readonly string[]): Promise<void> => {
    const rows = new Set(store.read(filesWithRows, { files }))
    for (const file of files) {
      if (rows.has(file)) continue
      const gone = await unlink(join(spool, file)).then(
        () => true,
        () => false,
      )
      if (gone) deleted++
    }
    await pause()
  }
  let old: string[] = []
  for await (const file of glob(['*.tmp', '??/??/*'], { cwd: spool })) {
    if (isStopped()) return deleted
    if (!ours.test(file)) continue
    const found = await stat(join(spool, file)).catch(() => null)
    if (found === null || !found.isFile() || found.mtimeMs > clock.now() - strayAfter) continue
    if (old.push(file) < bite) continue
    await clear(old)
    old = []
  }
  if (old.length > 0) await clear(old)
  return deleted
}

const ours = /^(?:[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{64}-[a-z2-7]{8}|[0-9a-f]{64}-[a-z2-7]{8}\.tmp)$/

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))
