// The last station: takes what is outgoing page by page, hands it to the relay, and enters each result into the
// ledger. Between the final dot and the committed result a recipient is in doubt; their number is bounded, and that
// is all a crash can repeat (design §3.5, §3.6; RFC 5321 §4.5.3.2.6). Long, because the pages that are open and the
// transactions made of them are one state; what can be told without it is in page, ledger, schedule, senders and fate.
import { type Clock, later } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Unavailable } from '../base/unavailable.ts'
import { type EmailAddress, localPartOf, needsSmtpUtf8 } from '../mail/address.ts'
import { type VerpKey, verpSender } from '../mail/verp.ts'
import type { OutgoingNo, PageRecipient } from '../model/outgoing.ts'
import type { Manners, Relay, SmtpConnection, Transaction, TransactionResult } from '../smtp/client.ts'
import type { Store } from '../store/store.ts'
import { draftOf, extendRetries, type Outgoing, parkOutgoing, postponePage } from '../store/units/outgoing.ts'
import { type FateKind, fatesOf } from './fate.ts'
import { Ledger } from './ledger.ts'
import { type Page, retryDelay } from './page.ts'
import type { RelayStatus } from './relay-state.ts'
import { type Rendering, type Renderings, render } from './rendering.ts'
import { Schedule } from './schedule.ts'
import { type Demand, Senders } from './senders.ts'
import { relayWayOut, type WayOut } from './way-out.ts'

export interface DeliverySettings {
  readonly relay: Relay
  /** What was learnt of it before. */
  readonly manners?: Manners
  /** Instead of the relay. */
  readonly wayOut?: WayOut
  /** Recipients of one bulk transaction. */
  readonly maxRecipients: number
  /** Transactions of one connection; 0 is no limit. */
  readonly maxTransactions: number
  readonly connections: { readonly bulk: number; readonly individual: number }
  readonly inDoubt: number
  /** Where the files of large messages lie. */
  readonly spool: string
  readonly verpKey: VerpKey
  readonly verpDelimiter: string
  /** Hears the fate of each recipient of a transaction. */
  readonly count?: (fate: FateKind, recipients: number) => void
  readonly retryDelay?: (tries: number) => number
  /** Who gets every copy instead of its recipient, on a site that must not write to its members; null: nobody. */
  readonly redirect: EmailAddress | null
}

export interface DeliveryStatus {
  readonly relay: RelayStatus
  readonly connections: number
  readonly pages: number
  readonly inDoubt: number
  readonly sent: number
}

export interface Delivery {
  /** Something was accepted, or put back. `reload`: posts were put back or taken away by an operator. */
  wake(reload?: boolean): void
  status(): DeliveryStatus
  /** The mail server knows other addresses than before: what follows goes over new connections. */
  renewConnections(): void
  /** Nothing under way and nothing ready; for whoever ends idle threads. */
  isIdle(): boolean
  /** Takes no new transaction, lets those under way end, records; at most so many milliseconds. */
  stop(graceMilliseconds: number): Promise<void>
}

interface Tag {
  readonly page: Page
  readonly indexes: readonly number[]
  readonly connection: SmtpConnection
  /** Recipients that were let through to the dot. */
  admitted: number
  ended: boolean
}

const pagesAhead = 32
const pagesAtOnce = 8
/** Of drafts that are open. */
const bytesAhead = 64 * 1024 * 1024
/** A relay that was late five times over a retry period has had its chances, whatever the clock says. */
const triesBeforeExpiry = 5
const transactionsAhead = 200
const longestSleep = 60_000
const shortestSleep = 20

export function startDelivery(
  services: { readonly store: Store; readonly clock: Clock; readonly log: Log },
  settings: DeliverySettings,
): Delivery {
  return new Station(services, settings)
}

class Station implements Delivery {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Log
  readonly #settings: DeliverySettings
  readonly #schedule: Schedule
  readonly #ledger: Ledger
  readonly #senders: Senders<Tag>
  /** Pages with recipients that no transaction has taken; the first is worked on first. */
  readonly #ready: Page[] = []
  readonly #open = new Set<Page>()
  readonly #drafts = new Map<OutgoingNo, { renderings: Renderings; pages: number }>()
  /** Connections over which a copy was taken. */
  readonly #fruitful = new WeakSet<SmtpConnection>()
  #filling = false
  #fillAgain = false
  #stopping = false
  #timer: NodeJS.Timeout | null = null
  #sent = 0
  #bytes = 0
  /** Milliseconds that the relay was down and that are not yet added to the retry periods. */
  #owed = 0

