// One mail transaction as the caller sees it: envelope and bytes in, replies out (RFC 5321 §3.3).
import type { EmailAddress, EnvelopeSender } from '../mail/address.ts'
import type { Extensions } from './extensions.ts'
import type { Reply } from './reply.ts'

export interface Transaction<T> {
  /** The caller's own mark. */
  readonly tag: T
  readonly from: EnvelopeSender
  /** At least one. */
  readonly recipients: readonly EmailAddress[]
  /** The message: dots already stuffed (RFC 5321 §4.5.2), ends with CRLF, without the final dot. Not to change until `done`. */
  readonly pieces: readonly Uint8Array[]
  /** Bytes of the message, for SIZE (RFC 1870 §5). */
  readonly size: number
  readonly eightBit: boolean
  /** The message or one of its addresses can only travel with SMTPUTF8. */
  readonly smtpUtf8: boolean
  /** Two delimiters such as `+=`: ask the relay for one VERP sender per recipient. Only where `extensions.xverp`. */
  readonly xverp?: string
}

export interface TransactionResult {
  readonly mail: Reply | null
  /**
   * In the order of the transaction's recipients. All null when MAIL was refused: what a server then says to RCPT
   * is about the order of commands, not about the recipient.
   */
  readonly recipients: readonly (Reply | null)[]
  /** To the final dot, or a refusal of DATA: the fate of the recipients that were accepted. Null when none was. */
  readonly end: Reply | null
  /**
   * The connection ended in this transaction. `before-dot`: nothing was taken over, whatever was answered.
   * `after-dot`: in doubt (RFC 5321 §4.5.3.2.6). A 421 as the answer to the dot is an answer: null.
   */
  readonly lost: null | 'before-dot' | 'after-dot'
}

export type Next<T> = () => Transaction<T> | null | Promise<Transaction<T> | null>

export interface Hooks<T> {
  /** Awaited right before the final dot leaves; not called where no recipient was accepted. */
  beforeDot?(transaction: Transaction<T>): void | Promise<void>
  /** Exactly once for every transaction taken from `next`, in order; called synchronously. */
  done(transaction: Transaction<T>, result: TransactionResult): void
}

/** Why a connection is over: for the log. */
export interface Loss {
  readonly words: string
  readonly cause: unknown
}

export interface SmtpConnection {
  readonly extensions: Extensions
  /**
   * Runs transactions until `next` gives null. With PIPELINING the next MAIL, RCPTs and DATA leave in the same write
   * as the final dot, if `next` has one ready by then; the dot never waits for it. Resolves when drained, or when the
   * connection is over; then a transaction that `next` still owed is reported as lost `before-dot`.
   *
   * Rejects only with what a hook, `next` or a broken law threw: nothing more is taken, what is under way is finished
   * and reported first (after a throw of `beforeDot` the dot does not leave: the connection is cut).
   */
  deliver<T>(next: Next<T>, hooks: Hooks<T>): Promise<void>
  /** True when another `deliver` may be tried. */
  readonly reusable: boolean
  /** Why it is not; null after `quit`, or while all is well. */
  readonly loss: Loss | null
  /** QUIT, a short wait for the answer, closed. Never fails. */
  quit(): Promise<void>
  /** Cuts the connection at once; what is under way is reported as lost. */
  destroy(): void
}
