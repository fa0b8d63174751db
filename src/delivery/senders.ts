// The connections to the relay: as many as there is work for, one until the relay has answered, none while it is down.
// A fault before MAIL is the relay's: everything pauses, and no message and no member is touched (RFC 5321 §3.8, §4.5.4.1).
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { RelayTrouble, SmtpConnection, Transaction, TransactionResult } from '../smtp/client.ts'
import { RelayState, type RelayStatus } from './relay-state.ts'
import type { WayOut } from './way-out.ts'

/** What waits to be sent, and over how many connections it may go. */
export interface Demand {
  readonly transactions: number
  readonly connections: number
}

/** What the station gives its senders to do. */
export interface Work<T> {
  demand(): Demand
  take(connection: SmtpConnection): Transaction<T> | null
  beforeDot(transaction: Transaction<T>): void | Promise<void>
  done(transaction: Transaction<T>, result: TransactionResult): void
  /** A connection has nothing to do. */
  lookForMore(): void
  lookAgainIn(milliseconds: number): void
  /** The relay is back after it was down; false: not yet, something else is in the way. */
  mayGoOn(): boolean
  /** It was down for so many milliseconds more. */
  wasDown(milliseconds: number): void
}

const idleMilliseconds = 5000
const pauseMilliseconds = 1000

export class Senders<T> {
  readonly #clock: Clock
  readonly #log: Log
  readonly #wayOut: WayOut
  readonly #maxTransactions: number
  readonly #work: Work<T>
  readonly #relay: RelayState
  /** Each has one connection, or is on its way to one. */
  readonly #senders = new Set<AbortController>()
  /** Connections over which a MAIL was answered. */
  readonly #answered = new WeakSet<SmtpConnection>()
  /** Those that keep a connection for what may come. */
  readonly #resting: (() => void)[] = []
  /** Counts up when connections from before are to take nothing more. */
  #generation = 0
  #live = 0
  #pausedUntil = 0
  #stopping = false

  constructor(
    services: { readonly clock: Clock; readonly log: Log },
    settings: { readonly wayOut: WayOut; readonly maxTransactions: number },
    work: Work<T>,
  ) {
    this.#clock = services.clock
    this.#log = services.log
    this.#wayOut = settings.wayOut
    this.#maxTransactions = settings.maxTransactions
    this.#work = work
    this.#relay = new RelayState(services.clock)
  }

  get relay(): RelayStatus {
    return this.#relay.status
  }

  /** Connections that are open. */
  get live(): number {
    return this.#live
  }

  get isIdle(): boolean {
    return this.#senders.size === 0
  }

  /** There may be work: wakes those who rest, and starts more as far as it pays. */
  call(): void {
    const { transactions, connections } = this.#work.demand()
    if (this.#stopping || transactions === 0) return
    const wait = this.#pausedUntil - this.#clock.monotonic()
    if (wait > 0) {
      this.#work.lookAgainIn(wait)
      return
    }
    // While nobody knows whether the relay answers, one connection tries.
    const wanted = this.#relay.status.state === 'up' ? Math.min(connections, Math.ceil(transactions / 2)) : 1
    for (const wake of this.#resting.splice(0)) wake()
    while (this.#senders.size < wanted) void this.#send()
  }

  /**
   * What follows goes over new connections. QUIRK: Postfix's smtpd(8) reads its tables anew for a new connection only, so
   * that an address made meanwhile is unknown on an older one.
   */
  renew(): void {
    this.#generation += 1
    for (const wake of this.#resting.splice(0)) wake()
  }

  /** Cuts the connections; what is under way is reported as lost. */
  stop(): void {
    this.#stopping = true
    for (const sender of this.#senders) sender.abort()
  }

  async #send(): Promise<void> {
    const control = new AbortController()
    this.#senders.add(control)
    const generation = this.#generation
    try {
      const connection = await this.#connect(control.signal)
      if (connection === null) return
      this.#live += 1
      try {
        await this.#serve(connection, control.signal, () => generation !== this.#generation)
      } finally {
        this.#live -= 1
      }
    } catch (fault) {
      this.#log.error('delivery.sender-failed', {
        fault: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault),
      })
    } finally {
      this.#senders.delete(control)
      if (!this.#stopping) setImmediate(() => this.call())
    }
  }

  async #connect(signal: AbortSignal): Promise<SmtpConnection | null> {
    const opened = await this.#wayOut.open(signal)
    if ('connection' in opened) {
      if (this.#relay.status.state !== 'down' || this.#work.mayGoOn()) return opened.connection
      opened.connection.destroy()
      this.#pausedUntil = this.#clock.monotonic() + pauseMilliseconds
      return null
    }
    if (signal.aborted) return null
    // While others work, this relay only takes no more connections. Fewer do it too.
    if (this.#live > 0) this.#pausedUntil = this.#clock.monotonic() + pauseMilliseconds
    else this.#relayFailed(opened.trouble)
    return null
  }

  #relayFailed(trouble: RelayTrouble): void {
    const { wait, downFor } = this.#relay.failed(trouble)
    this.#log.error('relay.down', { stage: trouble.stage, words: trouble.words, nextTryMilliseconds: wait })
    this.#pausedUntil = this.#clock.monotonic() + wait
    this.#work.wasDown(downFor)
  }

  /** It has answered a MAIL, whatever it said. */
  #relayAnswered(connection: SmtpConnection): void {
    this.#answered.add(connection)
    const { state } = this.#relay.status
    if (state === 'up') return
    const downFor = this.#relay.worked()
    if (state === 'down') this.#log.info('relay.up')
    this.#work.wasDown(downFor)
    setImmediate(() => this.call())
  }

  async #serve(connection: SmtpConnection, signal: AbortSignal, isOld: () => boolean): Promise<void> {
    let transactions = 0
    let before = 0
    const most = this.#maxTransactions
    const onAbort = (): void => connection.destroy()
    signal.addEventListener('abort', onAbort)
    try {
      do {
        before = transactions
        await connection.deliver<T>(
          () => {
            if (isOld() || (most > 0 && transactions >= most)) return null
            const transaction = this.#work.take(connection)
            if (transaction !== null) transactions += 1
            return transaction
          },
          {
            beforeDot: (transaction) => this.#work.beforeDot(transaction),
            done: (transaction, result) => {
              if (result.mail !== null) this.#relayAnswered(connection)
              this.#work.done(transaction, result)
            },
          },
        )
      } while (
        connection.reusable &&
        !isOld() &&
        (most === 0 || transactions < most) &&
        (await this.#rest(signal, transactions > before))
      )
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    if (connection.reusable) {
      await connection.quit()
      return
    }
    connection.destroy()
    if (connection.loss !== null && !signal.aborted) {
      this.#log.info('relay.connection-lost', { words: connection.loss.words })
    }
    if (transactions > 0 && !this.#answered.has(connection) && !signal.aborted) {
      const why = connection.loss?.words ?? 'no reason is known'
      const words = this.#wayOut.hungUp(why)
      this.#relayFailed({ stage: 'ehlo', reply: null, cause: connection.loss?.cause ?? null, words })
    }
  }

  /** Keeps the connection for a while; true when there is something to send again. */
  async #rest(signal: AbortSignal, wasBusy: boolean): Promise<boolean> {
    if (this.#stopping || signal.aborted) return false
    // Whoever got nothing of what there is waits to be called: it must not ask again and again.
    if (wasBusy && this.#work.demand().transactions > 0) return true
    this.#work.lookForMore()
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
}
