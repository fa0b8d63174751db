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
  /** The names of [mta] incoming. */
  readonly incoming: readonly string[]
  readonly delimiter: string
  readonly verpKey: VerpKey
  /** Folder of large messages. */
  readonly spool: string
  /** Brings the mail server's tables up to date; the fault's words, or null. */
  publish(): Promise<string | null>
  /** Resolves after so many milliseconds, rejects when called off. */
  rest(milliseconds: number, signal: AbortSignal): Promise<void>
}

export interface RoundTripWanted {
  readonly domain: DirectoryDomain
  /** Milliseconds for each hop. */
  readonly wait: number
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

export type RoundTripNews =
  | { readonly kind: 'hop'; readonly hop: Hop; readonly milliseconds: number; readonly said: string | null }
  | { readonly kind: 'note'; readonly words: string }
  | { readonly kind: 'finding'; readonly finding: Finding }
