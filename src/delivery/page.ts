// One page of the ledger while it is worked off: who waits, who is under way, what the relay said. The row in the
// store is the truth; this is what runs ahead of it, by at most the recipients in doubt.
import type { Instant } from '../base/clock.ts'
import type { PageRecipient } from '../model/outgoing.ts'
import { ledgerStates } from '../model/outgoing.ts'
import type { Outgoing, SeenBounce, StoredPage } from '../store/units/outgoing.ts'
import type { Fates } from './fate.ts'

// An undecided recipient is tried again at once on another connection, but not for ever: so often over connections
// that took nothing. A relay that takes a few transactions a connection and then says 421 costs nobody a retry.
const triesAtOnce = 3
const triesInDoubt = 3

export class Page {
  readonly outgoing: Outgoing
  readonly page: number
  readonly recipients: readonly PageRecipient[]
  readonly states: string[]
  readonly replies: (string | null)[]
  /** Tries of the page so far, this one included. */
  readonly tries: number
  /** Indexes that no transaction has taken yet, in order. */
  #waiting: number[]
  readonly #again: Uint8Array
  #next = 0
  /** Recipients that a transaction holds. */
  underWay = 0
  /** The end of the retry period; moves on while the relay is down. */
  expiresAt: number
  /** Results that are not committed. */
  dirty = 0
  committing = false
  bounces: SeenBounce[] = []
  refusals = 0
  /** The last transaction that was refused for good was so at MAIL: nobody's address or text had been seen. */
  refusedAtMail = false
  taken = false

  constructor(
    outgoing: Outgoing,
    page: number,
    stored: Pick<StoredPage, 'recipients' | 'states' | 'replies' | 'tries'>,
  ) {
    this.outgoing = outgoing
    this.expiresAt = outgoing.expiresAt
    this.page = page
    this.recipients = stored.recipients
    this.states = [...stored.states]
    this.replies = [...stored.replies]
    this.tries = stored.tries + 1
    this.#waiting = this.states.flatMap((state, i) => (mayTry.has(state) ? [i] : []))
    this.#again = new Uint8Array(this.recipients.length)
  }

  get hasWaiting(): boolean {
    return this.#next < this.#waiting.length
  }

  get waitingCount(): number {
    return this.#waiting.length - this.#next
  }

  /** Everything was tried and answered. */
  get isIdle(): boolean {
    return !this.hasWaiting && this.underWay === 0
  }

  /** Takes up to `limit` recipients for one transaction; it ends before the first that does not go with the first. */
  take(limit: number, goTogether: (a: PageRecipient, b: PageRecipient) => boolean): number[] {
    const taken: number[] = []
    while (taken.length < limit && this.hasWaiting) {
      const index = this.#waiting[this.#next] as number
      const first = this.recipients[taken[0] ?? index] as PageRecipient
      if (!goTogether(first, this.recipients[index] as PageRecipient)) break
      taken.push(index)
      this.#next += 1
    }
    this.underWay += taken.length
    return taken
  }

  /** A member who left, was banned or stopped before this retry. */
  drop(keep: ReadonlySet<number>): void {
    const kept = this.#waiting.slice(this.#next).filter((index) => {
      const { no } = this.recipients[index] as PageRecipient
      if (no === null || keep.has(no)) return true
      this.#set(index, ledgerStates.dropped, null)
      return false
    })
    this.#waiting = kept
    this.#next = 0
  }

  /**
   * Enters what became of a transaction. `expired`: what would be deferred has been tried for long enough;
   * `fruitful`: its connection took something before.
   */
  enter(indexes: readonly number[], fates: Fates, expired: boolean, fruitful: boolean): void {
    this.underWay -= indexes.length
    if (fates.taken) this.taken = true
    if (fates.refusedAt !== null) {
      this.refusals += 1
      this.refusedAtMail = fates.refusedAt === 'mail'
    }
    indexes.forEach((index, i) => {
      const fate = fates.recipients[i] ?? { kind: 'again' as const, reply: null, personal: false }
      if (fate.kind === 'again') {
        if (!fruitful) this.#again[index] = (this.#again[index] ?? 0) + 1
        if ((this.#again[index] ?? 0) < triesAtOnce) this.#waiting.push(index)
        else this.#defer(index, fate.reply ?? 'the connection was lost again and again', expired, false)
      } else if (fate.kind === 'deferred') this.#defer(index, fate.reply, expired, fate.personal)
      else if (fate.kind === 'doubt') this.#doubt(index, fate.reply)
      else if (fate.kind === 'failed') {
        this.#set(index, ledgerStates.failed, fate.reply)
        this.#bounce(index, 'smtp', fate.reply)
      } else this.#set(index, ledgerStates[fate.kind], fate.reply)
    })
  }

  /** Refused by us before the wire: this relay cannot carry it. No score. */
  refuse(index: number, reply: string): void {
    this.underWay -= 1
    this.#set(index, ledgerStates.refused, reply)
  }

  /** True when some are left for a later try. */
  get needsRetry(): boolean {
    return this.states.some((state) => mayTry.has(state))
  }

  // Only what the relay said of the recipient itself becomes a bounce: never a fault of the relay's own.
  #defer(index: number, reply: string | null, expired: boolean, personal: boolean): void {
    this.#set(index, expired ? ledgerStates.expired : ledgerStates.deferred, reply)
    if (expired && personal) this.#bounce(index, 'expired', reply)
  }

  // A relay that takes the mail and then hangs up would get it for ever.
  #doubt(index: number, reply: string | null): void {
    const again = this.states[index] === ledgerStates.doubt && this.tries >= triesInDoubt
    this.#set(index, again ? ledgerStates.uncertain : ledgerStates.doubt, reply)
  }

  #bounce(index: number, context: SeenBounce['context'], reply: string | null): void {
    const { address, no } = this.recipients[index] as PageRecipient
    this.bounces.push({ address, no, context, reply: reply ?? '' })
  }

  #set(index: number, state: string, reply: string | null): void {
    this.states[index] = state
    this.replies[index] = reply
    this.dirty += 1
  }
}

const mayTry: ReadonlySet<string> = new Set([ledgerStates.pending, ledgerStates.deferred, ledgerStates.doubt])

/** How long until the next try, after so many. The first ones are short: greylisting waits minutes. */
export function retryDelay(tries: number): number {
  const minutes = [1, 5, 10, 20, 40, 60][Math.min(tries, 6) - 1] ?? 60
  return minutes * 60_000
}

/** The due time of what is left; null when nothing is. */
export function dueAfter(page: Page, now: Instant, delay: (tries: number) => number): Instant | null {
  return page.needsRetry ? ((now + delay(page.tries)) as Instant) : null
}
