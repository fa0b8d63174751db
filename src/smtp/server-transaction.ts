// One mail transaction as the receiving side sees it (RFC 5321 §3.3), and what stands behind the wire to take it.
import type { Reply } from './reply.ts'
import type { Judged, Mailbox, MailCommand } from './server-envelope.ts'

/** `R` is what the station knows of a recipient that it accepted. */
export interface Transaction<R> extends MailCommand {
  readonly recipients: Accepted<R>[]
  readonly refused: Refusal[]
  /** Counts on where `refused` stops. */
  refusals: number
}

export interface Accepted<R> {
  readonly text: string
  readonly is: R
}

/** One refused RCPT. */
export interface Refusal {
  readonly text: string
  readonly reply: Reply
}

/** The station behind one connection. Nothing here throws or rejects: every fault is a reply. */
export interface Receiver<R> {
  /** RCPT: a recipient, or the reply that refuses it. */
  recipient(mailbox: Mailbox): Judged<R>
  /** After the end of data: one reply per recipient, in order. A 250 is a promise that the message is on disk. */
  take(transaction: Transaction<R>, message: Buffer): Promise<readonly Reply[]>
  /** The transaction ended without a message taken; `because` is what the end of data was answered with. */
  abandoned(transaction: Transaction<R>, because: Reply | null): void
  /** The client has shown that it knows the last answer: it went on, or closed in order. */
  confirmed(): void
}

// A client that tries addresses by the thousand fills neither memory nor log.
const refusalsKept = 20

export function begin<R>(mail: MailCommand): Transaction<R> {
  return { ...mail, recipients: [], refused: [], refusals: 0 }
}

export function refuse<R>(transaction: Transaction<R>, refusal: Refusal): void {
  transaction.refusals++
  if (transaction.refused.length < refusalsKept) transaction.refused.push(refusal)
}
