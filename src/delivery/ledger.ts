// Brings results into the store: in groups while a page runs, at once when the bound on recipients in doubt is felt.
// If a commit fails the results are kept here, nothing more is sent for that post, and the commit is tried again.
import type { Clock, Instant } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { OutgoingNo } from '../model/outgoing.ts'
import type { Store } from '../store/store.ts'
import { parkOutgoing, recordResults } from '../store/units/outgoing.ts'
import { Doubt } from './doubt.ts'
import { dueAfter, type Page } from './page.ts'

const gatherMilliseconds = 10
const gatherResults = 200
const retryMilliseconds = 1000

export interface LedgerNews {
  /** A page was brought to its end (`due` null) or to its next try. */
  closed(page: Page, due: Instant | null): void
  /** Nothing more of this post goes out until `unshunt`. */
  parked(page: Page): void
  /** A commit failed (`true`), or succeeded after failing (`false`). */
  stuck(outgoing: OutgoingNo, stuck: boolean): void
}

export class Ledger {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  readonly #doubt: Doubt<Page>
  readonly #delay: (tries: number) => number
  readonly #news: LedgerNews
  readonly #dirty = new Set<Page>()
  readonly #parked = new Map<OutgoingNo, string>()
  readonly #waiters: (() => void)[] = []
  #timer: NodeJS.Timeout | null = null

  constructor(
    services: { readonly store: Store; readonly clock: Clock; readonly log: Log },
    settings: { readonly inDoubt: number; readonly retryDelay: (tries: number) => number },
    news: LedgerNews,
  ) {
    this.#store = services.store
    this.#clock = services.clock
    this.#log = services.log
    this.#doubt = new Doubt(settings.inDoubt)
    this.#delay = settings.retryDelay
    this.#news = news
  }

  get inDoubt(): number {
    return this.#doubt.count
  }

  /** Before a final dot: waits until so many more may be in doubt. */
  admit(recipients: number): void | Promise<void> {
    if (this.#doubt.hasRoomFor(recipients)) {
      this.#doubt.admit(recipients)
      return
    }
    return this.#wait(recipients)
  }

  async #wait(recipients: number): Promise<void> {
    while (!this.#doubt.hasRoomFor(recipients)) {
      const turn = new Promise<void>((resolve) => this.#waiters.push(resolve))
      this.#flushAll()
      await turn
    }
    this.#doubt.admit(recipients)
  }

  /** Recipients that had been let through belong to a transaction that ended before it knew. */
  giveBack(recipients: number): void {
    this.#doubt.giveBack(recipients)
    for (const wake of this.#waiters.splice(0)) wake()
  }

  /** Results were entered into the page; `admitted` recipients of it had been let through to the dot. */
  entered(page: Page, admitted: number): void {
    this.#doubt.entered(page, admitted)
    this.#dirty.add(page)
    if (this.#closes(page) || page.dirty >= gatherResults || this.#waiters.length > 0) this.#flush(page)
    else this.#timer ??= setTimeout(() => this.#flushAll(), gatherMilliseconds)
  }

  /** Commits all that is known; resolves when it is in the store. */
  async settle(): Promise<void> {
    while (this.#dirty.size > 0) {
      this.#flushAll()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  #flushAll(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (const page of this.#dirty) this.#flush(page)
  }

  #flush(page: Page): void {
    if (page.committing) return
    page.committing = true
    void this.#commit(page)
  }

  async #commit(page: Page): Promise<void> {
    const { outgoing } = page
    const doubtful = this.#doubt.of(page)
    const closing = this.#closes(page)
    const now = this.#clock.now()
    const due = closing ? dueAfter(page, now, this.#delay) : (0 as Instant)
    // One picture of the page: what comes in meanwhile belongs to the next record.
    const results = {
      outgoing: outgoing.no,
      page: page.page,
      states: page.states.join(''),
      replies: [...page.replies],
      tries: closing ? page.tries : page.tries - 1,
      due,
      bounces: page.bounces,
      refusals: page.taken ? ('taken' as const) : page.refusals,
      refusedAtMail: page.refusedAtMail,
      parkReason: reasonOf(page),
      now,
    }
    page.bounces = []
    page.refusals = 0
    page.dirty = 0
    const recorded = await this.#untilDone(page, () => this.#store.commit(recordResults, results))
    if (recorded === 'parked') this.#parkedNow(page)
    else if (this.#parked.has(outgoing.no)) await this.#untilDone(page, () => this.#parkAgain(page))
    this.#doubt.committed(doubtful)
    page.committing = false
    const isClean = page.dirty === 0 && this.#doubt.of(page).length === 0
    if (closing && isClean) {
      this.#dirty.delete(page)
      this.#news.closed(page, due)
    } else if (isClean) {
      this.#dirty.delete(page)
      if (this.#closes(page)) this.entered(page, 0)
    } else if (this.#closes(page) || this.#waiters.length > 0) this.#flush(page)
    else this.#timer ??= setTimeout(() => this.#flushAll(), gatherMilliseconds)
    for (const wake of this.#waiters.splice(0)) wake()
  }

  async #untilDone<R>(page: Page, commit: () => Promise<R>): Promise<R> {
    let failed = false
    for (;;) {
      try {
        const done = await commit()
        if (failed) {
          this.#doubt.stuck(page, false)
          this.#news.stuck(page.outgoing.no, false)
        }
        return done
      } catch (fault) {
        this.#log.error('delivery.ledger-stuck', {
          outgoing: page.outgoing.no,
          page: page.page,
          fault: String(fault),
          remedy: 'results are kept in memory and nothing more is sent for this post; make the disk writable',
        })
        failed = true
        this.#doubt.stuck(page, true)
        this.#news.stuck(page.outgoing.no, true)
        await new Promise((resolve) => setTimeout(resolve, retryMilliseconds))
      }
    }
  }

  /** The page has come to its end: all is answered, or the rest stands still with its post. */
  #closes(page: Page): boolean {
    return page.isIdle || (page.underWay === 0 && this.#parked.has(page.outgoing.no))
  }

  #parkedNow(page: Page): void {
    const { no, listId, messageId } = page.outgoing
    if (this.#parked.has(no)) return
    const reason = reasonOf(page)
    this.#parked.set(no, reason)
    this.#news.parked(page)
    this.#log.error('delivery.parked', {
      outgoing: no,
      list: listId,
      messageId,
      reason,
      remedy: 'mend the cause, then: posthorn unshunt',
    })
  }

  // A late result of a parked post: what the unit had set back must not stay overwritten.
  async #parkAgain(page: Page): Promise<void> {
    const { no } = page.outgoing
    const reason = this.#parked.get(no) ?? reasonOf(page)
    await this.#store.commit(parkOutgoing, { outgoing: no, reason, now: this.#clock.now() })
  }

  /** The post may go on: an operator has put it back. */
  unparked(): void {
    this.#parked.clear()
  }
}

function reasonOf(page: Page): string {
  const last = page.replies.findLast((reply) => reply !== null) ?? 'no words'
  return `the relay has refused every transaction of this post for good, the last with: ${last}`
}
