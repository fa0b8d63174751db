// Opens the doors of monitoring on the parts of a running server: [web] metrics. Imported only where that is set.
import { readFileSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import type { Tally } from '../base/tally.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { HostPort } from '../config/hosts.ts'
import type { Door } from '../lmtp/door.ts'
import type { Services } from '../services.ts'
import { oneKey } from '../smtp/listening.ts'
import { publicationState } from '../store/units/lists.ts'
import { deliveryPause } from '../store/units/pausing.ts'
import { type LaneReport, laneReports } from '../store/units/reports.ts'
import { putSetting } from '../store/units/settings.ts'
import type { Picture } from '../web/metrics.ts'
import { monitoring } from '../web/monitoring.ts'
import { readiness } from '../web/readiness.ts'
import { type HttpDoor, serveHttp } from '../web/serving.ts'
import type { DatabaseWatch } from './database-watch.ts'
import type { DiskReserve } from './disk-reserve.ts'
import type { StationThread } from './station-thread.ts'
import type { WriterThread } from './writer-thread.ts'

export interface Parts {
  readonly door: Door
  readonly disk: DiskReserve
  readonly database: DatabaseWatch
  readonly writer: WriterThread
  readonly delivery: StationThread
  /** What each thread has counted. */
  readonly tallies: Readonly<Record<'main' | 'judging' | 'delivery', Tally<string>>>
}

/** Throws DoorRefusal. */
export async function openMonitoring(services: Services, place: HostPort, parts: Parts): Promise<HttpDoor> {
  const { store, clock, config } = services
  const { door, disk, database, delivery } = parts
  const version = programVersion()
  const lanes = restrained(clock, () => store.read(laneReports, { now: clock.now() }))
  const ready = readiness(clock, {
    // A path lets everybody in whom the kernel lets in; a port may be closed to this very machine.
    door: door.addresses.find((address) => address.startsWith('/')) ?? door.addresses[0] ?? '',
    write: async () => {
      if (!database.isThere()) throw new Unavailable('posthorn.db was removed or replaced: no mail is taken')
      return store.commit(putSetting, { key: 'readiness.asked', value: String(clock.now()) })
    },
    disk: () =>
      disk.hasRoom()
        ? null
        : `${disk.free()} bytes are free, [store] reserve is ${config.store.reserve}: no mail is taken; free some space`,
    relay: async () => {
      const pause = store.read(deliveryPause, null)
      if (pause !== null) return `delivery is paused: ${pause.why}`
      const status = await delivery.status()
      return status?.relay.state === 'down' ? (status.relay.words ?? 'it is down') : null
    },
  })
  const picture = async (): Promise<Picture> => {
    const status = await delivery.status()
    const state = status?.relay.state ?? 'untried'
    const { judging, delivery: sending, main } = read(parts.tallies)
    return {
      now: clock.now(),
      version,
      door: door.status(),
      judged: {
        accept: judging['post.accepted'] ?? 0,
        hold: judging['post.held'] ?? 0,
        reject: judging['post.rejected'] ?? 0,
        discard: (judging['post.discarded'] ?? 0) + (judging['post.list-gone'] ?? 0),
      },
      copies: {
        sent: sending.sent ?? 0,
        deferred: sending.deferred ?? 0,
        failed: sending.failed ?? 0,
        refused: sending.refused ?? 0,
        doubt: sending.doubt ?? 0,
      },
      lanes: lanes(),
      relay: state === 'untried' ? 'unknown' : state,
      delivery: {
        connections: status?.connections ?? 0,
        pages: status?.pages ?? 0,
        inDoubt: status?.inDoubt ?? 0,
      },
      paused: store.read(deliveryPause, null) !== null,
      commits: parts.writer.commitTimes(),
      disk: { free: disk.free(), reserve: config.store.reserve },
      publication: store.read(publicationState, {}),
      trouble: {
        main: troubleOf(main),
        judging: troubleOf(judging),
        delivery: troubleOf(sending),
      },
    }
  }
  const app = monitoring(services, { picture, ready })
  return serveHttp(place, (request) => app.fetch(request), oneKey('HTTP', '[web] metrics'))
}

type Counts = Readonly<Record<string, number | undefined>>

const read = ({ main, judging, delivery }: Parts['tallies']): Record<keyof Parts['tallies'], Counts> => ({
  main: main.read(),
  judging: judging.read(),
  delivery: delivery.read(),
})

const troubleOf = ({ warn = 0, error = 0 }: Counts) => ({ warn, error })

/** The queue is counted row by row: a long one not so often that the door would feel it. */
function restrained(clock: Clock, count: () => readonly LaneReport[]): () => readonly LaneReport[] {
  let last: readonly LaneReport[] = []
  let notBefore = Number.NEGATIVE_INFINITY
  return () => {
    const began = clock.monotonic()
    if (began < notBefore) return last
    last = count()
    const took = clock.monotonic() - began
    notBefore = began + 50 * took
    return last
  }
}

function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { readonly version?: unknown }
  return typeof version === 'string' ? version : 'unknown'
}
