// One transaction on the wire: how much of it has left, which reply comes next, what was answered so far.
// Sending and reading run apart (RFC 2920 §3.1), so each has its own place in the same row of commands.
import type { Transaction, TransactionResult } from './client-transaction.ts'
import { isPositive, type Reply } from './reply.ts'

export class Exchange<T> {
  readonly transaction: Transaction<T>
  /** What is composed next. `go-ahead` waits for the answer to DATA, `held` for the hook before the dot. */
  step: 'reset' | 'mail' | 'rcpt' | 'data' | 'go-ahead' | 'body' | 'before-dot' | 'held' | 'dot' | 'sent'
  /** Recipients that were sent, so the index of the next. */
  sentRecipients = 0
  /** Where in the pieces the body stands. */
  piece = 0
  offset = 0
  /** Commands that have left and are not answered. */
  outstanding = 0
  /** What the next reply answers. */
  awaits: 'reset' | 'mail' | 'rcpt' | 'data' | 'end'
  /** Recipients that the server took. */
  accepted = 0
  /** Its envelope leaves together with the dot of the transaction before it, unasked. */
  behindDot = false
  /** The final dot of a message has left; not set for the lone dot that ends a transaction without recipients. */
  dotLeft = false
  #mail: Reply | null = null
  readonly #recipients: (Reply | null)[]
  #answeredRecipients = 0
  #end: Reply | null = null

  /** `reset`: the server still has an unfinished transaction open, RSET goes first (RFC 5321 §4.1.1.5). */
  constructor(transaction: Transaction<T>, reset: boolean) {
    this.transaction = transaction
    this.step = reset ? 'reset' : 'mail'
    this.awaits = this.step
    this.#recipients = new Array<Reply | null>(transaction.recipients.length).fill(null)
  }

  get mailTaken(): boolean {
    return this.#mail !== null && isPositive(this.#mail)
  }

  /** Notes the reply that was awaited and moves on; false when no command can have such an answer. */
  note(reply: Reply): boolean {
    const goAhead = reply.code === 354
    if (goAhead !== (reply.code >= 300 && reply.code < 400)) return false
    if (goAhead && this.awaits !== 'data') return false
    switch (this.awaits) {
      case 'reset':
        if (reply.code === 421) this.#mail = reply
        this.awaits = 'mail'
        return true
      case 'mail':
        this.#mail = reply
        this.awaits = 'rcpt'
        return true
      case 'rcpt':
        if (this.mailTaken || reply.code === 421) this.#recipients[this.#answeredRecipients] = reply
        if (this.mailTaken && isPositive(reply)) this.accepted += 1
        this.#answeredRecipients += 1
        if (this.#answeredRecipients === this.#recipients.length) this.awaits = 'data'
        return true
      case 'data':
        this.awaits = 'end'
        if (isPositive(reply)) return false // a 250 to DATA must never pass for a message taken
        if (!goAhead && (this.accepted > 0 || reply.code === 421)) this.#end = reply
        return true
      case 'end':
        if (this.step !== 'sent' && isPositive(reply)) return false // nobody takes what has not ended
        if (this.accepted > 0 || reply.code === 421) this.#end = reply
        return true
    }
  }

  /** What the caller hears; `lost` when the connection ended before the transaction did. */
  result(lost: boolean): TransactionResult {
    return {
      mail: this.#mail,
      recipients: this.#recipients,
      end: this.#end,
      lost: !lost ? null : this.dotLeft ? 'after-dot' : 'before-dot',
    }
  }
}
