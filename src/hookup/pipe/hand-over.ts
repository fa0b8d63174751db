// One message to an LMTP server, one recipient, one step after the other (RFC 2033). Its laws: nothing counts as
// delivered before the last line of the reply after the final dot is in, in however many packets it comes; a reply
// that nobody asked for ends the talk, since to lose count is to lose mail; only a 5xx about the recipient or the
// message is for good.
import { connect, type Socket } from 'node:net'
import { MINUTE, SECOND } from '../../base/clock.ts'
import { needsSmtpUtf8 } from '../../mail/address.ts'
import { type Extensions, noExtensions, parseExtensions } from '../../smtp/extensions.ts'
import { isPermanent, type Reply, replyText } from '../../smtp/reply.ts'
import { ReplyReader } from '../../smtp/reply-reader.ts'
import type { LmtpPlace, PipeEnvelope } from './envelope.ts'

export interface PipeMessage {
  /** For the wire, with its final dot. */
  readonly pieces: readonly Uint8Array[]
  readonly eightBit: boolean
}

/**
 * `unknown`: the recipient was refused for good, `never`: the message. `words` are for the log of the mail server, and
 * for the bounce where there is one.
 */
export interface Outcome {
  readonly kind: 'delivered' | 'later' | 'unknown' | 'never'
  readonly words: string
}

/** Hears each reply, with what was said before it: a command, or the message; nothing before the greeting. */
export type Overhear = (said: readonly (string | Uint8Array)[], reply: Reply) => void

/** Milliseconds for a whole step, whatever trickles in. */
export interface Patience {
  readonly connect: number
  readonly reply: number
  /** RFC 5321 §4.5.3.2.6: who gives up earlier makes duplicates. */
  readonly dot: number
}

// Shorter than RFC 5321 §4.5.3.2 but for the last: few commands of qmail run at a time, and a server that hangs
// would hold up all local mail.
const standardPatience: Patience = { connect: 30 * SECOND, reply: 2 * MINUTE, dot: 10 * MINUTE }

interface Step {
  /** In words, for the operator. */
  readonly what: string
  readonly send: (offered: Extensions) => readonly (string | Uint8Array)[]
  /** First digit of the reply that leads on. */
  readonly wants: 2 | 3
  /** What a 5xx here says; null: nothing of this message. */
  readonly judges: 'unknown' | 'never' | null
}

export async function handOver(
  place: LmtpPlace,
  envelope: PipeEnvelope,
  message: PipeMessage,
  patience: Patience = standardPatience,
  overhear: Overhear = () => undefined,
): Promise<Outcome> {
  const where = 'path' in place ? place.path : `${place.host}:${place.port}`
  const talk = new Talk(connect({ ...place, noDelay: true }))
  const unreached = await talk.connected(patience.connect)
  if (unreached !== null) {
    return { kind: 'later', words: `cannot reach the LMTP server at ${where}: ${unreached}` }
  }
  let offered = noExtensions
  let last = ''
  for (const step of stepsFor(envelope, message)) {
    const unasked = step.what === greeting ? null : talk.takeReply()
    if (unasked !== null)
      return talk.leave({ kind: 'later', words: `${where}: unexpected ${replyText(unasked)}` })
    const said = step.send(offered)
    talk.send(said)
    const answer = await talk.answer(step.what === endOfData ? patience.dot : patience.reply)
    if ('lost' in answer)
      return talk.leave({ kind: 'later', words: `${where}: ${step.what}: ${answer.lost}` })
    const { reply } = answer
    overhear(said, reply)
    last = replyText(reply)
    if (Math.floor(reply.code / 100) !== step.wants) {
      const kind = (isPermanent(reply) ? step.judges : null) ?? 'later'
      return talk.leave({ kind, words: `${where}: ${step.what}: ${last}` })
    }
    if (step.what === hello) offered = parseExtensions(reply)
  }
  return talk.leave({ kind: 'delivered', words: last })
}

const greeting = 'greeting'
const hello = 'LHLO'
const endOfData = 'end of data'

function stepsFor({ sender, recipient }: PipeEnvelope, { pieces, eightBit }: PipeMessage): readonly Step[] {
  const utf8 = needsSmtpUtf8(sender) || needsSmtpUtf8(recipient)
  const mail = ({ eightBitMime, smtpUtf8 }: Extensions): string =>
    [
      `MAIL FROM:${sender === '<>' ? sender : `<${sender}>`}`,
      ...(eightBit && eightBitMime ? ['BODY=8BITMIME'] : []),
      ...(utf8 && smtpUtf8 ? ['SMTPUTF8'] : []),
    ].join(' ')
  return [
    { what: greeting, send: () => [], wants: 2, judges: null },
    { what: hello, send: () => ['LHLO localhost\r\n'], wants: 2, judges: null },
    { what: 'MAIL', send: (offered) => [`${mail(offered)}\r\n`], wants: 2, judges: null },
    { what: `RCPT ${recipient}`, send: () => [`RCPT TO:<${recipient}>\r\n`], wants: 2, judges: 'unknown' },
    { what: 'DATA', send: () => ['DATA\r\n'], wants: 3, judges: 'never' },
    { what: endOfData, send: () => pieces, wants: 2, judges: 'never' },
  ]
}

class Talk {
  readonly #socket: Socket
  readonly #reader = new ReplyReader()
  readonly #replies: Reply[] = []
  #lost: string | null = null
  #wake: () => void = () => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk)
      for (let reply = this.#reader.read(); reply !== null; reply = this.#reader.read())
        this.#replies.push(reply)
      if (this.#reader.fault !== null) this.#lose(this.#reader.fault)
      this.#wake()
    })
    socket.on('error', (error) => this.#lose(error.message))
    socket.on('close', () => this.#lose('the server closed the connection'))
  }

  /** Null, or why not. */
  async connected(milliseconds: number): Promise<string | null> {
    this.#socket.once('connect', () => this.#wake())
    await this.#until(() => !this.#socket.connecting, milliseconds)
    return this.#lost
  }

  send(pieces: readonly (string | Uint8Array)[]): void {
    this.#socket.cork()
    for (const piece of pieces) this.#socket.write(piece)
    this.#socket.uncork()
  }

  async answer(milliseconds: number): Promise<{ readonly reply: Reply } | { readonly lost: string }> {
    await this.#until(() => this.#replies.length > 0, milliseconds)
    const reply = this.takeReply()
    return reply === null ? { lost: this.#lost ?? '' } : { reply }
  }

  takeReply(): Reply | null {
    return this.#replies.shift() ?? null
  }

  /** QUIT, and an orderly end, which tells the server that its last answer was heard. */
  async leave(outcome: Outcome): Promise<Outcome> {
    if (this.#lost === null) this.#socket.end('QUIT\r\n')
    await this.#until(() => false, 2 * SECOND)
    this.#socket.destroy()
    return outcome
  }

  async #until(done: () => boolean, milliseconds: number): Promise<void> {
    const timer = setTimeout(() => this.#lose(`no answer in ${milliseconds / SECOND} s`), milliseconds)
    while (!done() && this.#lost === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    clearTimeout(timer)
  }

  #lose(words: string): void {
    this.#lost ??= words
    this.#wake()
  }
}
