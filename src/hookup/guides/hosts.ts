// Hosts as configurations name them: which are this machine, and how Posthorn looks from outside. Pure.
import { isIP } from 'node:net'

export const isLoopback = (host: string): boolean =>
  /^(localhost(\.localdomain)?|127\.\d+\.\d+\.\d+|::1)$/i.test(host)

/** All addresses of a machine. */
export const isWildcard = (host: string): boolean => ['0.0.0.0', '::', '*', ''].includes(host)

/** Where a listener at `host` is reached from its own machine. */
export const reachable = (host: string): string =>
  !isWildcard(host) ? host : host === '::' ? '::1' : '127.0.0.1'

/**
 * Whether a client that goes to `target` comes to a listener at `listener`. Names are compared as they stand; `localhost`
 * is either loopback address.
 */
export function reaches(target: string, listener: string): boolean {
  const [from, to] = [target.toLowerCase(), listener.toLowerCase()]
  if (from === to) return true
  if (isWildcard(to)) return true
  return isLoopback(from) && isLoopback(to) && (isIP(from) === 0 || isIP(to) === 0)
}

/** Our address as the mail server sees it, when Posthorn is on another machine; null when it is on this one. */
export function addressFromAfar(lmtpHost: string): string | null {
  return isLoopback(lmtpHost) || isWildcard(lmtpHost) ? null : lmtpHost
}
