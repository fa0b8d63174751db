// The relay: the mail server that takes our mail, how we reach it, how long we wait (RFC 5321 §4.5.3.2), and
// what can be wrong with it. A trouble here is a state of the relay and never of a message or a member.
import { MINUTE, SECOND } from '../base/clock.ts'
import type { Reply } from './reply.ts'
import type { Credentials } from './sasl.ts'

export interface Relay {
  /** A host name, or an IPv4 or IPv6 address. */
  readonly host: string
  readonly port: number
  /** `starttls` and `smtps` are required when set: never a silent step back to plain (RFC 8314 §4.1). */
  readonly security: 'plain' | 'starttls' | 'smtps'
  readonly verifyCertificate: boolean
  /** Has effect only with `verifyCertificate`. */
  readonly verifyHostname: boolean
  readonly credentials: Credentials | null
  /** What we call ourselves in EHLO. */
  readonly heloName: string
  readonly timeouts: Timeouts
}

/** Milliseconds without any sign of life from the relay, per stage. */
export interface Timeouts {
  readonly connect: number
  /** The greeting; also EHLO, STARTTLS and AUTH, for which RFC 5321 gives no figure. */
  readonly greeting: number
  readonly mail: number
  readonly rcpt: number
  readonly data: number
  /** Until the system takes the next block of what we send. */
  readonly block: number
  readonly dot: number
  /** The answer to QUIT; nothing hangs on it. */
  readonly quit: number
}

/** RFC 5321 §4.5.3.2. */
export const standardTimeouts: Timeouts = {
  connect: 30 * SECOND,
  greeting: 5 * MINUTE,
  mail: 5 * MINUTE,
  rcpt: 5 * MINUTE,
  data: 2 * MINUTE,
  block: 3 * MINUTE,
  dot: 10 * MINUTE,
  quit: 2 * SECOND,
}

export interface RelayTrouble {
  readonly stage: 'connect' | 'greeting' | 'ehlo' | 'tls' | 'auth'
  /** The refusal, where there was one. */
  readonly reply: Reply | null
  readonly cause: unknown
  /** For the operator: what, where, what to do. */
  readonly words: string
}

/** `mail.example.org:25`, `[::1]:25`. */
export function placeOf({ host, port }: Pick<Relay, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
