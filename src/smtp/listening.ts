// Opens the sockets that mail and questions about it come in by: TCP, or a UNIX socket that only its owner and group
// may use. Law: a start that cannot be says which place, why, and what to write where.
import { chmod, lstat, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'

export type Place = { readonly host: string; readonly port: number } | { readonly path: string }

/** Where the operator says what a door listens on: the keys that the words of a refusal name. */
export interface DoorKeys {
  /** What is spoken there: `LMTP`. */
  readonly protocol: string
  readonly host: string
  readonly port: string
  readonly path: string
}

const lmtpKeys: DoorKeys = {
  protocol: 'LMTP',
  host: '[mta] lmtp_host',
  port: '[mta] lmtp_port',
  path: '[lmtp] socket',
}

/** For a door whose whole address is one key. */
export const oneKey = (protocol: string, key: string): DoorKeys => ({
  protocol,
  host: key,
  port: key,
  path: key,
})

/** The door cannot be opened; the words are for the operator. */
export class DoorRefusal extends Error {
  override readonly name = 'DoorRefusal'
}

/** Listens at the place; a socket file that nobody answers at is replaced. Throws DoorRefusal. */
export async function listen(
  place: Place,
  onSocket: (socket: Socket) => void,
  keys: DoorKeys = lmtpKeys,
): Promise<Server> {
  try {
    if ('path' in place) await removeStaleSocket(place.path, keys)
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onSocket)
    await listening(server, place)
    if ('path' in place) await chmod(place.path, 0o660)
    return server
  } catch (fault) {
    throw fault instanceof DoorRefusal ? fault : new DoorRefusal(whyNot(place, fault, keys), { cause: fault })
  }
}

/** `127.0.0.1:8024`, `[::1]:8024` or the path, with the port that was given by the system. */
export function addressOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return address ?? ''
  return placeText({ host: address.address, port: address.port })
}

/** What an operator reads when listening failed. */
export function whyNot(place: Place, fault: unknown, keys: DoorKeys = lmtpKeys): string {
  const code = (fault as NodeJS.ErrnoException).code
  const where = placeText(place)
  if ('path' in place) {
    const folder = code === 'EACCES' || code === 'ENOENT'
    return folder
      ? `cannot make the ${keys.protocol} socket ${where}: its folder is missing or belongs to another user; make it, or set ${keys.path} to a path elsewhere`
      : `cannot make the ${keys.protocol} socket ${where} (${words(fault)}); set ${keys.path} to another path`
  }
  switch (code) {
    case 'EADDRINUSE':
      return `port ${place.port} on ${place.host} is taken by another program (a Mailman that still runs?): stop that one ('ss -ltnp' names it), or set ${keys.port} to a free port`
    case 'EACCES':
      return `port ${place.port} on ${place.host} is for root alone: set ${keys.port} to 1024 or more (8024 is usual for LMTP), or give the service CAP_NET_BIND_SERVICE`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `this machine has no address ${place.host}: set ${keys.host} to one of its own, such as 127.0.0.1`
    default:
      return `cannot listen on ${where} (${words(fault)}); see ${[...new Set([keys.host, keys.port])].join(' and ')}`
  }
}

const words = (fault: unknown): string => (fault instanceof Error ? fault.message : String(fault))

function placeText(place: Place): string {
  if ('path' in place) return place.path
  return place.host.includes(':') ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`
}

function listening(server: Server, place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...place, backlog: 1024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

// A crash leaves the file of the socket behind.
async function removeStaleSocket(path: string, keys: DoorKeys): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (found === null) return
  if (!found.isSocket()) {
    throw new DoorRefusal(
      `${path} is in the way and no socket: remove it, or set ${keys.path} to another path`,
    )
  }
  if (await somebodyAnswers(path)) {
    throw new DoorRefusal(
      `another program listens on ${path} (a Posthorn that still runs?): stop that one, or set ${keys.path} to another path`,
    )
  }
  await rm(path, { force: true })
}

// Only a refused connection shows that nobody is there.
function somebodyAnswers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (fault: NodeJS.ErrnoException) => {
      resolve(fault.code !== 'ECONNREFUSED' && fault.code !== 'ENOENT')
    })
  })
}
