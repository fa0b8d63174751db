// What the main thread and a station's thread say to each other.
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import type { DeliveryStatus } from '../delivery/delivery.ts'

/** Verdicts as the log names them, fates of copies, and the lines of the log that tell of trouble. */
export const countedByStations = [
  'post.accepted',
  'post.held',
  'post.rejected',
  'post.discarded',
  'post.list-gone',
  'sent',
  'deferred',
  'doubt',
  'failed',
  'refused',
  'warn',
  'error',
] as const

/** What a station's thread is started with. */
export interface StationStart {
  readonly writer: MessagePort
  readonly database: string
  readonly spool: string
  /** A log file, or 1 for standard output. */
  readonly log: string | 1
  readonly config: Config
  /** Names this run of the thread: its claims are released when it dies. */
  readonly claimant: string
  /** Two 32-bit cells: the item in work (0 for none), and a count of items begun. */
  readonly heartbeat: SharedArrayBuffer
  /** What this station counts, by `countedByStations`; it outlives the thread. */
  readonly tally: SharedArrayBuffer
}

export type StationOrder =
  | { readonly kind: 'wake'; readonly reload: boolean }
  | { readonly kind: 'status'; readonly id: number }
  /** The mail server's tables have changed. */
  | { readonly kind: 'published' }
  | { readonly kind: 'reopen-log' }
  | { readonly kind: 'stop'; readonly graceMilliseconds: number }

export type StationNews =
  | { readonly kind: 'ready' }
  /** Something is to go out. */
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'status'
      readonly id: number
      readonly idle: boolean
      readonly delivery: DeliveryStatus | null
    }
  | { readonly kind: 'stopped' }
