// Reaching the relay: a TCP connection, and TLS over it (RFC 8314, RFC 3207). One path for both kinds of TLS: the
// socket first, then the handshake. Faults come back as the error itself; what they mean is said elsewhere.
import { connect, isIP, type Socket } from 'node:net'
import { connect as startTls } from 'node:tls'
import { domainToASCII } from 'node:url'
import type { Relay } from './client-relay.ts'

export type Reached = { readonly socket: Socket } | { readonly error: unknown }

/** A connected socket; name look-up and all addresses together get `timeouts.connect`. */
export function reach(relay: Relay, signal: AbortSignal | undefined): Promise<Reached> {
  const socket = connect({ host: hostOf(relay), port: relay.port, noDelay: true })
  return ready(socket, 'connect', relay.timeouts.connect, signal)
}

/** TLS over a connected socket; the handshake gets `timeouts.greeting`. */
export function secure(plain: Socket, relay: Relay, signal: AbortSignal | undefined): Promise<Reached> {
  const host = hostOf(relay)
  plain.on('error', () => plain.destroy()) // the TLS socket above it reports
  const socket = startTls({
    socket: plain,
    host, // what an address in the certificate is compared with
    ...(isIP(host) === 0 ? { servername: host } : {}), // RFC 6066 §3: never an address
    rejectUnauthorized: relay.verifyCertificate,
    ...(relay.verifyHostname ? {} : { checkServerIdentity: () => undefined }),
  })
  return ready(socket, 'secureConnect', relay.timeouts.greeting, signal)
}

/** Without brackets, in A-labels. */
function hostOf({ host }: Relay): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  return isIP(bare) !== 0 ? bare : domainToASCII(bare) || bare
}

function ready(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  patience: number,
  signal: AbortSignal | undefined,
): Promise<Reached> {
  const { promise, resolve } = Promise.withResolvers<Reached>()
  const settle = (reached: Reached): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    socket.off('close', onClose)
    if ('error' in reached) socket.destroy()
    else socket.off('error', onError)
    resolve(reached)
  }
  const onError = (error: Error): void => settle({ error })
  const onClose = (): void => settle({ error: new Error('the server closed the connection') })
  const onAbort = (): void => settle({ error: signal?.reason })
  const timer = setTimeout(() => settle({ error: new Silence(patience) }), patience)
  socket.once(event, () => settle({ socket }))
  socket.on('error', onError)
  socket.on('close', onClose)
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted) onAbort()
  return promise
}

/** Nobody answered in time. */
export class Silence extends Error {
  override readonly name = 'Silence'

  constructor(milliseconds: number) {
    super(`no answer in ${milliseconds / 1000} s`)
  }
}
