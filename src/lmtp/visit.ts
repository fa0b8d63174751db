// One client at the door: says which recipients are lists of ours, and takes messages for them (RFC 2033 §4.2, or
// RFC 5321 §3.3 with one answer for all: then they are queued together or not at all).
// Law: a 250 leaves only after the message and its queue items are committed; every fault of ours is a 451.
import { hash as digest } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Unavailable } from '../base/unavailable.ts'
import { listRecipient } from '../lists/recipient.ts'
import type { ListRecipient } from '../model/list-address.ts'
import { type ItemNo, type Lane, laneOf } from '../model/queue.ts'
import { type Reply, reply, replyText } from '../smtp/reply.ts'
import type { Judged, Mailbox } from '../smtp/server-envelope.ts'
import type { Dialect } from '../smtp/server-replies.ts'
import type { Accepted, Receiver, Transaction } from '../smtp/server-transaction.ts'
import type { Store } from '../store/store.ts'
import {
  acceptForAll,
  acceptMessage,
  type IncomingMessage,
  type MessageBody,
} from '../store/units/reception.ts'
import type { Confirmations, Told } from './confirmations.ts'
import { largestInRow, removeMessageFile, writeMessageFile } from './message-file.ts'

export interface Host {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly confirmations: Confirmations
  readonly counts: Counts
  readonly delimiter: string
  /** Folder of the files that hold large messages. */
  readonly spool: string
  readonly diskHasRoom: () => boolean
  readonly databaseIsThere: () => boolean
  readonly onQueued: (lanes: ReadonlySet<Lane>) => void
}

/** Since the door was opened. */
export interface Counts {
  accepted: number
  repeats: number
  refusedMessages: number
  refusedRecipients: number
  faults: number
  /** Recipients and messages refused, by reply code and enhanced code: `550 5.1.1`. */
  readonly refusals: Map<string, number>
}

const noSuchList = reply(550, '5.1.1', 'no such list')
const faultOfOurs = reply(451, '4.3.0', 'cannot store the message now, try again later')
const oneIsGone = reply(451, '4.3.0', 'a list was removed while the message came in, try again')
const diskIsFull = reply(452, '4.3.1', 'no room on disk, try again later')

export class Visit implements Receiver<ListRecipient> {
  readonly #host: Host
  readonly #client: string
  readonly #dialect: Dialect
  #told: Told[] = []

  /** `client` is the address that the log names. */
  constructor(host: Host, client: string, dialect: Dialect) {
    this.#host = host
    this.#client = client
    this.#dialect = dialect
  }

