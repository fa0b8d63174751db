// The wire of a client connection: socket, reply reader, output and a watch on silence. Who speaks at the moment
// (opening, delivery, idle, quitting) is its listener. Its law: a wire is lost once, with words, and then silent.
import type { Socket } from 'node:net'
import { SECOND } from '../base/clock.ts'
import { Output } from './client-output.ts'
import type { Timeouts } from './client-relay.ts'
import type { Loss } from './client-transaction.ts'
import { type Reply, replyText } from './reply.ts'
import { ReplyReader } from './reply-reader.ts'

export interface WireListener {
  onReply(reply: Reply): void
  /** All that was flushed is with the system: more may be composed. */
  onWritten(): void
  onLost(loss: Loss): void
  /** What is being waited for from the other side, and how long at most; null when the next move is ours. */
  readonly patience: { readonly milliseconds: number; readonly for: string } | null
}

export class Wire {
  readonly output: Output
  readonly #socket: Socket
  readonly #place: string
  readonly #reader = new ReplyReader()
  readonly #watch: NodeJS.Timeout
  #listener: WireListener
  #quiet = 0 // milliseconds without a sign of life, counted by the watch: no timer is armed per reply
  #loss: Loss | null = null
  #released = false
  #unsaid: string | null = null

  /** `place` names the other side in words, such as `mail.example.org:25`. */
  constructor(socket: Socket, place: string, timeouts: Timeouts, listener: WireListener) {
    this.#socket = socket
    this.#place = place
    this.#listener = listener
    this.output = new Output(socket, () => {
      this.#quiet = 0
      const line = this.#unsaid
      this.#unsaid = null
      if (line !== null) this.say(line)
      else if (this.#loss === null) this.#listener.onWritten()
    })
    const tick = Math.max(5, Math.min(SECOND, Math.min(...Object.values(timeouts)) / 8))
    this.#watch = setInterval(() => this.#lookAtSilence(tick), tick)
    socket.on('data', this.#onData)
    socket.on('error', this.#onError)
    socket.on('end', this.#onEnd)
    socket.on('close', this.#onEnd)
  }

  get loss(): Loss | null {
    return this.#loss
  }

  set listener(listener: WireListener) {
    this.#listener = listener
    this.#quiet = 0
  }

  /** One command line by itself, without its CRLF; waits for what is still leaving. */
  say(line: string): void {
    if (this.output.busy) {
      this.#unsaid = line
      return
    }
    this.output.text(`${line}\r\n`)
    this.output.flush()
  }

  /** Ends it from our side, or because of what was read; the listener hears of it unless it was lost before. */
  lose(words: string, cause: unknown = null): void {
    if (this.#loss !== null || this.#released) return
    this.#loss = { words: `${this.#place}: ${words}`, cause }
    clearInterval(this.#watch)
    this.#socket.destroy()
    this.#listener.onLost(this.#loss)
  }

  /** Ends it because of a reply that does not fit, or says that it is the last. */
  loseBy(reply: Reply): void {
    this.lose(
      reply.code === 421
        ? `the server ended the connection: ${replyText(reply)}`
        : `the server is out of step: unexpected ${replyText(reply)}`,
    )
  }

  /** Gives the socket away, for TLS; what was read and not yet understood is forgotten (RFC 3207 §4.2). */
  release(): Socket {
    this.#released = true
    clearInterval(this.#watch)
    for (const event of ['data', 'error', 'end', 'close']) this.#socket.removeAllListeners(event)
    return this.#socket
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#quiet = 0
    this.#reader.push(chunk)
    for (let reply = this.#reader.read(); reply !== null; reply = this.#reader.read()) {
      this.#listener.onReply(reply)
      if (this.#loss !== null || this.#released) return
    }
    if (this.#reader.fault !== null) this.lose(this.#reader.fault)
  }

  readonly #onError = (error: Error): void => this.lose(`the connection broke: ${error.message}`, error)
  readonly #onEnd = (): void => this.lose('the server closed the connection without a word')

  #lookAtSilence(tick: number): void {
    const patience = this.#listener.patience
    if (patience === null) {
      this.#quiet = 0
      return
    }
    this.#quiet += tick
    if (this.#quiet < patience.milliseconds) return
    this.lose(`nothing came for ${patience.milliseconds / SECOND} s while waiting for ${patience.for}`)
  }
}
