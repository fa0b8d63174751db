// One run of transactions over one connection (RFC 5321 §3.3, RFC 2920): at most one waits for the answer to its
// dot while the envelope of the next is already on its way. Its laws: a body leaves only for recipients that were
// accepted; `done` is called once for each transaction taken, in order; nothing is taken any more after a fault.
import { assertSendable, mailCommand, rcptCommand } from './client-envelope.ts'
import { Exchange } from './client-exchange.ts'
import { type Manners, mostBehindDot } from './client-manners.ts'
import type { Timeouts } from './client-relay.ts'
import type { Hooks, Loss, Next, Transaction, TransactionResult } from './client-transaction.ts'
import type { Wire, WireListener } from './client-wire.ts'
import type { Extensions } from './extensions.ts'
import { type Reply, replyText } from './reply.ts'

const waits: Readonly<Record<Exchange<unknown>['awaits'], readonly [keyof Timeouts, string]>> = {
  reset: ['mail', 'RSET'],
  mail: ['mail', 'MAIL'],
  rcpt: ['rcpt', 'RCPT'],
  data: ['data', 'DATA'],
  end: ['dot', 'the final dot'],
}

export class Delivery<T> implements WireListener {
  /** Settles when all is reported; rejects with what a hook or a broken law threw. */
  readonly finished: Promise<void>
  /** The server still holds a transaction that was not finished: RSET goes before the next MAIL. */
  needsReset: boolean
  readonly #wire: Wire
  readonly #offered: Extensions
  readonly #timeouts: Timeouts
  readonly #manners: Manners
  readonly #next: Next<T>
  readonly #hooks: Hooks<T>
  readonly #settle: PromiseWithResolvers<void>
  #current: Exchange<T> | null = null // its replies come next
  #following: Exchange<T> | null = null // its envelope went out behind the dot of `current`
  #upcoming: 'open' | 'asked' | 'drained' = 'open'
  #refused: Transaction<T> | null = null // taken, but not sendable: reported when its turn comes
  #holding = false // beforeDot has not come back yet
  #over = false
  #fault: { readonly error: unknown } | null = null

  constructor(
    wire: Wire,
    offered: Extensions,
    timeouts: Timeouts,
    manners: Manners,
    needsReset: boolean,
    next: Next<T>,
    hooks: Hooks<T>,
  ) {
    this.#wire = wire
    this.#offered = offered
    this.#timeouts = timeouts
    this.#manners = manners
    this.needsReset = needsReset
    this.#next = next
    this.#hooks = hooks
    this.#settle = Promise.withResolvers()
    this.finished = this.#settle.promise
  }

  start(): void {
    this.#work()
  }

  onWritten(): void {
    this.#work()
  }

