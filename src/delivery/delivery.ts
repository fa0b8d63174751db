// The last station: takes what is outgoing page by page, hands it to the relay, and enters each result into the
// ledger. Between the final dot and the committed result a recipient is in doubt; their number is bounded, and that
// is all a crash can repeat (design §3.5, §3.6; RFC 5321 §4.5.3.2.6).
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { localPartOf, needsSmtpUtf8 } from '../mail/address.ts'
import { type VerpKey, verpSender } from '../mail/verp.ts'
import type { OutgoingNo, PageRecipient } from '../model/outgoing.ts'
import {
  openConnection,
  type Relay,
  type SmtpConnection,
  type Transaction,
  type TransactionResult,
} from '../smtp/client.ts'
import type { Store } from '../store/store.ts'
import { draftOf, extendRetries } from '../store/units/outgoing.ts'
import { fatesOf } from './fate.ts'
import { Ledger } from './ledger.ts'
import { type Page, retryDelay } from './page.ts'
import { RelayState, type RelayStatus } from './relay-state.ts'
import { type Renderings, render } from './rendering.ts'
import { Schedule } from './schedule.ts'

export interface DeliverySettings {
  readonly relay: Relay
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
  readonly retryDelay?: (tries: number) => number
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
  /** Nothing under way and nothing ready; for whoever ends idle threads. */
  isIdle(): boolean
  /** Takes no new transaction, lets those under way end, records; at most so many milliseconds. */
  stop(graceMilliseconds: number): Promise<void>
}

interface Tag {
  readonly page: Page
  readonly indexes: readonly number[]
  readonly connection: SmtpConnection
  admitted: number
}

