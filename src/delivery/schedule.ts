// Which page comes next: notices first, then one page of each list in turn, so that a huge list never blocks a
// small one. Pages are frozen in the store before anything of them is sent.
import type { Clock } from '../base/clock.ts'
import type { ListNo } from '../model/list.ts'
import type { MemberNo } from '../model/member.ts'
import type { OutgoingLane, OutgoingNo, PageRecipient } from '../model/outgoing.ts'
import type { Store } from '../store/store.ts'
import { stillReceiving } from '../store/units/members.ts'
import {
  audiencePage,
  beginPage,
  type DuePage,
  duePages,
  freezePage,
  nextPageDue,
  nextUnpaged,
  type Outgoing,
  outgoingByNo,
  pageByNo,
  unpagedHeads,
} from '../store/units/outgoing.ts'
import { Page } from './page.ts'

const pageSize = 1000
/** Lists of a lane whose oldest post is known at once; the others wait in the store. */
const listsKnown = 2000
/** Looking for lists that are not known is a walk over all open posts: not so often while many are known. */
const lookEvery = 50
const manyLists = 100

interface LaneQueue {
  readonly lane: OutgoingLane
  /** The oldest post of each list whose pages are not all made. */
  readonly heads: Map<ListNo | null, Outgoing>
  /** There may be lists that are not known. */
  stale: boolean
  lookedAt: number
}

export interface NextPages {
  readonly pages: readonly Page[]
  /** Why some could not be had; they are tried again when asked for again. */
  readonly faults: readonly unknown[]
}

export class Schedule {
  readonly #store: Store
  readonly #clock: Clock
  readonly #notices = emptyLane('notice')
  readonly #posts = emptyLane('out')
  readonly #inWork = new Map<string, Page>()
  readonly #stuck = new Set<OutgoingNo>()
  readonly #parked = new Set<OutgoingNo>()
  /** When pages that are due were last looked for. */
  #lookedAt: number

