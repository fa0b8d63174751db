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
  #downAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#status = { state: 'untried', since: clock.now(), words: null, stage: null }
  }

  get status(): RelayStatus {
    return this.#status
  }

  /** It cannot be used; returns the milliseconds to wait before the next try. */
  failed(trouble: RelayTrouble): number {
    if (this.#status.state !== 'down') this.#downAt = this.#clock.monotonic()
    const since = this.#status.state === 'down' ? this.#status.since : this.#clock.now()
    this.#status = { state: 'down', since, words: trouble.words, stage: trouble.stage }
    const pause = this.#pause
    this.#pause = Math.min(this.#pause * 2, longestPause)
    return pause
  }

  /** It works; returns for how many milliseconds it had not, or 0. */
  worked(): number {
    const was = this.#status.state
    this.#pause = firstPause
    if (was === 'up') return 0
    this.#status = { state: 'up', since: this.#clock.now(), words: null, stage: null }
    return was === 'down' ? Math.round(this.#clock.monotonic() - this.#downAt) : 0
  }
}