  constructor(
    services: { readonly store: Store; readonly clock: Clock; readonly log: Log },
    settings: DeliverySettings,
  ) {
    this.#store = services.store
    this.#clock = services.clock
    this.#log = services.log
    this.#settings = settings
    this.#schedule = new Schedule(services)
    this.#ledger = new Ledger(
      services,
      { inDoubt: settings.inDoubt, retryDelay: settings.retryDelay ?? retryDelay },
      {
        closed: (page) => this.#closed(page),
        parked: (page) => this.#setAside(page.outgoing),
        stuck: (outgoing, stuck) => {
          this.#schedule.stuck(outgoing, stuck)
          if (!stuck) this.#goOn(outgoing)
        },
      },
    )
    const wayOut = settings.wayOut ?? relayWayOut(settings.relay, settings.manners)
    this.#senders = new Senders(
      services,
      { ...settings, wayOut },
      {
        demand: () => this.#demand(),
        take: (connection) => this.#take(connection),
        beforeDot: ({ tag }) => this.#admit(tag),
        done: (transaction, result) => this.#done(transaction, result),
        lookForMore: () => this.#fill(),
        lookAgainIn: (milliseconds) => this.#sleep(Math.min(milliseconds, longestSleep)),
        mayGoOn: () => this.#couldLookWhoLeft(),
        wasDown: (milliseconds) => void this.#extendRetries(milliseconds),
      },
    )
    this.wake()
  }

  wake(reload = false): void {
    if (reload) {
      this.#schedule.reload()
      this.#ledger.unparked()
    } else this.#schedule.wake()
    this.#fill()
  }

  status(): DeliveryStatus {
    return {
      relay: this.#senders.relay,
      connections: this.#senders.live,
      pages: this.#open.size,
      inDoubt: this.#ledger.inDoubt,
      sent: this.#sent,
    }
  }

  renewConnections(): void {
    this.#senders.renew()
  }

  isIdle(): boolean {
    const busy = this.#open.size > 0 || !this.#senders.isIdle || this.#filling
    return !busy && this.#schedule.untilNextRetry() === null
  }

  async stop(graceMilliseconds: number): Promise<void> {
    this.#stopping = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const end = this.#clock.monotonic() + graceMilliseconds
    while ([...this.#open].some((page) => page.underWay > 0) && this.#clock.monotonic() < end) await pause(5)
    this.#senders.stop()
    while (!this.#senders.isIdle && this.#clock.monotonic() < end + 1000) await pause(5)
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, 1000)
    await Promise.race([this.#ledger.settle(), late.promise])
    clearTimeout(timer) // it would keep the thread for its second
  }

  // ---- pages ----

  #fill(): void {
    if (this.#stopping) return
    if (this.#filling) {
      this.#fillAgain = true
      return
    }
    this.#filling = true
    void this.#fillNow().finally(() => {
      this.#filling = false
      if (this.#fillAgain) {
        this.#fillAgain = false
        this.#fill()
      }
    })
  }

  async #fillNow(): Promise<void> {
    try {
      const faults: unknown[] = []
      while (this.#hasRoom()) {
        const notices = await this.#schedule.nextNotices(pagesAtOnce)
        const posts = await this.#schedule.nextPages(
          this.#readyTransactions() < transactionsAhead ? pagesAtOnce : 0,
        )
        for (const page of [...notices.pages, ...posts.pages]) await this.#openPage(page)
        faults.push(...notices.faults, ...posts.faults)
        if (faults.length > 0 || notices.pages.length + posts.pages.length === 0) break
        this.#senders.call()
      }
      if (faults.length > 0) throw faults[0]
      this.#sleepUntilRetry()
    } catch (fault) {
      if (this.#stopping) return
      this.#log.error('delivery.pages-unavailable', {
        fault: String(fault),
        remedy: 'tried again in a second',
      })
      this.#sleep(1000)
    }
    this.#senders.call()
  }

  // Notices may go beyond what is ready of posts: a huge list must not hold them up.
  #hasRoom(): boolean {
    return !this.#stopping && this.#open.size < pagesAhead && this.#bytes < bytesAhead
  }

  async #openPage(page: Page): Promise<void> {
    const { outgoing } = page
    try {
      const known = this.#drafts.get(outgoing.no)
      if (known !== undefined) known.pages += 1
      else {
        const draft = this.#store.read(draftOf, { outgoing: outgoing.no })
        if (draft === null) throw new Error(`outgoing ${outgoing.no} is open and has no draft`)
        const renderings = render(this.#store, this.#settings.spool, draft)
        this.#drafts.set(outgoing.no, { renderings, pages: 1 })
        this.#bytes += renderings.asKept.size
      }
    } catch (fault) {
      await this.#cannotOpen(page, fault)
      return
    }
    this.#open.add(page)
    if (page.hasWaiting) this.#queue(page)
    else this.#ledger.entered(page, 0)
  }

  // Its neighbours go on. The world's fault is waited for; one of ours stands still until somebody looked.
  async #cannotOpen(page: Page, fault: unknown): Promise<void> {
    const { no, listId, messageId } = page.outgoing
    const reason = `it cannot be made ready to send: ${fault instanceof Error ? fault.message : String(fault)}`
    this.#log.error('delivery.page-unavailable', {
      outgoing: no,
      list: listId,
      messageId,
      page: page.page,
      reason,
    })
    this.#schedule.closed(page)
    const now = this.#clock.now()
    if (fault instanceof Unavailable) {
      await this.#store.commit(postponePage, {
        outgoing: no,
        page: page.page,
        due: later(now, retryDelay(1)),
      })
      return
    }
    await this.#store.commit(parkOutgoing, { outgoing: no, reason, now })
    this.#setAside(page.outgoing)
  }

  /** Behind the notices if it is one, else behind all. */
  #queue(page: Page): void {
    if (this.#ready.includes(page)) return
    const at =
      page.outgoing.lane === 'notice'
        ? this.#ready.findIndex(({ outgoing }) => outgoing.lane !== 'notice')
        : -1
    if (at < 0) this.#ready.push(page)
    else this.#ready.splice(at, 0, page)
  }

  #closed(page: Page): void {
    this.#open.delete(page)
    this.#schedule.closed(page)
    const draft = this.#drafts.get(page.outgoing.no)
    if (draft !== undefined) {
      draft.pages -= 1
      if (draft.pages === 0) {
        this.#drafts.delete(page.outgoing.no)
        this.#bytes -= draft.renderings.asKept.size
      }
    }
    this.#log.info('delivery.page', {
      outgoing: page.outgoing.no,
      list: page.outgoing.listId,
      messageId: page.outgoing.messageId,
      page: page.page,
      tries: page.tries,
      ...countsOf(page),
    })
    this.#fill()
  }

  #setAside(outgoing: Outgoing): void {
    this.#schedule.parked(outgoing)
    for (const page of this.#open) {
      if (page.outgoing.no === outgoing.no && page.underWay === 0) this.#ledger.entered(page, 0)
    }
  }

  #goOn(outgoing: OutgoingNo): void {
    for (const page of this.#open) if (page.outgoing.no === outgoing && page.hasWaiting) this.#queue(page)
    this.wake()
  }

  #readyTransactions(): number {
    return this.#ready.reduce((sum, page) => sum + transactionsOf(page, this.#settings.maxRecipients), 0)
  }

  #sleepUntilRetry(): void {
    const wait = this.#schedule.untilNextRetry()
    if (wait !== null) this.#sleep(Math.min(Math.max(wait, shortestSleep), longestSleep))
  }

  #sleep(milliseconds: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.wake(), Math.max(milliseconds, 1))
  }

  // ---- what the senders ask ----

  #demand(): Demand {
    if (this.#stopping) return { transactions: 0, connections: 0 }
    const { bulk, individual } = this.#settings.connections
    const most = this.#ready.some((page) => page.outgoing.mode === 'individual') ? individual : bulk
    return { transactions: this.#readyTransactions(), connections: most }
  }

  // Pages that waited for the relay are a retry to their members, however short the wait was.
  #couldLookWhoLeft(): boolean {
    try {
      for (const page of this.#open) {
        this.#schedule.dropWhoLeft(page)
        this.#ledger.entered(page, 0)
      }
      return true
    } catch (fault) {
      this.#log.error('delivery.pages-unavailable', {
        fault: String(fault),
        remedy: 'tried again in a second',
      })
      return false
    }
  }

  // The retry clock stands still while the relay is down; what cannot be committed now is added to the next time.
  async #extendRetries(downFor: number): Promise<void> {
    const by = this.#owed + downFor
    if (by === 0) return
    this.#owed = 0
    try {
      await this.#store.commit(extendRetries, { by })
      for (const page of this.#open) page.expiresAt += by
      this.#schedule.forgetHeads()
    } catch (fault) {
      this.#owed += by
      if (!this.#stopping)
        this.#log.error('relay.down-time-kept', { fault: String(fault), milliseconds: this.#owed })
    }
  }

  #admit(tag: Tag): void | Promise<void> {
    const count = tag.indexes.length
    const turn = this.#ledger.admit(count)
    if (turn === undefined) {
      tag.admitted = count
      return
    }
    return turn.then(() => {
      // The connection was lost while it waited: nothing of it is in doubt.
      if (tag.ended) this.#ledger.giveBack(count)
      else tag.admitted = count
    })
  }

  // ---- transactions ----

  #take(connection: SmtpConnection): Transaction<Tag> | null {
    while (!this.#stopping) {
      const page = this.#ready[0]
      if (page === undefined) return null
      if (!page.hasWaiting || this.#schedule.isBlocked(page.outgoing.no)) {
        this.#ready.shift()
        continue
      }
      const transaction = this.#transactionOf(page, connection)
      if (!page.hasWaiting) {
        this.#ready.shift()
        if (this.#readyTransactions() < transactionsAhead / 2) this.#fill()
      }
      if (transaction !== null) return transaction
    }
    return null
  }

  #transactionOf(page: Page, connection: SmtpConnection): Transaction<Tag> | null {
    const { outgoing } = page
    const limit =
      outgoing.mode === 'individual'
        ? 1
        : Math.max(1, Math.min(this.#settings.maxRecipients, this.#settings.inDoubt))
    const rendering = this.#renderingFor(page, connection)
    if (rendering === null) return null
    // Addresses that need SMTPUTF8 go apart, so that a relay without it costs only them.
    const indexes = page.take(limit, (a, b) => needsSmtpUtf8(a.address) === needsSmtpUtf8(b.address))
    const recipients = indexes.map((index) => page.recipients[index] as PageRecipient)
    const first = recipients[0] as PageRecipient
    const { redirect } = this.#settings
    const smtpUtf8 = needsSmtpUtf8(localPartOf(redirect ?? first.address))
    if (smtpUtf8 && !connection.extensions.smtpUtf8) {
      for (const index of indexes) page.refuse(index, '553 5.6.7 the relay does not take SMTPUTF8 addresses')
      this.#ledger.entered(page, 0)
      return null
    }
    const { pieces, size, eightBit } = rendering
    return {
      tag: { page, indexes, connection, admitted: 0, ended: false },
      from: this.#senderFor(page, first),
      recipients: recipients.map(({ address }) => redirect ?? address),
      pieces,
      size,
      eightBit,
      smtpUtf8,
    }
  }

  #renderingFor(page: Page, { extensions }: SmtpConnection): Rendering | null {
    const { renderings } = this.#drafts.get(page.outgoing.no) ?? {}
    if (renderings === undefined) throw new Error(`outgoing ${page.outgoing.no} is sent and has no draft`)
    if (extensions.eightBitMime) return renderings.asKept
    try {
      return renderings.forSevenBit()
    } catch (fault) {
      const { outgoing } = page
      const reason = `it cannot be made ready for a relay without 8BITMIME: ${String(fault)}`
      this.#setAside(outgoing)
      this.#store
        .commit(parkOutgoing, { outgoing: outgoing.no, reason, now: this.#clock.now() })
        .catch((why: unknown) =>
          this.#log.error('delivery.park-failed', { outgoing: outgoing.no, fault: String(why) }),
        )
      return null
    }
  }

  #senderFor({ outgoing }: Page, { no }: PageRecipient): Transaction<Tag>['from'] {
    const { sender, listId, mode } = outgoing
    if (mode !== 'individual' || no === null || listId === null || sender === '<>') return sender
    return verpSender(sender, listId, no, this.#settings.verpKey, this.#settings.verpDelimiter)
  }

  #done({ tag }: Transaction<Tag>, result: TransactionResult): void {
    const { page, indexes, connection, admitted } = tag
    tag.ended = true
    const fates = fatesOf(result)
    const expired = this.#clock.now() >= page.expiresAt && page.tries >= triesBeforeExpiry
    if (fates.taken) this.#fruitful.add(connection)
    // A relay that hung up before it said anything has said nothing about these recipients either.
    const unheard = result.mail === null && result.lost !== null
    page.enter(indexes, fates, expired, unheard || this.#fruitful.has(connection))
    for (const { kind } of fates.recipients) this.#settings.count?.(kind, 1)
    if (fates.taken) this.#sent += fates.recipients.filter(({ kind }) => kind === 'sent').length
    if (page.hasWaiting) this.#queue(page)
    this.#ledger.entered(page, admitted)
  }
}

const transactionsOf = (page: Page, maxRecipients: number): number =>
  page.outgoing.mode === 'individual'
    ? page.waitingCount
    : Math.ceil(page.waitingCount / Math.max(1, maxRecipients))

function countsOf(page: Page): Record<string, number> {
  const names: Record<string, string> = {
    s: 'sent',
    d: 'deferred',
    q: 'doubt',
    f: 'failed',
    r: 'refused',
    e: 'expired',
    u: 'uncertain',
    x: 'dropped',
    '.': 'waiting',
  }
  const counts: Record<string, number> = {}
  for (const state of page.states) {
    const name = names[state] ?? state
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))
