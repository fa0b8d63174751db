// What the general checks of `doctor` look at: this site as it is configured, and how long they wait. Made in `app`;
// a check gets all of it, reads, connects and asks, and changes nothing. No message is ever sent by a check.
import { SECOND } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Config } from '../../config/config.ts'
import type { Finding, FindingKind, HostFacts, MailServerHost } from '../../model/hookup.ts'
import type { Relay } from '../../smtp/client.ts'

export interface CheckedSite {
  readonly config: Config
  readonly facts: HostFacts
  /** As delivery uses it. */
  readonly relay: Relay
  /** Path of the database. */
  readonly database: string
  /** A server holds the lock of the data directory. */
  readonly serverRuns: boolean
  /** Where the mail server is. */
  readonly host: Pick<MailServerHost, 'stat' | 'run'>
  readonly random: Random
  /** All addresses of a name, in the system's order; none when there is no answer in so many milliseconds. */
  readonly addressesOf: (host: string, milliseconds: number) => Promise<readonly string[]>
  readonly patience: Patience
  /** `address` or `address:port` of name servers; null: those of the system. */
  readonly nameServers: readonly string[] | null
}

/** Milliseconds. All checks run at the same time. */
export interface Patience {
  readonly connect: number
  /** For a greeting. Delivery waits minutes (RFC 5321 §4.5.3.2.1); who needs longer than this is in trouble. */
  readonly greeting: number
  readonly reply: number
  /** For all questions to name servers together. */
  readonly names: number
}

export const usualPatience: Patience = {
  connect: 5 * SECOND,
  greeting: 10 * SECOND,
  reply: 10 * SECOND,
  names: 4 * SECOND,
}

/** One subject of the general checks. */
export interface Check {
  /** All findings that it may make. */
  readonly kinds: readonly FindingKind[]
  look(site: CheckedSite): AsyncIterable<Finding>
}