  recipient({ address }: Mailbox): Judged<ListRecipient> {
    if (!this.#host.databaseIsThere()) return { refused: faultOfOurs }
    if (address === null) return { refused: noSuchList }
    try {
      const found = listRecipient(this.#host.store, this.#host.delimiter, address)
      if (found === null) return { refused: noSuchList }
      return this.#host.diskHasRoom() ? { good: found } : { refused: diskIsFull }
    } catch (fault) {
      this.#fault('lmtp.recipient-fault', fault, { recipient: address })
      return { refused: faultOfOurs }
    }
  }

  async take(transaction: Transaction<ListRecipient>, message: Buffer): Promise<readonly Reply[]> {
    const { counts } = this.#host
    try {
      const answers = await this.#accept(transaction, message)
      this.#countRefused(transaction)
      return answers
    } catch (fault) {
      counts.refusedMessages++
      this.#countRefusal(faultOfOurs)
      this.#fault('lmtp.message-fault', fault, { ...story(transaction), size: message.length })
      return transaction.recipients.map(() => faultOfOurs)
    }
  }

  abandoned(transaction: Transaction<ListRecipient>, because: Reply | null): void {
    const { counts, log } = this.#host
    this.#countRefused(transaction)
    if (because !== null) {
      counts.refusedMessages++
      this.#countRefusal(because)
    }
    if (because === null && transaction.refusals === 0) return
    log.info('lmtp.refused', {
      client: this.#client,
      ...story(transaction),
      ...(because === null ? {} : { reply: replyText(because) }),
    })
  }

  confirmed(): void {
    for (const told of this.#told) this.#host.confirmations.add(told)
    this.#told = []
  }

  async #accept(transaction: Transaction<ListRecipient>, message: Buffer): Promise<readonly Reply[]> {
    const { store, clock, confirmations, counts, log, onQueued, spool } = this.#host
    const { distinct, places } = distinctRecipients(transaction.recipients)
    const hash = digest('sha256', message, 'buffer')
    const transactionHash = hashTransaction(hash, transaction.sender, distinct)
    const key = transactionHash.toString('latin1')
    const body: MessageBody =
      message.length > largestInRow
        ? { file: await writeMessageFile(spool, hash, message) }
        : { bytes: message }
    const incoming: IncomingMessage = {
      hash,
      size: message.length,
      body,
      transactionHash,
      recipients: distinct.map(({ text, is }) => ({
        to: is,
        envelope: {
          sender: transaction.sender,
          recipient: text,
          purpose: is.purpose,
          extension: is.extension,
        },
      })),
      now: clock.now(),
      mayRepeat: true,
    }
    confirmations.before(key)
    // When this fails, a large message's file stays: whether the row that names it was written is not known.
    const unit = this.#dialect === 'smtp' ? acceptForAll : acceptMessage
    const accepted = await store.commit(unit, incoming)
    if (accepted === null) return this.#refuseAll(transaction, body)
    const { reception, repeat, items } = accepted
    if (repeat && 'file' in body) void removeMessageFile(spool, body.file)
    this.#told.push({ reception, key })
    const queued = items.filter((item) => item !== null)
    if (repeat) counts.repeats++
    else counts.accepted++
    log.info(repeat ? 'lmtp.repeat' : 'lmtp.accepted', {
      client: this.#client,
      ...story(transaction),
      size: message.length,
      reception,
      items: queued,
    })
    if (queued.length > 0) {
      onQueued(new Set(distinct.flatMap(({ is }, i) => (items[i] === null ? [] : [laneOf(is.purpose)]))))
    }
    return places.map((place) =>
      repeat ? reply(250, '2.6.0', `queued before, in reception ${reception}`) : answer(items[place] ?? null),
    )
  }

  // SMTP has one answer for all, and a list has gone since its RCPT. At the next attempt its RCPT says so, and the
  // others get the message; a 550 now would cost them theirs.
  #refuseAll(transaction: Transaction<ListRecipient>, body: MessageBody): readonly Reply[] {
    const { counts, log, spool } = this.#host
    if ('file' in body) void removeMessageFile(spool, body.file)
    counts.refusedMessages++
    const answer = transaction.recipients.length === 1 ? noSuchList : oneIsGone
    this.#countRefusal(answer)
    log.info('lmtp.refused', { client: this.#client, ...story(transaction), reply: replyText(answer) })
    return transaction.recipients.map(() => answer)
  }

  #countRefused({ refused, refusals }: Transaction<ListRecipient>): void {
    this.#host.counts.refusedRecipients += refusals
    for (const { reply } of refused) this.#countRefusal(reply)
    const [first] = refused // those that were not kept: a client that tries addresses by the thousand
    if (first !== undefined) this.#countRefusal(first.reply, refusals - refused.length)
  }

  #countRefusal({ code, enhanced }: Reply, by = 1): void {
    const { refusals } = this.#host.counts
    const key = enhanced === null ? String(code) : `${code} ${enhanced}`
    refusals.set(key, (refusals.get(key) ?? 0) + by)
  }

  #fault(event: string, fault: unknown, fields: Readonly<Record<string, unknown>>): void {
    this.#host.counts.faults++
    const words = fault instanceof Error ? fault.message : String(fault)
    const stack = fault instanceof Unavailable || !(fault instanceof Error) ? undefined : fault.stack
    this.#host.log.error(event, {
      client: this.#client,
      ...fields,
      fault: words,
      ...(stack ? { stack } : {}),
    })
  }
}

/** A list that was removed after its RCPT has no item. */
const answer = (item: ItemNo | null): Reply =>
  item === null ? noSuchList : reply(250, '2.6.0', `queued as ${item}`)

const story = ({ sender, recipients, refused, refusals }: Transaction<ListRecipient>) => ({
  sender,
  recipients: recipients.map(({ text }) => text),
  ...(refusals === 0
    ? {}
    : { refusals, refused: refused.map(({ text, reply }) => `${text}: ${replyText(reply)}`) }),
})

/** The same address of a list twice is one item; `places` says for each RCPT which. */
function distinctRecipients(recipients: readonly Accepted<ListRecipient>[]) {
  const distinct: Accepted<ListRecipient>[] = []
  const places: number[] = []
  const seen = new Map<string, number>()
  for (const one of recipients) {
    const key = `${one.is.list} ${one.is.purpose} ${one.is.extension === null ? '' : `+${one.is.extension}`}`
    let place = seen.get(key)
    if (place === undefined) {
      place = distinct.push(one) - 1
      seen.set(key, place)
    }
    places.push(place)
  }
  return { distinct, places }
}

/** Over the hash of the bytes, sender and recipients, each with its length before it, so that none runs into the next. */
function hashTransaction(
  hash: Buffer,
  sender: string,
  recipients: readonly Accepted<ListRecipient>[],
): Buffer {
  let text = hash.toString('latin1')
  for (const part of [sender, ...recipients.map(({ text }) => text)]) text += `${part.length}:${part}`
  return digest('sha256', text, 'buffer')
}
