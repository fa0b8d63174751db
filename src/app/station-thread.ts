// A station's thread as the main thread sees it: started when there is work, replaced when it dies or hangs, ended
// when it has been idle for a while. What a dead one had claimed is released; its attempts stay counted.
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { DeliveryStatus } from '../delivery/delivery.ts'
import type { Store } from '../store/store.ts'
import { releaseClaims } from '../store/units/queue.ts'
import { startWorker } from './start-worker.ts'
import type { StationNews, StationOrder, StationStart } from './station-messages.ts'
import type { WriterThread } from './writer-thread.ts'

export interface StationSettings {
  readonly name: 'judging' | 'delivery'
  readonly start: Omit<StationStart, 'writer' | 'claimant' | 'heartbeat'>
  /** How long one item may be in work before the thread is killed; null: no limit. */
  readonly deadline: number | null
  /** Called for every `accepted` of the station. */
  readonly onAccepted: () => void
}

export interface StationThread {
  /** There is work: starts the thread if need be. */
  wake(reload?: boolean): void
  /** Null while no thread runs. */
  status(): Promise<DeliveryStatus | null>
  /** The mail server's tables have changed. */
  published(): void
  reopenLog(): void
  /** No thread runs until `release`: one that runs ends in order first. */
  hold(graceMilliseconds: number): Promise<void>
  release(): void
  stop(graceMilliseconds: number): Promise<void>
}

const watchEvery = 1000
const idleChecksBeforeEnd = 60
/** A thread that answers nothing for so long hangs. */
const longestSilence = 120 * 1000
/** Deaths further apart than this are not one trouble. */
const steadyFor = 60 * 1000
const restartPauses = [0, 1000, 5000, 30_000]

interface Running {
  readonly worker: Worker
  readonly claimant: string
  readonly heartbeat: Int32Array
  readonly asked: Map<number, (news: StationNews & { kind: 'status' }) => void>
  beat: number
  itemSince: number
  idleChecks: number
  ending: boolean
  readonly startedAt: number
  /** When a question was asked that is not answered yet; null for none. */
  askedAt: number | null
}

