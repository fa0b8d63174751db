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
  type DuePage,
  duePages,
  freezePage,
  nextPageDue,
  type Outgoing,
  outgoingByNo,
  pageByNo,
  unpagedOutgoing,
} from '../store/units/outgoing.ts'
import { Page } from './page.ts'

const pageSize = 1000
/** Outgoing rows of a lane that are known at once; the others wait in the store. */
const window = 500

interface LaneQueue {
  readonly lane: OutgoingLane
  /** Posts of each list whose pages are not all made, oldest first. */
  readonly byList: Map<ListNo | null, Outgoing[]>
  /** The lists in turn. */
  readonly turn: (ListNo | null)[]
  last: number
  known: number
  /** Nothing beyond `last` when it was last looked at. */
  exhausted: boolean
}

export class Schedule {
  readonly #store: Store
  readonly #clock: Clock
  readonly #lanes: readonly LaneQueue[]
  readonly #inWork = new Map<string, Page>()
  readonly #blocked = new Set<OutgoingNo>()

  constructor({ store, clock }: { readonly store: Store; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
    this.#lanes = [emptyLane('notice'), emptyLane('out')]
  }

  /** Something was accepted: look again. */
  wake(): void {
    for (const lane of this.#lanes) lane.exhausted = false
  }

  /** Makes or finds up to `count` pages that can be worked on now; fewer when there are no more. Throws Unavailable. */
  async nextPages(count: number): Promise<readonly Page[]> {
    const retries = this.#retries(count)
    const fresh = await this.#freshPages(count - retries.length)
    return [...retries, ...fresh]
  }

  /** The page has gone to its end or to a later try. */
  closed(page: Page): void {
    this.#inWork.delete(keyOf({ outgoing: page.outgoing.no, page: page.page }))
  }

  block(outgoing: OutgoingNo, blocked: boolean): void {
    if (blocked) this.#blocked.add(outgoing)
    else this.#blocked.delete(outgoing)
  }

  unblockAll(): void {
    this.#blocked.clear()
  }

  isBlocked(outgoing: OutgoingNo): boolean {
    return this.#blocked.has(outgoing)
  }

  /** All that is known is forgotten, pages in work excepted: posts were put back or taken away. */
  reload(): void {
    for (const lane of this.#lanes) Object.assign(lane, { ...emptyLane(lane.lane) })
  }

  /** Milliseconds until a page is due for a retry; null when none waits. */
  untilNextRetry(): number | null {
    const due = this.#store.read(nextPageDue, {})
    return due === null || this.#inWork.size > 0 ? null : Math.max(0, due - this.#clock.now())
  }

  #retries(count: number): readonly Page[] {
    if (count <= 0) return []
    const due = this.#store
      .read(duePages, { now: this.#clock.now(), limit: count + this.#inWork.size })
      .filter((one) => !this.#inWork.has(keyOf(one)) && !this.#blocked.has(one.outgoing))
    return due.slice(0, count).flatMap((one) => this.#openAgain(one) ?? [])
  }

  #openAgain(due: DuePage): Page | null {
    const outgoing = this.#store.read(outgoingByNo, { outgoing: due.outgoing })
    const stored = this.#store.read(pageByNo, due)
    if (outgoing === null || stored === null) return null
    const page = new Page(outgoing, due.page, stored)
    if (outgoing.list !== null && outgoing.audience.kind === 'roster') {
      const numbers = stored.recipients.flatMap(({ no }) => (no === null ? [] : [no]))
      page.drop(new Set(this.#store.read(stillReceiving, { list: outgoing.list, numbers })))
    }
    this.#inWork.set(keyOf(due), page)
    return page
  }

  async #freshPages(count: number): Promise<readonly Page[]> {
    const chosen: { lane: LaneQueue; outgoing: Outgoing }[] = []
    for (const lane of this.#lanes) {
      this.#fill(lane)
      const lists = lane.turn.length
      for (let i = 0; i < lists && chosen.length < count; i++) {
        const list = lane.turn.shift() as ListNo | null
        lane.turn.push(list)
        const outgoing = lane.byList.get(list)?.find(({ no }) => !this.#blocked.has(no))
        if (outgoing !== undefined) chosen.push({ lane, outgoing })
      }
    }
    const pages = await Promise.all(chosen.map(({ lane, outgoing }) => this.#freeze(lane, outgoing)))
    return pages.filter((page) => page !== null)
  }

  #fill(lane: LaneQueue): void {
    if (lane.exhausted || lane.known >= window / 2) return
    const more = this.#store.read(unpagedOutgoing, {
      lane: lane.lane,
      after: lane.last,
      limit: window - lane.known,
    })
    lane.exhausted = more.length === 0
    for (const outgoing of more) {
      lane.last = outgoing.no
      lane.known += 1
      const waiting = lane.byList.get(outgoing.list)
      if (waiting === undefined) {
        lane.byList.set(outgoing.list, [outgoing])
        lane.turn.push(outgoing.list)
      } else waiting.push(outgoing)
    }
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
    // Null: the row has gone another way than what is known of it here; look again.
    const known =
      page === null
        ? this.#store.read(outgoingByNo, { outgoing: outgoing.no })
        : { ...outgoing, nextNo, nextPage: outgoing.nextPage + 1 }
    replaceFirst(lane, outgoing, known === null || known.paged || (page !== null && paged) ? null : known)
    if (page === null || recipients.length === 0) return null
    const made = new Page(outgoing, page, {
      recipients,
      states: '.'.repeat(recipients.length),
      replies: recipients.map(() => null),
      tries: 0,
    })
    this.#inWork.set(keyOf({ outgoing: outgoing.no, page }), made)
    return made
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

function replaceFirst(lane: LaneQueue, outgoing: Outgoing, next: Outgoing | null): void {
  const waiting = lane.byList.get(outgoing.list)
  const at = waiting?.findIndex(({ no }) => no === outgoing.no) ?? -1
  if (waiting === undefined || at < 0) return
  if (next !== null) {
    waiting[at] = next
    return
  }
  waiting.splice(at, 1)
  lane.known -= 1
  if (waiting.length > 0) return
  lane.byList.delete(outgoing.list)
  lane.turn.splice(lane.turn.indexOf(outgoing.list), 1)
}

function emptyLane(lane: OutgoingLane): LaneQueue {
  return { lane, byList: new Map(), turn: [], last: 0, known: 0, exhausted: false }
}

const keyOf = ({ outgoing, page }: DuePage): string => `${outgoing}/${page}`
