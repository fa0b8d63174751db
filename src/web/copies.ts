// The copies that the demo's mail catcher has caught, for its page. Bounded: the oldest go first.
import type { Instant } from '../base/clock.ts'
import type { EmailAddress, EnvelopeSender } from '../mail/address.ts'

/** One message as it came over the wire. */
export interface Copy {
  /** Counts from 1, as in the catcher's reply. */
  readonly number: number
  readonly sender: EnvelopeSender
  readonly recipients: readonly EmailAddress[]
  readonly at: Instant
  /** With its brackets; null where it has none. */
  readonly messageId: string | null
  readonly bytes: Uint8Array
}

const mostCopies = 1000
const mostBytes = 64 * 1024 * 1024

export class Copies {
  readonly #copies = new Map<number, Copy>()
  #bytes = 0

  keep(copy: Copy): void {
    this.#copies.set(copy.number, copy)
    this.#bytes += copy.bytes.length
    for (const [number, { bytes }] of this.#copies) {
      if (this.#copies.size <= mostCopies && this.#bytes <= mostBytes) return
      this.#copies.delete(number)
      this.#bytes -= bytes.length
    }
  }

  byNumber(number: number): Copy | null {
    return this.#copies.get(number) ?? null
  }
}
