// What a round trip is given, and what it tells.
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { VerpKey } from '../../mail/verp.ts'
import type { Finding } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import type { Relay } from '../../smtp/client.ts'
import type { Store } from '../../store/store.ts'

export interface RoundTripSite {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  /** As delivery uses it, with waits that a person can bear. */
  readonly relay: Relay
  readonly hostname: string
  /** The names of [mta] incoming: whose tables are written. */
  readonly incoming: readonly string[]
  readonly delimiter: string
  readonly verpKey: VerpKey
  /** Folder of large messages. */
  readonly spool: string
  /** Brings the mail server's tables up to date; the fault's words, or null. `advise` hears what a person has left to do. */
  publish(advise: (words: string) => void): Promise<string | null>
  /** Resolves after so many milliseconds, rejects when called off. */
  rest(milliseconds: number, signal: AbortSignal): Promise<void>
}

export interface RoundTripWanted {
  readonly domain: DirectoryDomain
  /** Milliseconds for each hop. */
  readonly wait: number
  /** The name of the mail server, where it is known; null: those of `incoming`. */
  readonly mailServer: string | null
}

export type Hop =
  | 'known'
  | 'smtp-in'
  | 'lmtp-in'
  | 'judged'
  | 'smtp-out'
  | 'home'
  | 'bounce-smtp'
  | 'bounce-lmtp'
  | 'unknown-refused'
  /** Of a mail server that takes everything at RCPT. */
  | 'unknown-returned'

export type RoundTripNews =
  | { readonly kind: 'hop'; readonly hop: Hop; readonly milliseconds: number; readonly said: string | null }
  | { readonly kind: 'note'; readonly words: string }
  | {
      readonly kind: 'finding'
      readonly finding: Finding
      /** Of an unknown list that is not refused to us: what a host in the world hears may differ. */
      readonly unknown?: string
    }
