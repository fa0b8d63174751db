// The look-up service: tells a mail server which recipients exist, from the store as it is now, so that no table has
// to be written and none is late. Law: it answers as the door does at RCPT; a fault of ours, or a client that is too
// many, never makes an address unknown.
import type { Server, Socket } from 'node:net'
import { domainToASCII } from 'node:url'
import { SECOND } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Unavailable } from '../base/unavailable.ts'
import { listRecipient } from '../lists/recipient.ts'
import { isDomain, parseEmailAddress } from '../mail/address.ts'
import { addressOf, listen, oneKey, type Place } from '../smtp/listening.ts'
import type { Store } from '../store/store.ts'
import { isServedDomain } from '../store/units/lists.ts'
import type { Answer, LookupProtocol, Question } from './lookup-protocols.ts'

export interface LookupSettings {
  readonly listen: readonly { readonly place: Place; readonly protocol: LookupProtocol }[]
  /** Whether a client address may ask; sockets by path are always allowed. */
  readonly allow: (address: string) => boolean
  /** Between a local part and its extension; '' for none. */
  readonly delimiter: string
  /** Milliseconds without a word from the client. */
  readonly idleTimeout: number
  /** Over all places. */
  readonly maxConnections: number
}

// A client that does not close after our last word is cut off.
const lingering = 2 * SECOND

export interface LookupService {
  /** `host:port` or path, in the order of the settings. */
  readonly addresses: readonly string[]
  close(): Promise<void>
}

type LookupServices = { readonly store: Pick<Store, 'read'>; readonly log: Log }

/** Throws DoorRefusal when it cannot listen at one of the places. */
export async function openLookup(services: LookupServices, settings: LookupSettings): Promise<LookupService> {
  const { log } = services
  const open = new Set<Socket>()
  const onSocket = (socket: Socket, protocol: LookupProtocol): void => {
    const client = socket.remoteAddress ?? 'local'
    const byPath = socket.remoteAddress === undefined && socket.localAddress === undefined
    const why =
      !byPath && !settings.allow(client)
        ? 'not allowed, see [lmtp] allow'
        : open.size >= settings.maxConnections
          ? 'too many connections'
          : null
    socket.on('error', () => socket.destroy())
    if (why !== null) {
      // Cut off without an answer: to every mail server that is a fault that passes.
      log.warn('lookup.turned-away', { client, protocol: protocol.name, why })
      socket.destroy()
      return
    }
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.setTimeout(settings.idleTimeout, () => socket.destroy())
    converse(socket, protocol, (question) => answerTo(services, settings.delimiter, question))
  }

  const servers: Server[] = []
  try {
    for (const { place, protocol } of settings.listen) {
      const keys = oneKey(protocol.name, `[lookup] ${protocol.name}`)
      servers.push(await listen(place, (socket) => onSocket(socket, protocol), keys))
    }
  } catch (fault) {
    for (const server of servers) server.close()
    throw fault
  }
  const addresses = servers.map(addressOf)
  log.info('lookup.open', { addresses })
  return {
    addresses,
    close: async () => {
      const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
      for (const socket of open) socket.destroy()
      await Promise.all(closed)
      log.info('lookup.closed', { addresses })
    },
  }
}

/** Asks the store; every fault is an answer too. */
export function answerTo({ store, log }: LookupServices, delimiter: string, { map, key }: Question): Answer {
  try {
    if (map === 'recipients') return recipient(store, delimiter, key)
    if (map === 'domains') return domain(store, key)
    return { kind: 'no-such-map' }
  } catch (fault) {
    const words = fault instanceof Error ? fault.message : String(fault)
    const stack = fault instanceof Error && !(fault instanceof Unavailable) ? fault.stack : undefined
    log.error('lookup.fault', { map, key, fault: words, ...(stack ? { stack } : {}) })
    return { kind: 'later', words: 'cannot look into the store now' }
  }
}

/**
 * The value only says that there is one, and is no transport. A bare name, a bare domain and `@domain`, which mail
 * servers ask for too, would stand for every address, and are not found.
 */
function recipient(store: Pick<Store, 'read'>, delimiter: string, key: string): Answer {
  const address = parseEmailAddress(key)
  const found = address === null ? null : listRecipient(store, delimiter, address)
  return found === null ? { kind: 'not-found' } : { kind: 'found', value: found.purpose }
}

function domain(store: Pick<Store, 'read'>, key: string): Answer {
  const name = key.toLowerCase()
  // As for addresses, a domain may come in its own letters (RFC 6531).
  const known =
    isDomain(name) && [name, domainToASCII(name)].some((one) => store.read(isServedDomain, { domain: one }))
  return known ? { kind: 'found', value: name } : { kind: 'not-found' }
}

/** Answers in the order of the questions, as many as come; waits for a client that does not read. */
function converse(socket: Socket, protocol: LookupProtocol, answer: (question: Question) => Answer): void {
  let rest: Buffer = Buffer.alloc(0)
  let over = false
  const finish = (last?: Buffer): void => {
    over = true
    if (last === undefined) socket.end()
    else socket.end(last)
    // What still comes is read and forgotten: closing over unread octets would reset the connection, and the last
    // answer might be lost with it.
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), lingering)
    socket.once('close', () => clearTimeout(timer))
  }
  const work = (ended: boolean): void => {
    const answers: Buffer[] = []
    let at = 0
    while (!over) {
      const taken = protocol.take(at === 0 ? rest : rest.subarray(at), ended)
      if (taken === null) break
      if ('broken' in taken) {
        finish(Buffer.concat([...answers, taken.broken]))
        return
      }
      at += taken.used
      const reply = 'refusal' in taken ? taken.refusal : protocol.format(answer(taken.question))
      answers.push(reply)
      if (!protocol.oneQuestion) continue
      finish(reply)
      return
    }
    rest = Buffer.from(rest.subarray(at))
    if (ended) finish(Buffer.concat(answers))
    else if (answers.length > 0 && !socket.write(Buffer.concat(answers))) socket.pause()
  }
  socket.on('data', (chunk: Buffer) => {
    if (over) return
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    work(false)
  })
  socket.on('drain', () => socket.resume())
  socket.on('end', () => {
    if (!over) work(true)
  })
}