const pagesAhead = 32
const transactionsAhead = 200
const idleMilliseconds = 5000
const longestSleep = 60_000

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
  readonly #relay: RelayState
  /** Pages with recipients that no transaction has taken; the first is worked on first. */
  readonly #ready: Page[] = []
  readonly #open = new Set<Page>()
  readonly #drafts = new Map<OutgoingNo, { renderings: Renderings; pages: number }>()
  readonly #senders = new Set<AbortController>()
  /** Connections over which a copy was taken. */
  readonly #fruitful = new WeakSet<SmtpConnection>()
  #live = 0
  #filling = false
  #fillAgain = false
  #stopping = false
  #timer: NodeJS.Timeout | null = null
  #pausedUntil = 0
  #sent = 0

  constructor(
    services: { readonly store: Store; readonly clock: Clock; readonly log: Log },
    settings: DeliverySettings,
  ) {
    this.#store = services.store
    this.#clock = services.clock
    this.#log = services.log
    this.#settings = settings
    this.#schedule = new Schedule(services)
    this.#relay = new RelayState(services.clock)
    this.#ledger = new Ledger(
      services,
      { inDoubt: settings.inDoubt, retryDelay: settings.retryDelay ?? retryDelay },
      {
        closed: (page) => this.#closed(page),
        parked: (outgoing) => this.#setAside(outgoing),
        stuck: (outgoing, stuck) => {
          this.#schedule.block(outgoing, stuck)
          if (!stuck) this.#goOn(outgoing)
        },
      },
    )
    this.wake()
  }

  wake(reload = false): void {
    if (reload) {
      this.#schedule.unblockAll()
      this.#schedule.reload()
      this.#ledger.unparked()
    } else this.#schedule.wake()
    this.#fill()
  }

  status(): DeliveryStatus {
    return {
      relay: this.#relay.status,
      connections: this.#live,
      pages: this.#open.size,
      inDoubt: this.#ledger.inDoubt,
      sent: this.#sent,
    }
  }

  isIdle(): boolean {
    return this.#open.size === 0 && this.#senders.size === 0 && !this.#filling
  }

  async stop(graceMilliseconds: number): Promise<void> {
    this.#stopping = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const end = this.#clock.monotonic() + graceMilliseconds
    while ([...this.#open].some((page) => page.underWay > 0) && this.#clock.monotonic() < end) await pause(5)
    for (const sender of this.#senders) sender.abort()
    while (this.#senders.size > 0 && this.#clock.monotonic() < end + 1000) await pause(5)
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
      while (
        !this.#stopping &&
        this.#open.size < pagesAhead &&
        this.#readyTransactions() < transactionsAhead
      ) {
        const pages = await this.#schedule.nextPages(pagesAhead - this.#open.size)
        if (pages.length === 0) break
        for (const page of pages) this.#openPage(page)
        this.#callSenders()
      }
      this.#sleepUntilRetry()
    } catch (fault) {
      if (this.#stopping) return
      this.#log.error('delivery.pages-unavailable', {
        fault: String(fault),
        remedy: 'tried again in a second',
      })
      this.#sleep(1000)
    }
    this.#callSenders()
  }

  #openPage(page: Page): void {
    this.#open.add(page)
    const { no } = page.outgoing
    const known = this.#drafts.get(no)
    if (known !== undefined) known.pages += 1
    else {
      const draft = this.#store.read(draftOf, { outgoing: no })
      if (draft === null) throw new Error(`outgoing ${no} is open and has no draft`)
      this.#drafts.set(no, { renderings: render(this.#store, this.#settings.spool, draft), pages: 1 })
    }
    if (page.hasWaiting) this.#ready.push(page)
    else this.#ledger.entered(page, 0)
  }

  #closed(page: Page): void {
    this.#open.delete(page)
    this.#schedule.closed(page)
    const draft = this.#drafts.get(page.outgoing.no)
    if (draft !== undefined) {
      draft.pages -= 1
      if (draft.pages === 0) this.#drafts.delete(page.outgoing.no)
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

  #setAside(outgoing: OutgoingNo): void {
    this.#schedule.block(outgoing, true)
    for (const page of this.#open) {
      if (page.outgoing.no === outgoing && page.underWay === 0) this.#ledger.entered(page, 0)
    }
  }

  #goOn(outgoing: OutgoingNo): void {
    for (const page of this.#open) {
      if (page.outgoing.no === outgoing && page.hasWaiting && !this.#ready.includes(page))
        this.#ready.push(page)
    }
    this.wake()
  }

  #readyTransactions(): number {
    return this.#ready.reduce((sum, page) => sum + transactionsOf(page, this.#settings.maxRecipients), 0)
  }

  #sleepUntilRetry(): void {
    const wait = this.#schedule.untilNextRetry()
    if (wait !== null) this.#sleep(Math.min(wait, longestSleep))
  }

  #sleep(milliseconds: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.wake(), Math.max(milliseconds, 1))
  }

  // ---- senders: each has one connection ----

  #callSenders(): void {
    if (this.#stopping || this.#ready.length === 0) return
    const wait = this.#pausedUntil - this.#clock.monotonic()
    if (wait > 0) {
      this.#sleep(Math.min(wait, longestSleep))
      return
    }
    const { bulk, individual } = this.#settings.connections
    const most = this.#ready.some((page) => page.outgoing.mode === 'individual') ? individual : bulk
    // While nobody knows whether the relay answers, one connection tries.
    const wanted =
      this.#relay.status.state === 'up' ? Math.min(most, Math.ceil(this.#readyTransactions() / 2)) : 1
    for (const wake of this.#resting.splice(0)) wake()
    while (this.#senders.size < wanted) void this.#send()
  }

  readonly #resting: (() => void)[] = []

  async #send(): Promise<void> {
    const control = new AbortController()
    this.#senders.add(control)
    try {
      const connection = await this.#connect(control.signal)
      if (connection === null) return
      this.#live += 1
      try {
        await this.#work(connection, control.signal)
      } finally {
        this.#live -= 1
      }
    } catch (fault) {
      this.#log.error('delivery.sender-failed', {
        fault: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault),
      })
    } finally {
      this.#senders.delete(control)
      if (!this.#stopping) setImmediate(() => this.#callSenders())
    }
  }

  async #connect(signal: AbortSignal): Promise<SmtpConnection | null> {
    const opened = await openConnection(this.#settings.relay, signal)
    if ('connection' in opened) {
      const downFor = this.#relay.worked()
      if (downFor > 0) {
        this.#log.info('relay.up', { downMilliseconds: downFor })
        await this.#store.commit(extendRetries, { by: downFor })
        for (const page of this.#open) page.expiresAt += downFor
        this.#schedule.reload()
      }
      if (this.#senders.size === 1) setImmediate(() => this.#callSenders())
      return opened.connection
    }
    if (signal.aborted) return null
    const { trouble } = opened
    if (this.#live > 0) {
      // Others work: this relay only takes no more connections. Fewer do it too.
      this.#pausedUntil = this.#clock.monotonic() + 1000
      return null
    }
    const wait = this.#relay.failed(trouble)
    this.#log.error('relay.down', { stage: trouble.stage, words: trouble.words, nextTryMilliseconds: wait })
    this.#pausedUntil = this.#clock.monotonic() + wait
    return null
  }

  async #work(connection: SmtpConnection, signal: AbortSignal): Promise<void> {
    let transactions = 0
    const { maxTransactions } = this.#settings
    const onAbort = (): void => connection.destroy()
    signal.addEventListener('abort', onAbort)
    try {
      do {
        await connection.deliver<Tag>(
          () => {
            if (maxTransactions > 0 && transactions >= maxTransactions) return null
            const transaction = this.#take(connection)
            if (transaction !== null) transactions += 1
            return transaction
          },
          {
            beforeDot: ({ tag }) => {
              tag.admitted = tag.indexes.length
              return this.#ledger.admit(tag.admitted)
            },
            done: (transaction, result) => this.#done(transaction, result),
          },
        )
      } while (
        connection.reusable &&
        (maxTransactions === 0 || transactions < maxTransactions) &&
        (await this.#rest(signal))
      )
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    if (connection.reusable) await connection.quit()
    else connection.destroy()
  }

  /** Keeps the connection for a while; true when there is something to send again. */
  async #rest(signal: AbortSignal): Promise<boolean> {
    if (this.#stopping || signal.aborted) return false
    if (this.#ready.length > 0) return true
    this.#fill()
    return new Promise((resolve) => {
      const done = (more: boolean): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
        const at = this.#resting.indexOf(wake)
        if (at >= 0) this.#resting.splice(at, 1)
        resolve(more && !this.#stopping)
      }
      const wake = (): void => done(true)
      const onAbort = (): void => done(false)
      const timer = setTimeout(() => done(false), idleMilliseconds)
      signal.addEventListener('abort', onAbort)
      this.#resting.push(wake)
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
    // Addresses that need SMTPUTF8 go apart, so that a relay without it costs only them.
    const indexes = page.take(limit, (a, b) => needsSmtpUtf8(a.address) === needsSmtpUtf8(b.address))
    const recipients = indexes.map((index) => page.recipients[index] as PageRecipient)
    const first = recipients[0] as PageRecipient
    const smtpUtf8 = needsSmtpUtf8(localPartOf(first.address))
    if (smtpUtf8 && !connection.extensions.smtpUtf8) {
      for (const index of indexes) page.refuse(index, '553 5.6.7 the relay does not take SMTPUTF8 addresses')
      this.#ledger.entered(page, 0)
      return null
    }
    const renderings = this.#drafts.get(outgoing.no)?.renderings as Renderings
    const { pieces, size, eightBit } = connection.extensions.eightBitMime
      ? renderings.asKept
      : renderings.forSevenBit()
    return {
      tag: { page, indexes, connection, admitted: 0 },
      from: this.#senderFor(page, first),
      recipients: recipients.map(({ address }) => address),
      pieces,
      size,
      eightBit,
      smtpUtf8,
    }
  }

  #senderFor({ outgoing }: Page, { no }: PageRecipient): Transaction<Tag>['from'] {
    const { sender, listId, mode } = outgoing
    if (mode !== 'individual' || no === null || listId === null || sender === '<>') return sender
    return verpSender(sender, listId, no, this.#settings.verpKey, this.#settings.verpDelimiter)
  }

  #done({ tag }: Transaction<Tag>, result: TransactionResult): void {
    const { page, indexes, connection, admitted } = tag
    const fates = fatesOf(result)
    const expired = this.#clock.now() >= page.expiresAt
    if (fates.taken) this.#fruitful.add(connection)
    page.enter(indexes, fates, expired, this.#fruitful.has(connection))
    if (fates.taken) this.#sent += fates.recipients.filter(({ kind }) => kind === 'sent').length
    if (page.hasWaiting && !this.#ready.includes(page)) this.#ready.push(page)
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
