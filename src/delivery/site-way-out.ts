// A way out that is code of the site (`[mta] outgoing: ./ours.ts#deliver`): what it says of one transaction becomes what
// an SMTP server would have said, so that the fault table, the ledger and the bound on what is in doubt hold as they are
// (RFC 5321 §4.5.3.2.6, design §3.6).
//
// Law: once the site's code was called, only its own word takes a recipient out of doubt.
import { Buffer } from 'node:buffer'
import { MINUTE } from '../base/clock.ts'
import { dotUnstuff } from '../mail/dot-stuffing.ts'
import type { SiteDeliver, SiteDeliveryPlace, SiteTransaction } from '../model/site-module.ts'
import type { Hooks, Loss, Next, SmtpConnection, Transaction, TransactionResult } from '../smtp/client.ts'
import { type Extensions, noExtensions } from '../smtp/extensions.ts'
import { type EnhancedCode, type Reply, reply } from '../smtp/reply.ts'
import type { WayOut } from './way-out.ts'

export interface SiteWayOut {
  /** As the configuration names it: `/etc/posthorn/ours.ts#deliver`. */
  readonly name: string
  readonly deliver: SiteDeliver
  readonly place: SiteDeliveryPlace
  /** Milliseconds until a transaction counts as in doubt; 10 min unless said, as after a final dot. */
  readonly timeLimit?: number
}

export function siteWayOut(site: SiteWayOut): WayOut {
  return {
    open: async () => ({ connection: new SiteConnection(site) }),
    hungUp: (why) => `[mta] outgoing ${site.name}: ${why}`,
  }
}

class SiteConnection implements SmtpConnection {
  /** It is given everything as it is, and says no where it cannot. */
  readonly extensions: Extensions = { ...noExtensions, size: 0, eightBitMime: true, smtpUtf8: true }
  readonly #site: SiteWayOut
  readonly #control = new AbortController()
  #loss: Loss | null = null
  #closed = false

  constructor(site: SiteWayOut) {
    this.#site = site
  }

  get reusable(): boolean {
    return !this.#closed
  }

  get loss(): Loss | null {
    return this.#loss
  }

  async deliver<T>(next: Next<T>, hooks: Hooks<T>): Promise<void> {
    while (!this.#closed) {
      const transaction = await next()
      if (transaction === null) return
      try {
        await hooks.beforeDot?.(transaction)
      } catch (fault) {
        this.#lose('cut before it was handed over, because of a fault on our side', fault)
        hooks.done(transaction, nothingTaken(transaction))
        throw fault
      }
      hooks.done(transaction, this.#closed ? nothingTaken(transaction) : await this.#handOver(transaction))
    }
  }

  async quit(): Promise<void> {
    this.#closed = true
  }

  destroy(): void {
    this.#lose('called off', null)
  }

  async #handOver<T>(transaction: Transaction<T>): Promise<TransactionResult> {
    const { deliver, place, timeLimit = 10 * MINUTE } = this.#site
    const { signal } = this.#control
    const late = Promise.withResolvers<'late'>()
    const timer = setTimeout(() => late.resolve('late'), timeLimit)
    signal.addEventListener('abort', () => late.resolve('late'), { once: true })
    try {
      const said: unknown = await Promise.race([deliver(plain(transaction, signal), place), late.promise])
      return this.#resultOf(transaction, said)
    } catch (fault) {
      this.#loss = { words: fault instanceof Error ? fault.message : String(fault), cause: fault }
      return inDoubt(transaction)
    } finally {
      clearTimeout(timer)
    }
  }

  /** What is no outcome, or not one for each recipient, tells nothing. */
  #resultOf<T>(transaction: Transaction<T>, said: unknown): TransactionResult {
    const { kind, words, reply: text, replies: texts } = fieldsOf(said)
    if (kind === 'down') {
      this.#lose(typeof words === 'string' ? words : 'it said no reason', null)
      return nothingTaken(transaction)
    }
    // It has seen the text, as a relay has at the end of the data.
    const refusal = kind === 'refused' ? replyOf(text) : null
    if (refusal !== null && refusal.code >= 400)
      return { mail: taken, recipients: transaction.recipients.map(() => taken), end: refusal, lost: null }
    const replies = kind === 'answered' && Array.isArray(texts) ? texts.map(replyOf) : []
    if (replies.length !== transaction.recipients.length || replies.includes(null))
      return inDoubt(transaction)
    const some = replies.some((each) => each !== null && each.code < 300)
    return { mail: taken, recipients: replies, end: some ? taken : null, lost: null }
  }

  #lose(words: string, cause: unknown): void {
    this.#closed = true
    this.#loss ??= { words, cause }
    this.#control.abort(cause)
  }
}

const taken = reply(250, '2.0.0', 'handed over')

const inDoubt = ({ recipients }: Transaction<unknown>): TransactionResult => ({
  mail: taken,
  recipients: recipients.map(() => taken),
  end: null,
  lost: 'after-dot',
})

const nothingTaken = ({ recipients }: Transaction<unknown>): TransactionResult => ({
  mail: null,
  recipients: recipients.map(() => null),
  end: null,
  lost: 'before-dot',
})

/** What the site's code sees: the message without the dots of the wire. */
function plain(
  { from, recipients, pieces, eightBit, smtpUtf8 }: Transaction<unknown>,
  signal: AbortSignal,
): SiteTransaction {
  const message = dotUnstuff(Buffer.concat(pieces))
  return { from: from === '<>' ? '' : from, recipients: [...recipients], message, eightBit, smtpUtf8, signal }
}

function fieldsOf(said: unknown): Readonly<Record<string, unknown>> {
  return typeof said === 'object' && said !== null ? { ...said } : {}
}

/** `250 2.0.0 words`, `550 no such user`; null for what is no such reply. */
function replyOf(text: unknown): Reply | null {
  const flat = typeof text === 'string' ? text.replace(/[\r\n]+/g, ' ') : ''
  const [, code = '', enhanced, words = ''] =
    /^([245]\d\d)(?:[ -]([245]\.\d{1,3}\.\d{1,3}))?(?: (.*))?$/.exec(flat.trim()) ?? []
  return code === '' ? null : reply(Number(code), (enhanced as EnhancedCode | undefined) ?? null, words)
}
