// Time as Posthorn knows it: milliseconds since 1970 in UTC, taken from one clock that tests can hold still.
import type { Brand } from './brand.ts'

export type Instant = Brand<number, 'Instant'>

export interface Clock {
  /** The wall clock: may jump when the machine's clock is set. */
  now(): Instant
  /** Milliseconds that only grow; for waiting and measuring, never stored. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now() as Instant,
  monotonic: () => performance.now(),
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number
  #monotonic = 0

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  now(): Instant {
    return this.#now as Instant
  }

  monotonic(): number {
    return this.#monotonic
  }

  /** Both clocks go on by so many milliseconds. */
  advance(milliseconds: number): void {
    this.#now += milliseconds
    this.#monotonic += milliseconds
  }

  /** Sets the wall clock alone, also backwards, as an operator or NTP may. */
  set(instant: number): void {
    this.#now = instant
  }
}

export function instant(milliseconds: number): Instant {
  return milliseconds as Instant
}

export function later(from: Instant, milliseconds: number): Instant {
  return (from + milliseconds) as Instant
}

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
