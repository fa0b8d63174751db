// The door: mail from the mail server comes in here, by LMTP (RFC 2033) or by SMTP (RFC 5321), and is queued. Law: a
// 250 is a promise that the message is on disk; who may not come in, or comes when it is too full, hears why.
import type { Server, Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Lane } from '../model/queue.ts'
import { addressOf, type DoorKeys, listen, type Place } from '../smtp/listening.ts'
import { reply } from '../smtp/reply.ts'
import { type ServerConnection, serve, turnAway } from '../smtp/server-connection.ts'
import { type Dialect, replies } from '../smtp/server-replies.ts'
import { Room } from '../smtp/server-room.ts'
import type { Store } from '../store/store.ts'
import { plainAddress } from './allow.ts'
import { Confirmations } from './confirmations.ts'
import { type Counts, type Host, Visit } from './visit.ts'

/** One place to listen at. Places of both dialects are one door: what came by one may be retried by the other. */
export type DoorPlace = Place & {
  /** LMTP when it is left out. */
  readonly dialect?: Dialect
  /** The settings that its refusals name; those of LMTP when it is left out. */
  readonly keys?: DoorKeys
}

export interface DoorSettings {
  /** In the greeting. */
  readonly hostName: string
  readonly listen: readonly DoorPlace[]
  /** Bytes. */
  readonly maxMessageSize: number
  readonly maxRecipients: number
  /** Milliseconds without a word from the client. */
  readonly idleTimeout: number
  /** Whether a client address may come in; sockets by path are always allowed. */
  readonly allow: (address: string) => boolean
  /** Between a local part and its extension; '' for none. */
  readonly delimiter: string
  /** VAR/messages: files for messages over 256 KiB. */
  readonly spool: string
  /** False: 452 4.3.1 to every RCPT. */
  readonly diskHasRoom: () => boolean
  /** False: 451 4.3.0 to every RCPT, for what is stored now is lost. */
  readonly databaseIsThere: () => boolean
  readonly maxConnections: number
  /** Bytes of messages being received over all connections; beyond it they wait. */
  readonly maxInFlight: number
  /** Milliseconds that a message waits for others at most, before 451 4.3.2; 30 s when it is left out. */
  readonly patience?: number
}

export interface DoorStatus extends Readonly<Counts> {
  /** Open now. */
  readonly connections: number
  /** Since the door was opened. */
  readonly visits: number
  /** Not allowed, or too many at once. */
  readonly turnedAway: number
  readonly bytesInFlight: number
}

export interface Door {
  /** `host:port` or path, in the order of the settings. */
  readonly addresses: readonly string[]
  status(): DoorStatus
  /**
   * Stops listening, answers 421 to who is not sending a message, waits for the others at most so many
   * milliseconds, and commits what has been confirmed.
   */
  close(graceMs: number): Promise<void>
}

const defaultPatience = 30 * SECOND

/** Throws DoorRefusal when it cannot listen at one of the places. `onQueued` says in which lanes there is work. */
export async function openDoor(
  services: { readonly store: Store; readonly clock: Clock; readonly log: Log },
  settings: DoorSettings,
  onQueued: (lanes: ReadonlySet<Lane>) => void,
): Promise<Door> {
  const { log, store } = services
  const confirmations = new Confirmations(store, log)
  const counts: Counts = {
    accepted: 0,
    repeats: 0,
    refusedMessages: 0,
    refusedRecipients: 0,
    faults: 0,
    refusals: new Map(),
  }
  const { delimiter, spool, diskHasRoom, databaseIsThere } = settings
  const host: Host = {
    ...services,
    confirmations,
    counts,
    delimiter,
    spool,
    diskHasRoom,
    databaseIsThere,
    onQueued,
  }
  const room = new Room(
    Math.max(settings.maxInFlight, settings.maxMessageSize),
    settings.patience ?? defaultPatience,
  )
  const open = new Map<Socket, ServerConnection>()
  let [visits, turnedAway] = [0, 0]
  let allGone: (() => void) | null = null

  const onSocket = (socket: Socket, dialect: Dialect): void => {
    const client = socket.remoteAddress === undefined ? 'local' : plainAddress(socket.remoteAddress)
    const refusal = refusalOf(socket, client)
    if (refusal !== null) {
      turnedAway++
      log.warn('lmtp.turned-away', { client, reply: `${refusal.code} ${refusal.lines.join(' ')}` })
      turnAway(socket, refusal)
      return
    }
    visits++
    const visit = new Visit(host, client, dialect)
    open.set(socket, serve(socket, { ...settings, dialect }, visit, room))
    socket.once('close', () => {
      open.delete(socket)
      if (open.size === 0) allGone?.()
    })
  }
  const refusalOf = (socket: Socket, client: string) => {
    const byPath = socket.remoteAddress === undefined && socket.localAddress === undefined
    if (!byPath && !settings.allow(client)) {
      return reply(554, '5.7.1', `${client} may not hand in mail here, see [lmtp] allow in the configuration`)
    }
    return open.size >= settings.maxConnections ? replies.tooManyConnections : null
  }

  const servers: Server[] = []
  try {
    for (const { dialect = 'lmtp', keys, ...place } of settings.listen) {
      servers.push(await listen(place, (socket) => onSocket(socket, dialect), keys))
    }
  } catch (fault) {
    for (const server of servers) server.close()
    throw fault
  }
  const addresses = servers.map(addressOf)
  log.info('lmtp.open', { addresses })

  return {
    addresses,
    status: () => ({
      ...counts,
      connections: open.size,
      visits,
      turnedAway,
      bytesInFlight: room.used,
    }),
    close: async (graceMs) => {
      for (const server of servers) server.close()
      for (const connection of open.values()) connection.leave()
      if (open.size > 0) {
        await new Promise<void>((resolve) => {
          const cut = setTimeout(() => {
            for (const connection of open.values()) connection.destroy()
          }, graceMs)
          allGone = () => {
            clearTimeout(cut)
            resolve()
          }
        })
      }
      await confirmations.close()
      log.info('lmtp.closed', { addresses })
    },
  }
}
