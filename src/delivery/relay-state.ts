// The relay's own state: while it cannot be reached, greeted, secured or logged in to, the lanes pause and the
// retry clock stands still. No message and no member is touched by it.
import type { Clock, Instant } from '../base/clock.ts'
import type { RelayTrouble } from '../smtp/client.ts'

export interface RelayStatus {
  readonly state: 'untried' | 'up' | 'down'
  readonly since: Instant
  /** Why it is down, for the operator. */
  readonly words: string | null
  readonly stage: RelayTrouble['stage'] | null
}

const firstPause = 1000
const longestPause = 60_000

export class RelayState {
  readonly #clock: Clock
  #status: RelayStatus
  #pause = firstPause
  /** Down time is counted up to here, in monotonic milliseconds. */
  #countedTo = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#status = { state: 'untried', since: clock.now(), words: null, stage: null }
  }

  get status(): RelayStatus {
    return this.#status
  }

  /** It cannot be used. `wait`: milliseconds before the next try; `downFor`: those it was down since the last count. */
  failed(trouble: RelayTrouble): { readonly wait: number; readonly downFor: number } {
    const downFor = this.#count()
    const since = this.#status.state === 'down' ? this.#status.since : this.#clock.now()
    this.#status = { state: 'down', since, words: trouble.words, stage: trouble.stage }
    const wait = this.#pause
    this.#pause = Math.min(this.#pause * 2, longestPause)
    return { wait, downFor }
  }

  /** It answers; returns the milliseconds that it was down since the last count. */
  worked(): number {
    if (this.#status.state === 'up') return 0
    const downFor = this.#count()
    this.#pause = firstPause
    this.#status = { state: 'up', since: this.#clock.now(), words: null, stage: null }
    return downFor
  }

  #count(): number {
    const now = this.#clock.monotonic()
    const downFor = this.#status.state === 'down' ? Math.round(now - this.#countedTo) : 0
    this.#countedTo = now
    return downFor
  }
}
