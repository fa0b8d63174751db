// What was learnt of the relay: whether it takes an envelope in the same packet as the final dot before it. RFC 2920 §3.1
// lets a client send that, and it saves a wait for each copy. Shared by all connections to a relay, and kept by whoever
// opens them. Law: as long as nobody knows, one connection at a time tries, so that one copy at most is in doubt by it.
import type { Reply } from './reply.ts'

/**
 * QUIRK: Haraka offers PIPELINING and throws away unread what comes with a dot, against smuggling: it answers 503, or
 * nothing to half a command. Dovecot 2.3's submission service hands the message on, then crashes instead of answering.
 */
export type BehindDot = 'untried' | 'taken' | 'refused'

/** No answer to a MAIL that was read: the server was not where we thought it was (RFC 5321 §4.2.4). */
const outOfOrder: ReadonlySet<number> = new Set([500, 502, 503])

/** An envelope for more recipients waits for the answer to the dot: that costs little, and floods nobody. */
export const mostBehindDot = 20

export class Manners {
  #behindDot: BehindDot
  readonly #learnt: (behindDot: BehindDot) => void
  #trier: object | null = null

  /** `learnt` hears each change. */
  constructor(behindDot: BehindDot = 'untried', learnt: (behindDot: BehindDot) => void = () => undefined) {
    this.#behindDot = behindDot
    this.#learnt = learnt
  }

  /** May this one send an envelope behind a dot? Who does is the one that tries, until it is answered or lost. */
  mayTry(who: object): boolean {
    if (this.#behindDot === 'untried') return this.#trier === null || this.#trier === who
    return this.#behindDot === 'taken'
  }

  /** It says itself that it takes none. */
  refuses(): void {
    this.#now('refused')
  }

  tries(who: object): void {
    if (this.#behindDot === 'untried') this.#trier = who
  }

  /** The answer to a MAIL that left behind a dot; false when it says nothing about that MAIL. */
  answered(reply: Reply): boolean {
    const read = !outOfOrder.has(reply.code)
    this.#now(read ? 'taken' : 'refused')
    return read
  }

  /**
   * The connection ended. `unanswered`: after a dot that had an envelope behind it. Once that may be the network's doing,
   * where it had worked before: then it is tried again.
   */
  lost(who: object, unanswered: boolean): void {
    if (unanswered) this.#now(this.#behindDot === 'taken' ? 'untried' : 'refused')
    if (this.#trier === who) this.#trier = null
  }

  #now(behindDot: BehindDot): void {
    if (this.#behindDot === behindDot) return
    this.#behindDot = behindDot
    this.#trier = null
    this.#learnt(behindDot)
  }
}
