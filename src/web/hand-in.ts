// Hands a written post in as a mail server does: by LMTP, through the door (RFC 2033). Keeps what both sides said, for
// the page; what was refused is in no store, so this is all that is known of it. Bounded: the oldest go first.
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { handOver } from '../hookup/pipe/hand-over.ts'
import { WireText } from '../hookup/pipe/wire-text.ts'
import type { ItemNo } from '../model/queue.ts'
import { formatReply, isPositive, type Reply, replyText } from '../smtp/reply.ts'
import { composePost, type WrittenPost } from './composing.ts'

/** One line of the dialogue; `who` said it. */
export interface SaidLine {
  readonly who: 'mail server' | 'Posthorn'
  readonly text: string
}

export interface HandIn {
  /** Counts from 1. */
  readonly number: number
  readonly written: WrittenPost
  readonly dialogue: readonly SaidLine[]
  /** The last reply, or why there was none. */
  readonly answer: string
  /** Null: it was not taken. */
  readonly item: ItemNo | null
}

const kept = 200
const patience = { connect: 5000, reply: 30_000, dot: 60_000 }

export class HandIns {
  readonly #place: { readonly host: string; readonly port: number }
  readonly #services: { readonly clock: Clock; readonly random: Random }
  readonly #byNumber = new Map<number, HandIn>()
  #count = 0

  /** `place` is where LMTP is spoken. */
  constructor(
    services: { readonly clock: Clock; readonly random: Random },
    place: { readonly host: string; readonly port: number },
  ) {
    this.#services = services
    this.#place = place
  }

  async handIn(written: WrittenPost): Promise<HandIn> {
    const { clock, random } = this.#services
    const wire = new WireText()
    wire.push(composePost(written, clock.now(), random))
    const pieces = wire.finish()
    const dialogue: SaidLine[] = []
    let last: Reply | null = null
    const { words } = await handOver(
      this.#place,
      { sender: written.from, recipient: written.to },
      { pieces, eightBit: wire.eightBit },
      patience,
      (said, reply) => {
        dialogue.push(
          ...linesOf('mail server', Buffer.concat(said.map((one) => Buffer.from(one))).toString()),
        )
        dialogue.push(...linesOf('Posthorn', formatReply(reply)))
        last = reply
      },
    )
    const answer = last === null ? words : replyText(last)
    this.#count += 1
    const made = { number: this.#count, written, dialogue, answer, item: itemOf(last) }
    this.#byNumber.set(made.number, made)
    this.#byNumber.delete(made.number - kept)
    return made
  }

  byNumber(number: number): HandIn | null {
    return this.#byNumber.get(number) ?? null
  }

  byItem(item: ItemNo): HandIn | null {
    return [...this.#byNumber.values()].findLast((one) => one.item === item) ?? null
  }
}

function itemOf(reply: Reply | null): ItemNo | null {
  const number = /^queued as (\d+)$/.exec(reply?.lines.join(' ') ?? '')?.[1]
  return reply !== null && isPositive(reply) && number !== undefined ? (Number(number) as ItemNo) : null
}

const linesOf = (who: SaidLine['who'], text: string): readonly SaidLine[] =>
  text === ''
    ? []
    : text
        .replace(/\r?\n$/, '')
        .split(/\r?\n/)
        .map((line) => ({ who, text: line }))
