// What the process around a command does for it, and how a server says how it is.
import type { OutgoingLane } from '../model/outgoing.ts'
import type { Lane } from '../model/queue.ts'
import type { DeliveryPause } from '../store/units/pausing.ts'

/** Around a command is the server, or the command line that holds the lock. */
export interface ServerSide {
  /** Brings the mail server's tables up to date; the fault's words, or null. `advise` hears what a person has left to do. */
  publish(advise?: (words: string) => void): Promise<string | null>
  /** Null where no server runs. */
  status(): Promise<ServerStatus> | ServerStatus | null
  /** There is work in the queue; `putBack`: an operator put back what had been set aside. */
  wake(putBack: boolean): void
  /** The store says whether delivery is paused: ends it in order, or starts it. */
  pauseChanged(): Promise<void>
  /** No kept message goes away until the returned function is called. */
  keepMessages(): Promise<() => void>
}

export interface ServerStatus {
  readonly pid: number
  /** Milliseconds since the start. */
  readonly uptime: number
  readonly relay: {
    readonly state: 'up' | 'down' | 'unknown'
    /** What went wrong, or whom we talk to. */
    readonly words: string
    /** Since when it is so; null before the first try. */
    readonly since: number | null
  }
  /** Why nothing is sent, and since when; null while delivery runs. */
  readonly paused: DeliveryPause | null
  readonly lanes: readonly LaneStatus[]
  /** Why the mail server's tables are not up to date, or null. */
  readonly publication: { readonly generation: number; readonly done: number; readonly fault: string | null }
  /** Its file was removed, or another put in its place, under the running server: what is written now is lost. */
  readonly databaseGone: boolean
  readonly disk: { readonly free: number; readonly reserve: number; readonly enough: boolean }
  /** The latest first. */
  readonly lastErrors: readonly { readonly at: number; readonly words: string }[]
}

export interface LaneStatus {
  readonly lane: Lane | OutgoingLane
  /** Due now or being worked on. */
  readonly waiting: number
  /** Put back until later. */
  readonly deferred: number
  /** Set aside until `unshunt`. */
  readonly shunted: number
  /** When the oldest was accepted; null for none. */
  readonly oldest: number | null
}