  constructor({ store, clock }: { readonly store: Store; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
    this.#lookedAt = clock.now()
  }

  /** Something was accepted: look again. */
  wake(): void {
    this.#notices.stale = true
    this.#posts.stale = true
  }

  /** Makes up to `count` pages of notices. */
  nextNotices(count: number): Promise<NextPages> {
    return this.#fresh(this.#notices, count)
  }

  /** Makes or finds up to `count` pages of posts and of retries, neither before the other. Throws Unavailable. */
  async nextPages(count: number): Promise<NextPages> {
    const retries = await this.#retries(Math.ceil(count / 2))
    const fresh = await this.#fresh(this.#posts, count - retries.pages.length)
    return { pages: [...retries.pages, ...fresh.pages], faults: [...retries.faults, ...fresh.faults] }
  }

  /** The page has gone to its end or to a later try. */
  closed(page: Page): void {
    this.#inWork.delete(keyOf({ outgoing: page.outgoing.no, page: page.page }))
  }

  /** Its results cannot be recorded (`true`), or can again. */
  stuck(outgoing: OutgoingNo, stuck: boolean): void {
    if (stuck) this.#stuck.add(outgoing)
    else this.#stuck.delete(outgoing)
  }

  parked({ no, lane, list }: Outgoing): void {
    this.#parked.add(no)
    const queue = lane === 'notice' ? this.#notices : this.#posts
    if (queue.heads.get(list)?.no === no) this.#goOn(queue, list, no)
  }

  /** An operator put posts back. */
  reload(): void {
    this.#parked.clear()
    this.forgetHeads()
  }

  /** The end of the retry period was moved: heads are read again, pages in work excepted. */
  forgetHeads(): void {
    for (const lane of [this.#notices, this.#posts]) {
      lane.heads.clear()
      lane.stale = true
    }
  }

  isBlocked(outgoing: OutgoingNo): boolean {
    return this.#stuck.has(outgoing) || this.#parked.has(outgoing)
  }

  /**
   * Milliseconds until a page is due that was not due at the last look for retries; not above 0 when it fell due since,
   * which must not be forgotten. Null when none waits.
   */
  untilNextRetry(): number | null {
    const now = this.#clock.now()
    const after = Math.min(this.#lookedAt, now) // the clock may have been set back
    const due = this.#store.read(nextPageDue, { after })
    return due === null ? null : due - now
  }

  async #retries(count: number): Promise<NextPages> {
    const now = this.#clock.now()
    const due = this.#store
      .read(duePages, { now, limit: count + this.#inWork.size })
      .filter((one) => !this.#inWork.has(keyOf(one)) && !this.isBlocked(one.outgoing))
    this.#lookedAt = now
    return settled(due.slice(0, count).map((one) => this.#openAgain(one)))
  }

  async #openAgain(due: DuePage): Promise<Page | null> {
    if ((await this.#store.commit(beginPage, { ...due, now: this.#clock.now() })) !== 'begun') return null
    const outgoing = this.#store.read(outgoingByNo, { outgoing: due.outgoing })
    const stored = this.#store.read(pageByNo, due)
    if (outgoing === null || stored === null) return null
    const page = new Page(outgoing, due.page, stored)
    this.dropWhoLeft(page)
    this.#inWork.set(keyOf(due), page)
    return page
  }

  /** Members who left, were banned or stopped since the page was made. Throws Unavailable. */
  dropWhoLeft(page: Page): void {
    const { list, audience } = page.outgoing
    if (list === null || audience.kind !== 'roster') return
    const numbers = page.recipients.flatMap(({ no }) => (no === null ? [] : [no]))
    page.drop(new Set(this.#store.read(stillReceiving, { list, numbers })))
  }

  async #fresh(lane: LaneQueue, count: number): Promise<NextPages> {
    if (count <= 0) return { pages: [], faults: [] }
    this.#look(lane)
    const chosen: Outgoing[] = []
    for (const outgoing of lane.heads.values()) {
      if (chosen.length >= count) break
      if (!this.isBlocked(outgoing.no)) chosen.push(outgoing)
    }
    // To the end of the turn: a Map keeps the order in which its keys came.
    for (const outgoing of chosen) {
      lane.heads.delete(outgoing.list)
      lane.heads.set(outgoing.list, outgoing)
    }
    return settled(chosen.map((outgoing) => this.#freeze(lane, outgoing)))
  }

  #look(lane: LaneQueue): void {
    const now = this.#clock.monotonic()
    if (!lane.stale || (lane.heads.size > manyLists && now - lane.lookedAt < lookEvery)) return
    lane.lookedAt = now
    const heads = this.#store.read(unpagedHeads, { lane: lane.lane, limit: listsKnown })
    lane.stale = heads.length === listsKnown
    for (const outgoing of heads) {
      if (!lane.heads.has(outgoing.list)) lane.heads.set(outgoing.list, outgoing)
    }
  }

  // A stuck post keeps its list's place; a list has one post at a time in the making, so pages stay in order.
  #goOn(lane: LaneQueue, list: ListNo | null, after: OutgoingNo): void {
    const next = this.#store.read(nextUnpaged, { lane: lane.lane, list, after })
    if (next === null) lane.heads.delete(list)
    else lane.heads.set(list, next)
  }

  async #freeze(lane: LaneQueue, outgoing: Outgoing): Promise<Page | null> {
    const { recipients, nextNo, paged } = this.#recipientsOf(outgoing)
    const page = await this.#store.commit(freezePage, {
      outgoing: outgoing.no,
      page: outgoing.nextPage,
      recipients,
      nextNo,
      paged,
      now: this.#clock.now(),
    })
    if (page !== null && recipients.length > 0) {
      const states = '.'.repeat(recipients.length)
      const made = new Page(outgoing, page, {
        recipients,
        states,
        replies: recipients.map(() => null),
        tries: 0,
      })
      this.#inWork.set(keyOf({ outgoing: outgoing.no, page }), made)
      this.#moveHead(lane, outgoing, { nextNo, paged })
      return made
    }
    // Null: the row has gone another way than what is known of it here; look again.
    if (page === null) {
      const known = this.#store.read(outgoingByNo, { outgoing: outgoing.no })
      if (known !== null && !known.paged) lane.heads.set(outgoing.list, known)
      else this.#goOn(lane, outgoing.list, outgoing.no)
    } else this.#moveHead(lane, outgoing, { nextNo, paged })
    return null
  }

  #moveHead(
    lane: LaneQueue,
    outgoing: Outgoing,
    { nextNo, paged }: { nextNo: number; paged: boolean },
  ): void {
    if (lane.heads.get(outgoing.list)?.no !== outgoing.no) return
    if (paged) this.#goOn(lane, outgoing.list, outgoing.no)
    else lane.heads.set(outgoing.list, { ...outgoing, nextNo, nextPage: outgoing.nextPage + 1 })
  }

  #recipientsOf(outgoing: Outgoing): {
    recipients: readonly PageRecipient[]
    nextNo: number
    paged: boolean
  } {
    const { audience, nextNo: from } = outgoing
    if (audience.kind === 'addresses') {
      const part = audience.addresses.slice(from - 1, from - 1 + pageSize)
      const nextNo = from + part.length
      return {
        recipients: part.map((address) => ({ no: null, address })),
        nextNo,
        paged: nextNo > audience.addresses.length,
      }
    }
    if (outgoing.list === null) return { recipients: [], nextNo: from, paged: true }
    const recipients = this.#store.read(audiencePage, {
      list: outgoing.list,
      audience,
      from,
      to: outgoing.lastNo,
      limit: pageSize,
    })
    const last = recipients.at(-1)?.no as MemberNo | undefined
    const full = recipients.length === pageSize
    const nextNo = full && last !== undefined ? last + 1 : outgoing.lastNo + 1
    return { recipients, nextNo, paged: nextNo > outgoing.lastNo }
  }
}

/** What could be had, and why the rest could not. */
async function settled(tries: readonly Promise<Page | null>[]): Promise<NextPages> {
  const ends = await Promise.allSettled(tries)
  return {
    pages: ends.flatMap((end) => (end.status === 'fulfilled' && end.value !== null ? [end.value] : [])),
    faults: ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : [])),
  }
}

function emptyLane(lane: OutgoingLane): LaneQueue {
  return { lane, heads: new Map(), stale: true, lookedAt: Number.NEGATIVE_INFINITY }
}

const keyOf = ({ outgoing, page }: DuePage): string => `${outgoing}/${page}`
