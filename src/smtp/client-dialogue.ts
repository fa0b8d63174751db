// The talk before the first MAIL: one line out, one reply in (RFC 5321 §3.1). Used for greeting, EHLO, STARTTLS
// and AUTH, where nothing may be pipelined.
import type { Socket } from 'node:net'
import type { Timeouts } from './client-relay.ts'
import type { Loss } from './client-transaction.ts'
import { Wire, type WireListener } from './client-wire.ts'
import type { Reply } from './reply.ts'

export type Answer = { readonly reply: Reply } | { readonly loss: Loss }

export class Dialogue implements WireListener {
  readonly wire: Wire
  readonly #patience: number
  #asked: { what: string; settle: (answer: Answer) => void; sendsMore: boolean } | null = null

  constructor(socket: Socket, place: string, timeouts: Timeouts) {
    this.#patience = timeouts.greeting
    this.wire = new Wire(socket, place, timeouts, this)
  }

  /** Waits for the greeting, which comes unasked. */
  listen(): Promise<Answer> {
    return this.#expect('the greeting', false)
  }

  /** Sends a command line without its CRLF; `what` names it in words (a line may hold a password). */
  ask(line: string, what: string): Promise<Answer> {
    const answer = this.#expect(what, false)
    this.wire.say(line)
    return answer
  }

  /** As `ask`, for STARTTLS: after a 220 nothing is read any more, not even what came in the same packet. */
  askToSwitch(line: string): Promise<Answer> {
    const answer = this.#expect(line, true)
    this.wire.say(line)
    return answer
  }

  onReply(reply: Reply): void {
    if (this.#asked === null || reply.code === 421) {
      const asked = this.#asked
      this.#asked = null
      asked?.settle({ reply })
      this.wire.loseBy(reply)
      return
    }
    const { settle, sendsMore } = this.#asked
    this.#asked = null
    if (sendsMore && reply.code === 220) this.wire.release()
    settle({ reply })
  }

  onWritten(): void {}

  onLost(loss: Loss): void {
    this.#asked?.settle({ loss })
    this.#asked = null
  }

  get patience(): { milliseconds: number; for: string } | null {
    return this.#asked === null ? null : { milliseconds: this.#patience, for: this.#asked.what }
  }

  #expect(what: string, sendsMore: boolean): Promise<Answer> {
    const { loss } = this.wire
    if (loss !== null) return Promise.resolve({ loss })
    const { promise, resolve } = Promise.withResolvers<Answer>()
    this.#asked = { what, settle: resolve, sendsMore }
    return promise
  }
}