export function stationThread(
  services: { readonly store: Store; readonly clock: Clock; readonly log: Log },
  writer: WriterThread,
  settings: StationSettings,
): StationThread {
  const { store, clock, log } = services
  const { name, deadline } = settings
  let running: Running | null = null
  let stopped = false
  let starts = 0
  let deaths = 0
  let wanted = false
  let asks = 0
  let restart: NodeJS.Timeout | undefined
  let releasing = false
  let held = false

  const order = (to: Running, what: StationOrder): void => to.worker.postMessage(what)

  const begin = (): Running => {
    starts += 1
    const claimant = `${name}-${starts}`
    const port = writer.port()
    const heartbeat = new SharedArrayBuffer(8)
    const start: StationStart = { ...settings.start, writer: port, claimant, heartbeat }
    const worker = startWorker(name, start, [port])
    const made: Running = {
      worker,
      claimant,
      heartbeat: new Int32Array(heartbeat),
      asked: new Map(),
      beat: 0,
      itemSince: 0,
      idleChecks: 0,
      ending: false,
      startedAt: clock.monotonic(),
      askedAt: null,
    }
    worker.on('message', (news: StationNews) => hear(made, news))
    worker.on('error', (fault) =>
      log.error('thread.died', { thread: name, fault: fault.message, stack: fault.stack }),
    )
    worker.on('exit', () => void ended(made))
    return made
  }

  const hear = (from: Running, news: StationNews): void => {
    if (news.kind === 'accepted') settings.onAccepted()
    if (news.kind === 'status') {
      from.asked.get(news.id)?.(news)
      from.asked.delete(news.id)
    }
  }

  const ended = async (was: Running): Promise<void> => {
    if (running === was) running = null
    for (const answer of was.asked.values()) answer({ kind: 'status', id: 0, idle: false, delivery: null })
    if (stopped) return
    if (!was.ending) {
      deaths = clock.monotonic() - was.startedAt > steadyFor ? 1 : deaths + 1
      releasing = true
      await release(was.claimant)
      releasing = false
      wanted = true
    }
    if (!wanted) return
    const pause = restartPauses[Math.min(was.ending ? 0 : deaths, restartPauses.length - 1)] ?? 0
    restart = setTimeout(() => {
      restart = undefined
      wake()
    }, pause)
  }

  // Until this is done a new thread would find the old one's items claimed.
  const release = async (claimant: string): Promise<void> => {
    while (!stopped) {
      try {
        await store.commit(releaseClaims, { claimant })
        return
      } catch (fault) {
        log.error('thread.claims-kept', {
          thread: name,
          fault: String(fault),
          remedy: 'tried again in a second',
        })
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    }
  }

  const wake = (reload = false): void => {
    if (stopped) return
    if (held || running?.ending || releasing || restart !== undefined) {
      wanted = true
      return
    }
    wanted = false
    running ??= begin()
    running.idleChecks = 0
    order(running, { kind: 'wake', reload })
  }

  const ask = (of: Running): Promise<StationNews & { kind: 'status' }> =>
    new Promise((resolve) => {
      asks += 1
      of.asked.set(asks, resolve)
      order(of, { kind: 'status', id: asks })
    })

  const watch = setInterval(() => {
    const now = running
    if (now === null || now.ending) return
    if (deadline !== null && hangs(now)) {
      log.error('thread.killed', {
        thread: name,
        item: Atomics.load(now.heartbeat, 0),
        deadline,
        remedy: 'the item is tried again, and shunted after the third time',
      })
      void now.worker.terminate()
      return
    }
    if (now.askedAt !== null) {
      if (clock.monotonic() - now.askedAt < longestSilence) return
      log.error('thread.killed', {
        thread: name,
        remedy: 'it answered nothing for two minutes; a new one goes on',
      })
      void now.worker.terminate()
      return
    }
    now.askedAt = clock.monotonic()
    void ask(now).then(({ idle }) => {
      now.askedAt = null
      now.idleChecks = idle ? now.idleChecks + 1 : 0
      if (now.idleChecks < idleChecksBeforeEnd || stopped) return
      now.ending = true
      order(now, { kind: 'stop', graceMilliseconds: 1000 })
    })
  }, watchEvery)
  watch.unref()

  const hangs = (of: Running): boolean => {
    const item = Atomics.load(of.heartbeat, 0)
    const beat = Atomics.load(of.heartbeat, 1)
    if (item === 0 || beat !== of.beat) {
      of.beat = beat
      of.itemSince = clock.monotonic()
      return false
    }
    return clock.monotonic() - of.itemSince > (deadline ?? Number.POSITIVE_INFINITY)
  }

  const end = async (of: Running, graceMilliseconds: number): Promise<void> => {
    const { worker } = of
    const exit = once(worker, 'exit')
    order(of, { kind: 'stop', graceMilliseconds })
    const timer = setTimeout(() => void worker.terminate(), graceMilliseconds + 3000)
    await exit
    clearTimeout(timer)
  }

  return {
    wake,
    status: async () => (running === null || running.ending ? null : (await ask(running)).delivery),
    published: () => {
      if (running !== null) order(running, { kind: 'published' })
    },
    reopenLog: () => {
      if (running !== null) order(running, { kind: 'reopen-log' })
    },
    hold: async (graceMilliseconds) => {
      held = true
      if (running === null) return
      running.ending = true
      await end(running, graceMilliseconds)
    },
    release: () => {
      held = false
      wake()
    },
    stop: async (graceMilliseconds) => {
      stopped = true
      clearInterval(watch)
      clearTimeout(restart)
      if (running !== null) await end(running, graceMilliseconds)
    },
  }
}