  onReply(reply: Reply): void {
    const exchange = this.#current
    if (exchange === null) {
      this.#wire.loseBy(reply)
      return
    }
    const inTurn = exchange.outstanding > 0
    const { awaits } = exchange
    if (inTurn && exchange.behindDot && awaits === 'mail' && !this.#manners.answered(reply)) {
      // Nothing was decided about this transaction: it comes again, over another connection.
      this.#wire.lose(`the server takes no command that leaves with the final dot: ${replyText(reply)}`)
      return
    }
    const fits = exchange.note(reply)
    if (reply.code === 421 || !inTurn || !fits) {
      // The answer to the dot is an answer, even this one: nothing is in doubt then.
      if (awaits === 'end' && inTurn && fits) this.#finish(exchange)
      this.#wire.loseBy(reply)
      return
    }
    exchange.outstanding -= 1
    this.#afterReply(exchange, awaits, reply)
    if (!this.#over) this.#work()
  }

  onLost(_loss: Loss): void {
    this.#over = true
    const ended = [this.#current, this.#following]
    const [unanswered, behind] = [this.#current?.dotLeft === true, this.#following?.behindDot === true]
    this.#manners.lost(this, unanswered && behind)
    this.#current = null
    this.#following = null
    for (const exchange of ended) {
      if (exchange !== null) this.#report(exchange.transaction, exchange.result(true))
    }
    if (this.#upcoming === 'open') this.#upcoming = 'drained'
    this.#settleIfDone()
  }

  get patience(): { milliseconds: number; for: string } | null {
    if (this.#wire.output.busy)
      return { milliseconds: this.#timeouts.block, for: 'the server to take what we send' }
    const exchange = this.#current
    if (exchange === null || exchange.outstanding === 0) return null
    const [limit, command] = waits[exchange.awaits]
    return { milliseconds: this.#timeouts[limit], for: `the answer to ${command}` }
  }

  /** Decides what the reply means for the rest of the transaction. */
  #afterReply(exchange: Exchange<T>, answered: Exchange<T>['awaits'], reply: Reply): void {
    if (answered === 'data' && reply.code === 354) {
      // RFC 2920 §3.1: a server that takes DATA after it refused every recipient gets a lone dot.
      exchange.step = exchange.accepted > 0 ? 'body' : 'dot'
      return
    }
    const lockstep = !this.#offered.pipelining
    const hopeless =
      (answered === 'mail' && !exchange.mailTaken) ||
      (answered === 'rcpt' && exchange.awaits === 'data' && exchange.accepted === 0)
    if (answered === 'end' || answered === 'data' || (lockstep && hopeless)) {
      if (answered !== 'end') this.needsReset = exchange.mailTaken
      this.#finish(exchange)
    }
  }

  /** Composes all that can leave now, and lets it go in one write. */
  #work(): void {
    const { output } = this.#wire
    while (!this.#over && !output.busy) {
      const exchange = this.#following ?? this.#current
      const mayTake =
        exchange === null || (exchange.step === 'sent' && this.#mayGoBehindDot && !this.#following)
      if (!(mayTake ? this.#take() : exchange !== null && this.#send(exchange))) break
    }
    if (!this.#over) output.flush()
    this.#settleIfDone()
  }

  get #mayGoBehindDot(): boolean {
    return this.#offered.pipelining && this.#manners.mayTry(this)
  }

  /** Composes the next bit of a transaction; false when something must happen first. */
  #send(exchange: Exchange<T>): boolean {
    if (exchange === this.#following && !exchange.behindDot) return false
    if (exchange.outstanding > 0 && !this.#offered.pipelining) return false
    const { output } = this.#wire
    const { transaction } = exchange
    switch (exchange.step) {
      case 'reset':
        if (!output.text('RSET\r\n')) return false
        exchange.step = 'mail'
        break
      case 'mail':
        if (!output.text(mailCommand(transaction, this.#offered))) return false
        exchange.step = 'rcpt'
        break
      case 'rcpt': {
        const to = transaction.recipients[exchange.sentRecipients]
        if (to === undefined || !output.text(rcptCommand(to))) return false
        exchange.sentRecipients += 1
        if (exchange.sentRecipients === transaction.recipients.length) exchange.step = 'data'
        break
      }
      case 'data':
        if (!output.text('DATA\r\n')) return false
        exchange.step = 'go-ahead'
        break
      case 'body':
        return this.#sendBody(exchange)
      case 'before-dot':
        return this.#askBeforeDot(exchange)
      case 'dot':
        if (!output.text('.\r\n')) return false
        exchange.dotLeft = exchange.accepted > 0
        exchange.step = 'sent'
        break
      case 'go-ahead':
      case 'held':
      case 'sent':
        return false
    }
    exchange.outstanding += 1
    return true
  }

  #sendBody(exchange: Exchange<T>): boolean {
    const { pieces } = exchange.transaction
    for (let piece = pieces[exchange.piece]; piece !== undefined; piece = pieces[exchange.piece]) {
      if (exchange.offset < piece.length) {
        const count = this.#wire.output.bytes(piece, exchange.offset)
        if (count === 0) return false
        exchange.offset += count
      } else {
        exchange.piece += 1
        exchange.offset = 0
      }
    }
    exchange.step = 'before-dot'
    return true
  }

  #askBeforeDot(exchange: Exchange<T>): boolean {
    exchange.step = 'held'
    try {
      const held = this.#hooks.beforeDot?.(exchange.transaction)
      if (held instanceof Promise) {
        this.#holding = true
        held.then(
          () => this.#release(exchange, null),
          (error: unknown) => this.#release(exchange, { error }),
        )
        return false
      }
    } catch (error) {
      this.#cut(error)
      return false
    }
    exchange.step = 'dot'
    return !this.#over
  }

  #release(exchange: Exchange<T>, fault: { error: unknown } | null): void {
    this.#holding = false
    if (fault !== null) this.#cut(fault.error)
    else exchange.step = 'dot'
    this.#work()
  }

  /** A dot that must not leave: only the end of the connection keeps the server from waiting for it. */
  #cut(error: unknown): void {
    this.#stopTaking(error)
    this.#wire.lose('the connection was cut before the final dot, because of a fault on our side', error)
  }

  /** Takes the next transaction; false when there is none, or none yet. */
  #take(): boolean {
    if (this.#upcoming !== 'open') return false
    try {
      const next = this.#next()
      if (!(next instanceof Promise)) return this.#begin(next)
      this.#upcoming = 'asked'
      next.then(
        (transaction) => {
          this.#upcoming = 'open'
          this.#begin(transaction)
          this.#work()
        },
        (error: unknown) => {
          this.#upcoming = 'drained'
          this.#stopTaking(error)
          this.#work()
        },
      )
    } catch (error) {
      this.#stopTaking(error)
    }
    return false
  }

  #begin(transaction: Transaction<T> | null): boolean {
    if (transaction === null || this.#fault !== null) this.#upcoming = 'drained'
    if (transaction === null) return false
    if (this.#over) {
      this.#upcoming = 'drained'
      this.#report(transaction, notStarted(transaction))
      return false
    }
    if (this.#fault !== null) {
      this.#refused = transaction
      return false
    }
    try {
      assertSendable(transaction, this.#offered)
    } catch (error) {
      this.#refused = transaction
      this.#stopTaking(error)
      return false
    }
    const exchange = new Exchange(transaction, this.needsReset)
    this.needsReset = false
    if (this.#current === null) this.#current = exchange
    else {
      this.#following = exchange
      exchange.behindDot = this.#mayGoBehindDot && transaction.recipients.length <= mostBehindDot
      if (exchange.behindDot) this.#manners.tries(this)
    }
    return true
  }

  #finish(exchange: Exchange<T>): void {
    this.#current = this.#following
    this.#following = null
    this.#report(exchange.transaction, exchange.result(false))
  }

  #report(transaction: Transaction<T>, result: TransactionResult): void {
    try {
      this.#hooks.done(transaction, result)
    } catch (error) {
      this.#stopTaking(error)
    }
  }

  #stopTaking(error: unknown): void {
    this.#fault ??= { error }
    if (this.#upcoming === 'open') this.#upcoming = 'drained'
  }

  #settleIfDone(): void {
    if (this.#upcoming !== 'drained' || this.#current !== null || this.#holding) return
    if (this.#refused !== null) {
      const refused = this.#refused
      this.#refused = null
      this.#report(refused, notStarted(refused))
    }
    if (this.#fault === null) this.#settle.resolve()
    else this.#settle.reject(this.#fault.error)
  }
}

function notStarted({ recipients }: Transaction<unknown>): TransactionResult {
  return { mail: null, recipients: recipients.map(() => null), end: null, lost: 'before-dot' }
}
