// The main job: owns the data directory, opens the door, feeds the stations, answers the command line, and ends
// in order. The only place where the server is built.
import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { SECOND, systemClock } from '../base/clock.ts'
import { type LogFile, openLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { type Tally, tallyMemory, tallyOn } from '../base/tally.ts'
import type { Config } from '../config/config.ts'
import { nameOf } from '../config/names.ts'
import { reported, startPublisher } from '../hookup/publisher.ts'
import { allowNetworks, allowOwn } from '../lmtp/allow.ts'
import { type Door, type DoorPlace, openDoor } from '../lmtp/door.ts'
import type { Services } from '../services.ts'
import { DoorRefusal, oneKey } from '../smtp/listening.ts'
import { StoreRefusal } from '../store/database.ts'
import { openStore, type Store } from '../store/store.ts'
import { publicationState } from '../store/units/lists.ts'
import { nextPageDue, unpagedHeads } from '../store/units/outgoing.ts'
import { deliveryPause } from '../store/units/pausing.ts'
import { nextDue } from '../store/units/queue.ts'
import { laneReports } from '../store/units/reports.ts'
import { configuredMailServers } from './configured-mail-servers.ts'
import { type AnswerCall, listenControl } from './control.ts'
import type { ServerSide, ServerStatus } from './control-server-side.ts'
import { countLog } from './counted-log.ts'
import {
  claimControlPath,
  DirectoryRefusal,
  databasePath,
  messagesDirectory,
  openSiteLog,
  prepareDataDirectory,
  takeLock,
} from './data-directory.ts'
import { type DatabaseWatch, watchDatabase } from './database-watch.ts'
import { type DiskReserve, watchDisk } from './disk-reserve.ts'
import { keepHouse } from './housekeeping.ts'
import { markLivedIn, refuseLostDatabase } from './lived-in.ts'
import { openLookupService } from './lookup-service.ts'
import { type RecentErrors, rememberErrors } from './recent-errors.ts'
import { siteWay } from './relay.ts'
import { forgetTrials } from './round-trip-site.ts'
import { serviceManager } from './service-manager.ts'
import { SiteModuleRefusal } from './site-modules.ts'
import { countedByStations } from './station-messages.ts'
import { type StationThread, stationThread } from './station-thread.ts'
import { startWriterThread, type WriterThread } from './writer-thread.ts'

export interface ServeOptions {
  /** Standard output instead of the log file. */
  readonly foreground: boolean
  /** How the command line's calls are answered. */
  readonly answer: (services: Services, server: ServerSide) => AnswerCall
  /** The door is open. */
  readonly onReady: (facts: { readonly addresses: readonly string[]; readonly services: Services }) => void
  /** Words for the operator when it cannot start. */
  readonly onRefused: (words: string) => void
  /** Opened before `onReady`, when mail comes in already; what it gives back closes it again, before the rest. */
  readonly alsoOpen?: (services: Services) => Promise<() => Promise<void>>
  /** Ends the server as SIGTERM does. */
  readonly signal?: AbortSignal
}

// Together, with what it takes to close the store, within the ten seconds that a stop may take.
const doorGrace = 3 * SECOND
const stationsGrace = 4 * SECOND
const maxConnections = 2000
const maxBytesInFlight = 64 * 1024 * 1024

/** What stops a start, with words for the operator. */
const refusals = [StoreRefusal, DirectoryRefusal, DoorRefusal, SiteModuleRefusal] as const

/** Runs until it is told to end. 0: ended in order; 1: could not start; the words went to `onRefused`. */
export async function serve(config: Config, options: ServeOptions): Promise<number> {
  const rooms: (() => Promise<void> | void)[] = []
  const stopped = stopSignals(options.signal)
  try {
    await start(config, options, rooms)
    await stopped.asked
    return 0
  } catch (fault) {
    if (!(fault instanceof Error && refusals.some((kind) => fault instanceof kind))) throw fault
    options.onRefused(fault.message)
    return 1
  } finally {
    await closeAll(rooms)
    stopped.forget()
  }
}

// A room that cannot be closed in order must not keep the others open.
async function closeAll(rooms: readonly (() => Promise<void> | void)[]): Promise<void> {
  for (const close of rooms.toReversed()) {
    try {
      await close()
    } catch (fault) {
      process.stderr.write(
        `posthorn: while ending: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}\n`,
      )
    }
  }
}

// Each step that opens something says how it is closed; `serve` closes them in the opposite order.
async function start(
  config: Config,
  options: ServeOptions,
  rooms: (() => Promise<void> | void)[],
): Promise<void> {
  prepareDataDirectory(config)
  const lock = takeLock(config, 'server')
  if ('heldBy' in lock) {
    const who = lock.heldBy === null ? 'another process' : `process ${lock.heldBy.pid} (${lock.heldBy.what})`
    throw new DirectoryRefusal(
      `${config.paths.varDir} is in use by ${who}; one server at a time: stop that one first`,
    )
  }
  rooms.push(() => lock.release())
  const target = options.foreground ? 1 : join(config.paths.logDir, 'posthorn.log')
  const file = target === 1 ? openLog(target) : openSiteLog(config)
  const tally: Tally<string> = tallyOn<string>(countedByMain, tallyMemory(countedByMain))
  const errors = rememberErrors(countLog(file, tally), systemClock)
  const log = errors.log
  refuseLostDatabase(config)
  const writer = await startWriterThread(databasePath(config))
  markLivedIn(config)
  writer.onDeath((words) => {
    log.error('thread.died', {
      thread: 'writer',
      fault: words,
      remedy: 'the server ends; what was answered with 250 is safe, start it again',
    })
    process.exit(1)
  })
  rooms.push(() => writer.close())
  const port = writer.port()
  const store = openStore(port, databasePath(config))
  rooms.push(() => {
    store.close()
    port.close()
  })
  const services: Services = Object.freeze({ config, store, clock: systemClock, random: systemRandom, log })
  const disk = await watchDisk(config.paths.varDir, config.store.reserve, services)
  rooms.push(() => disk.stop())
  const database = watchDatabase(databasePath(config), services)
  rooms.push(() => database.stop())

  const onChange = (): void => stations.delivery.published()
  const publisher = startPublisher({ ...services, onChange }, await configuredMailServers(config))
  await siteWay(config) // looked at now; the delivery thread loads it again
  rooms.push(async () => {
    await publisher[Symbol.asyncDispose]()
  })
  const publish: ServerSide['publish'] = async (advise) => reported(await publisher.wake(), advise)
  const stations = startStations(services, writer, target, rooms)
  const pauseChanged = async (): Promise<void> => {
    if (store.read(deliveryPause, null) === null) stations.delivery.release()
    else await stations.delivery.hold(stationsGrace)
  }
  if (store.read(deliveryPause, null) !== null) await stations.delivery.hold(0)
  const house = keepHouse(services, messagesDirectory(config))
  rooms.push(() => house.stop())

  const door = await openTheDoor(services, { disk, database }, () => stations.judging.wake())
  const started = systemClock.monotonic()
  const status = (): Promise<ServerStatus> =>
    statusOf(services, { started, disk, database, door, errors, stations })
  const wake = (putBack: boolean): void => {
    stations.judging.wake()
    stations.delivery.wake(putBack)
  }
  const control = await listenControl(
    claimControlPath(config),
    options.answer(services, {
      publish,
      status,
      wake,
      pauseChanged,
      keepMessages: () => house.keepMessages(),
    }),
  )
  rooms.push(() => control.close())
  rooms.push(() => door.close(doorGrace))
  const lookup = await openLookupService(services, await allowed(config))
  if (lookup !== null) rooms.push(() => lookup.close())

  if (config.web.metrics !== null) {
    const { openMonitoring } = await import('./monitoring.ts')
    const { delivery, tallies } = stations
    const parts = { door, disk, database, writer, delivery, tallies: { main: tally, ...tallies } }
    const monitoring = await openMonitoring(services, config.web.metrics, parts)
    rooms.push(() => monitoring.close())
    log.info('web.open', { address: `${config.web.metrics.host}:${monitoring.port}` })
  }
  if (options.alsoOpen !== undefined) rooms.push(await options.alsoOpen(services))

  reopenOnHangup(file, stations, rooms)
  await forgetTrials(services)
  await publish().catch((fault: unknown) => log.error('publication.failed', { fault: String(fault) }))
  if (hasWork(store)) wake(false)
  log.info('server.ready', { pid: process.pid, addresses: door.addresses, configuration: config.source })
  const manager = serviceManager(process.env, log)
  manager.ready(`takes mail at ${door.addresses.join(', ')}`)
  rooms.push(() => {
    manager.stopping()
    log.info('server.stopping')
  })
  options.onReady({ addresses: door.addresses, services })
}

interface Stations {
  readonly judging: StationThread
  readonly delivery: StationThread
  /** What their threads have counted. */
  readonly tallies: { readonly judging: Tally<string>; readonly delivery: Tally<string> }
}

const countedByMain = ['warn', 'error'] as const

function startStations(
  services: Services,
  writer: WriterThread,
  log: string | 1,
  rooms: (() => Promise<void> | void)[],
): Stations {
  const { config } = services
  const start = { database: databasePath(config), spool: messagesDirectory(config), log, config }
  const memory = { judging: tallyMemory(countedByStations), delivery: tallyMemory(countedByStations) }
  const tallies = {
    judging: tallyOn<string>(countedByStations, memory.judging),
    delivery: tallyOn<string>(countedByStations, memory.delivery),
  }
  const delivery = stationThread(services, writer, {
    name: 'delivery',
    start: { ...start, tally: memory.delivery },
    deadline: null,
    onAccepted: () => undefined,
  })
  const judging = stationThread(services, writer, {
    name: 'judging',
    start: { ...start, tally: memory.judging },
    deadline: config.store.judgingDeadline,
    onAccepted: () => delivery.wake(),
  })
  rooms.push(async () => {
    await Promise.all([judging.stop(stationsGrace), delivery.stop(stationsGrace)])
  })
  return { judging, delivery, tallies }
}

async function openTheDoor(
  { config, ...services }: Services,
  { disk, database }: { readonly disk: DiskReserve; readonly database: DatabaseWatch },
  wakeJudging: () => void,
): Promise<Door> {
  const { mta, lmtp } = config
  const listen: DoorPlace[] = [{ host: mta.lmtpHost, port: mta.lmtpPort }]
  if (lmtp.socket !== null) listen.push({ path: lmtp.socket })
  if (lmtp.smtpIntake !== null) {
    listen.push({ ...lmtp.smtpIntake, dialect: 'smtp', keys: oneKey('SMTP', '[lmtp] smtp_intake') })
  }
  return openDoor(
    services,
    {
      hostName: hostname(),
      listen,
      maxMessageSize: lmtp.maxMessageSize,
      maxRecipients: lmtp.maxRecipients,
      idleTimeout: lmtp.idleTimeout,
      allow: await allowed(config),
      delimiter: mta.verpDelimiter,
      spool: messagesDirectory(config),
      diskHasRoom: () => disk.hasRoom(),
      databaseIsThere: () => database.isThere(),
      maxConnections,
      maxInFlight: maxBytesInFlight,
    },
    (lanes) => {
      if (lanes.has('in')) wakeJudging()
    },
  )
}

/** Who may hand in mail: the networks of the configuration, or this host and the relay. Throws DoorRefusal. */
async function allowed({ lmtp, mta }: Config): Promise<(address: string) => boolean> {
  if (lmtp.allow !== null) {
    const known = allowNetworks(lmtp.allow.map(({ address, prefix }) => `${address}/${prefix}`))
    if ('mistake' in known) throw new DoorRefusal(`[lmtp] allow: ${known.mistake}`)
    return known.allow
  }
  const addresses = await lookup(mta.smtpHost, { all: true }).catch(() => [])
  return allowOwn(addresses.map(({ address }) => address))
}

function hasWork(store: Store): boolean {
  return (
    store.read(nextDue, { lane: 'in' }) !== null ||
    store.read(nextPageDue, { after: -1 }) !== null ||
    (['notice', 'out'] as const).some((lane) => store.read(unpagedHeads, { lane, limit: 1 }).length > 0)
  )
}

async function statusOf(
  { store, clock, config }: Services,
  facts: {
    readonly started: number
    readonly disk: DiskReserve
    readonly database: DatabaseWatch
    readonly door: Door
    readonly errors: RecentErrors
    readonly stations: Stations
  },
): Promise<ServerStatus> {
  const delivery = await facts.stations.delivery.status()
  const { outgoing, smtpHost, smtpPort } = config.mta
  const place = outgoing.kind === 'module' ? nameOf(outgoing) : `${smtpHost}:${smtpPort}`
  const relay = delivery?.relay
  return {
    pid: process.pid,
    uptime: Math.round(clock.monotonic() - facts.started),
    relay:
      relay === undefined || relay.state === 'untried'
        ? { state: 'unknown', words: place, since: null }
        : { state: relay.state, words: relay.words ?? place, since: relay.since },
    paused: store.read(deliveryPause, null),
    lanes: store.read(laneReports, { now: clock.now() }),
    publication: store.read(publicationState, {}),
    databaseGone: !facts.database.isThere(),
    disk: { free: facts.disk.free(), reserve: config.store.reserve, enough: facts.disk.hasRoom() },
    lastErrors: facts.errors.latest(),
  }
}

function reopenOnHangup(file: LogFile, stations: Stations, rooms: (() => void)[]): void {
  const onHangup = (): void => {
    file.reopen()
    stations.judging.reopenLog()
    stations.delivery.reopenLog()
  }
  process.on('SIGHUP', onHangup)
  rooms.push(() => {
    process.off('SIGHUP', onHangup)
  })
}

function stopSignals(signal: AbortSignal | undefined): { readonly asked: Promise<void>; forget(): void } {
  let ask: () => void = () => undefined
  const asked = new Promise<void>((resolve) => {
    ask = resolve
  })
  let askedAt: number | null = null
  const onSignal = (): void => {
    const now = systemClock.monotonic()
    askedAt ??= now
    // A second TERM ends at once: what is committed is safe. QUIRK: a Ctrl-C under npm comes twice in a row,
    // from the terminal and from npm.
    if (now - askedAt > SECOND) process.exit(1)
    ask()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  signal?.addEventListener('abort', () => ask(), { once: true })
  return {
    asked,
    forget: () => {
      process.off('SIGTERM', onSignal)
      process.off('SIGINT', onSignal)
    },
  }
}
