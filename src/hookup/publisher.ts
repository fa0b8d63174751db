// Brings the mail server's tables up to the store: a list change counts the publication generation up in its own
// commit, and whoever waits for it waits for `done`. Tables are written after the commit, never inside it.
import { MINUTE, SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { MailServer, PublishedFile } from '../model/mail-server.ts'
import type { Store } from '../store/store.ts'
import { directory, recordPublication } from '../store/units/lists.ts'

export type Publication =
  | { readonly kind: 'published'; readonly generation: number; readonly published: readonly PublishedFile[] }
  | { readonly kind: 'failed'; readonly generation: number; readonly fault: string }

/** How a command hears of a publication: the fault, or null, and by `advise` what is left for a person to do. */
export function reported(
  outcome: Publication,
  advise: (words: string) => void = () => undefined,
): string | null {
  if (outcome.kind === 'failed') return outcome.fault
  for (const words of new Set(outcome.published.map(({ advice }) => advice)))
    if (words !== undefined) advise(words)
  return null
}

interface Needs {
  readonly store: Store
  readonly log: Log
  /** Hears of a change that the mail server can know by now. */
  readonly onChange?: () => void
}

/** Publishes what the store holds now, once, for each mail server whatever befell the others, and records the outcome. Throws Unavailable when the store is down. */
export async function publishPending(
  { store, log }: Needs,
  servers: readonly MailServer[],
): Promise<Publication> {
  const { generation, directory: lists } = store.read(directory, null)
  const published: PublishedFile[] = []
  const faults: string[] = []
  for (const server of servers) {
    try {
      published.push(...(await server.publish(lists)))
    } catch (fault) {
      const words = fault instanceof Error ? fault.message : String(fault)
      const stack = fault instanceof Unavailable ? {} : { stack: (fault as Error).stack }
      log.error('publication.failed', { server: server.name, generation, fault: words, ...stack })
      faults.push(words)
    }
  }
  if (faults.length > 0) {
    const fault = faults.join('; and ')
    await store.commit(recordPublication, { generation, fault })
    return { kind: 'failed', generation, fault }
  }
  await store.commit(recordPublication, { generation, fault: null })
  const changed = published.filter((file) => file.changed).map(({ path }) => path)
  log.info('publication.done', { generation, changed: changed.slice(0, 20), changes: changed.length })
  return { kind: 'published', generation, published }
}

export interface Publisher extends AsyncDisposable {
  /** Publishes as soon as may be; resolves with an outcome that holds all that was committed before the call. */
  wake(): Promise<Publication>
}

/** How long to wait before a failed publication is tried again, in milliseconds; doubled after each failure. */
export interface Backoff {
  readonly first: number
  readonly most: number
}

/** One publication runs at a time; calls that come meanwhile share the next. Disposing waits for the one that runs. */
export function startPublisher(
  needs: Needs,
  servers: readonly MailServer[],
  backoff: Backoff = { first: 10 * SECOND, most: 5 * MINUTE },
): Publisher {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<Publication> | null = null
  let timer: NodeJS.Timeout | undefined
  let delay = backoff.first
  let stopped = false
  let known = -1

  const tryAgain = (): void => {
    if (stopped) return
    timer = setTimeout(() => {
      // Whatever went wrong is in the log, and has set the next try.
      wake().catch(() => undefined)
    }, delay)
    delay = Math.min(delay * 2, backoff.most)
  }

  const publish = async (): Promise<Publication> => {
    await running
    next = null
    if (stopped) throw new Unavailable('the publisher has stopped')
    clearTimeout(timer)
    try {
      const outcome = await publishPending(needs, servers)
      if (outcome.kind === 'failed') tryAgain()
      else delay = backoff.first
      // A mail server that asks us has no files, and one that failed may read the others' by now.
      if (outcome.generation !== known || outcome.kind === 'failed') needs.onChange?.()
      known = outcome.generation
      return outcome
    } catch (fault) {
      needs.log.error('publication.failed', { fault: String(fault) })
      tryAgain()
      throw fault
    }
  }

  const wake = (): Promise<Publication> => {
    if (next === null) {
      next = publish()
      running = Promise.allSettled([running, next])
    }
    return next
  }

  return {
    wake,
    [Symbol.asyncDispose]: async () => {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
