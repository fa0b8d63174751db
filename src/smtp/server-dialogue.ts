// The receiving side of LMTP and SMTP, without its socket: octets in, replies out (RFC 2033, RFC 5321). Its laws:
// replies leave in the order of the commands, those of one batch in one write (RFC 2920 §3.2); after the end of
// data there is one reply per accepted recipient, whatever happened (RFC 2033 §4.2). One long file, because
// commands, message and waiting share one state: what may come next depends on all three.

import { unreachable } from '../base/unreachable.ts'
import { type Command, parseCommand } from './command.ts'
import { formatReply, isPositive, type Reply, reply } from './reply.ts'
import { judgeMail, judgeRecipient } from './server-envelope.ts'
import { type Line, LineReader } from './server-lines.ts'
import { IncomingBytes } from './server-message.ts'
import * as say from './server-replies.ts'
import type { Holder, Room } from './server-room.ts'
import { begin, type Receiver, refuse, type Transaction } from './server-transaction.ts'

export interface DialogueSettings {
  readonly hostName: string
  readonly dialect: say.Dialect
  readonly maxMessageSize: number
  readonly maxRecipients: number
}

/** Where replies go. */
export interface Outlet {
  write(text: string): void
  /** Octets that had to wait have been taken: more may come. */
  ready(): void
  /** Nothing more is read: the last reply has been written. */
  end(): void
}

type PathCommand = Extract<Command, { verb: 'MAIL' | 'RCPT' }>

const badCommandsAllowed = 4
const { replies } = say

export class Dialogue<R> {
  readonly #settings: DialogueSettings
  readonly #receiver: Receiver<R>
  readonly #outlet: Outlet
  readonly #room: Room
  readonly #lines = new LineReader()
  #reading: 'lines' | 'data' | 'chunk' = 'lines'
  #greeted = false
  #transaction: Transaction<R> | null = null
  #bytes: IncomingBytes | null = null
  #holder: Holder | null = null
  #chunk = { size: 0, left: 0, last: false, wanted: true }
  #badCommands = 0
  #out = ''
  #busy = false
  #backlog: Buffer[] = []
  #backlogSize = 0
  #state: 'open' | 'leaving' | 'over' = 'open'
  #peerEnded = false
  #answered = false // the replies after an end of data have been written, and nothing was heard since

  constructor(settings: DialogueSettings, receiver: Receiver<R>, outlet: Outlet, room: Room) {
    this.#settings = settings
    this.#receiver = receiver
    this.#outlet = outlet
    this.#room = room
    outlet.write(formatReply(say.greeting(settings.hostName, settings.dialect)))
  }

  /** True while an answer is being worked out: silence is ours then. */
  get busy(): boolean {
    return this.#busy
  }

  /** Octets that wait for that answer; reading stops when they are many. */
  get backlogSize(): number {
    return this.#backlogSize
  }

  feed(chunk: Buffer): void {
    if (this.#state === 'over') return
    this.#hear()
    if (this.#busy) {
      this.#backlog.push(chunk)
      this.#backlogSize += chunk.length
      return
    }
    this.#run(chunk)
    this.#rest()
  }

  /** The client said that it will send no more. */
  peerEnded(): void {
    this.#hear()
    this.#peerEnded = true
    this.#rest()
  }

  /** Nothing came for too long. */
  tooIdle(): void {
    this.#answered = false
    this.#finish(replies.idle)
  }

  /** Ends with 421 as soon as no message is on its way in. */
  leave(): void {
    if (this.#state !== 'open') return
    this.#state = 'leaving'
    this.#rest()
  }

  /** The connection is gone: what was under way ends without an answer. */
  lost(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#reset()
    this.#backlog = []
    this.#backlogSize = 0
  }

  #hear(): void {
    if (!this.#answered) return
    this.#answered = false
    this.#receiver.confirmed()
  }

  #finish(last: Reply | null): null {
    if (this.#state === 'over') return null
    if (last !== null) this.#answer(last)
    this.#flush()
    this.lost()
    this.#outlet.end()
    return null
  }

  #answer(reply: Reply): void {
    this.#out += formatReply(reply)
  }

  #flush(): void {
    if (this.#out === '') return
    const text = this.#out
    this.#out = ''
    this.#outlet.write(text)
  }

  #run(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && this.#state !== 'over') {
      if (this.#state === 'leaving' && this.#reading === 'lines') return
      at = this.#read(chunk, at)
      if (!this.#busy) continue
      if (at < chunk.length) {
        this.#backlog.unshift(chunk.subarray(at))
        this.#backlogSize += chunk.length - at
      }
      return
    }
  }

  /** What is to be done when everything that came has been read. */
  #rest(): void {
    if (this.#state === 'over' || this.#busy) return
    if (this.#state === 'leaving' && this.#reading === 'lines') this.#finish(replies.shuttingDown)
    else if (this.#peerEnded) this.#finish(null)
    else this.#flush()
  }

  #read(chunk: Buffer, at: number): number {
    if (this.#reading === 'lines') {
      const next = this.#lines.read(chunk, at)
      if (next < 0) return chunk.length
      this.#obeyLine(this.#lines.line)
      return next
    }
    if (this.#reading === 'chunk') return this.#readChunk(chunk, at)
    const bytes = this.#bytes as IncomingBytes
    const end = bytes.readData(chunk, at)
    if (end < 0) {
      this.#holdOrWait(bytes)
      return chunk.length
    }
    this.#reading = 'lines'
    this.#endOfMessage(bytes)
    return end
  }

  // An answer that had to be waited for goes on here: the backlog is read as if it came now.
  #goOn(): void {
    this.#busy = false
    while (!this.#busy && this.#state !== 'over') {
      const chunk = this.#backlog.shift()
      if (chunk === undefined) break
      this.#backlogSize -= chunk.length
      this.#run(chunk)
    }
    if (this.#busy) this.#flush()
    this.#rest()
    if (this.#state !== 'over') this.#outlet.ready()
  }

  // ---- commands ----

  #obeyLine(line: Line): void {
    const answer = 'text' in line ? this.#obey(parseCommand(line.text)) : this.#bad(faultyLine(line.fault))
    if (answer !== null) this.#answer(answer)
  }

  #bad(reply: Reply): Reply | null {
    if (++this.#badCommands <= badCommandsAllowed) return reply
    return this.#finish(replies.tooManyBadCommands)
  }

  // null: it has been answered, or will be.
  #obey(command: Command): Reply | null {
    switch (command.verb) {
      case 'LHLO':
      case 'EHLO':
      case 'HELO':
        return this.#hello(command.verb)
      case 'MAIL':
        return this.#mail(command)
      case 'RCPT':
        return this.#recipient(command)
      case 'DATA':
        return this.#data()
      case 'BDAT':
        return this.#beginChunk(command)
      case 'RSET':
        this.#reset()
        return replies.ok
      case 'NOOP':
        return replies.ok
      case 'QUIT':
        return this.#finish(replies.bye)
      case 'HELP':
        return this.#settings.dialect === 'lmtp' ? replies.help : replies.helpSmtp
      case 'VRFY':
        return replies.verify
      case 'EXPN':
        return replies.notExpanded
      case 'STARTTLS':
        return replies.noTls
      case 'AUTH':
        return replies.noAuth
      case 'malformed':
        // How many octets follow is not known: whatever is read next might be a message.
        if (command.of === 'BDAT') return this.#finish(say.malformed(command.words))
        return say.malformed(command.words)
      case 'unknown':
        return this.#bad(say.unknownCommand(command.word))
      default:
        return unreachable(command)
    }
  }

  #hello(verb: 'LHLO' | 'EHLO' | 'HELO'): Reply | null {
    const { dialect, hostName, maxMessageSize } = this.#settings
    if ((verb === 'LHLO') !== (dialect === 'lmtp')) return this.#bad(say.wrongHello(verb, dialect))
    this.#reset()
    this.#greeted = true
    return verb === 'HELO' ? reply(250, null, hostName) : say.capabilities(hostName, maxMessageSize)
  }

  #mail({ address, parameters }: PathCommand): Reply {
    if (!this.#greeted) return say.sayHelloFirst(this.#settings.dialect)
    if (this.#transaction !== null) return replies.nestedMail
    const judged = judgeMail(address, parameters, this.#settings.maxMessageSize)
    if ('refused' in judged) return judged.refused
    this.#transaction = begin(judged.good)
    return replies.senderOk
  }

  #recipient({ address, parameters }: PathCommand): Reply {
    const transaction = this.#transaction
    if (transaction === null) return this.#noTransaction()
    if (this.#bytes !== null) return replies.inChunks
    const judged = judgeRecipient(address, parameters, transaction.smtpUtf8)
    const known =
      'refused' in judged
        ? judged
        : transaction.recipients.length >= this.#settings.maxRecipients
          ? { refused: replies.tooManyRecipients }
          : this.#receiver.recipient(judged.good)
    if ('refused' in known) {
      refuse(transaction, { text: address, reply: known.refused })
      return known.refused
    }
    transaction.recipients.push({ text: address, is: known.good })
    return replies.recipientOk
  }

  #noTransaction(): Reply {
    return this.#greeted ? replies.mailFirst : say.sayHelloFirst(this.#settings.dialect)
  }

  #data(): Reply | null {
    if (this.#transaction === null) return this.#noTransaction()
    if (this.#bytes !== null) return replies.inChunks
    if (this.#transaction.recipients.length === 0) return replies.recipientFirst
    this.#openMessage()
    this.#whenThereIsRoom((mayGoOn) => {
      if (mayGoOn) {
        this.#reading = 'data'
        this.#answer(replies.goAhead)
        return
      }
      this.#dropMessage()
      this.#abandon(replies.noRoomNow)
      this.#answer(replies.noRoomNow)
    })
    return null
  }

  // ---- the message ----

  #openMessage(): IncomingBytes {
    this.#bytes = new IncomingBytes(this.#settings.maxMessageSize)
    this.#holder = this.#room.enter()
    return this.#bytes
  }

  #dropMessage(): void {
    if (this.#holder !== null) this.#room.leave(this.#holder)
    this.#holder = null
    this.#bytes = null
  }

  #whenThereIsRoom(then: (mayGoOn: boolean) => void): void {
    const holder = this.#holder as Holder
    if (this.#room.mayGoOn(holder)) {
      then(true)
      return
    }
    this.#busy = true
    this.#flush()
    void this.#room.wait(holder).then((mayGoOn) => {
      if (this.#state !== 'over') then(mayGoOn)
      this.#goOn()
    })
  }

  #holdOrWait(bytes: IncomingBytes): void {
    this.#room.hold(this.#holder as Holder, bytes.rejection === null ? bytes.size : 0)
    if (bytes.rejection !== null) return
    this.#whenThereIsRoom((mayGoOn) => {
      if (mayGoOn) return
      bytes.reject('no-room')
      this.#room.hold(this.#holder as Holder, 0)
    })
  }

  // RFC 3030 §2: the octets follow the command whether it is in order or not.
  #beginChunk({ size, last }: Extract<Command, { verb: 'BDAT' }>): null {
    const wanted = this.#transaction !== null && this.#transaction.recipients.length > 0
    if (wanted && this.#bytes === null) this.#openMessage()
    this.#chunk = { size, left: size, last, wanted }
    this.#reading = 'chunk'
    if (size === 0) this.#endOfChunk()
    return null
  }

  #readChunk(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#chunk.left)
    this.#chunk.left -= end - at
    if (this.#chunk.wanted) (this.#bytes as IncomingBytes).readChunk(chunk, at, end)
    if (this.#chunk.left === 0) this.#endOfChunk()
    else if (this.#chunk.wanted) this.#holdOrWait(this.#bytes as IncomingBytes)
    return end
  }

  #endOfChunk(): void {
    this.#reading = 'lines'
    const { size, last, wanted } = this.#chunk
    const bytes = this.#bytes
    if (!wanted || bytes === null) {
      this.#answer(this.#transaction === null ? this.#noTransaction() : replies.recipientFirst)
    } else if (last) {
      this.#endOfMessage(bytes)
    } else {
      this.#holdOrWait(bytes)
      this.#answer(bytes.rejection === null ? say.chunkTaken(size) : this.#rejection(bytes.rejection))
    }
  }

  #endOfMessage(bytes: IncomingBytes): void {
    const transaction = this.#transaction as Transaction<R>
    const message = bytes.finish()
    if (typeof message === 'string') {
      const because = this.#rejection(message)
      this.#dropMessage()
      this.#abandon(because)
      this.#answerEach(transaction.recipients.map(() => because))
      return
    }
    this.#busy = true
    const holder = this.#holder as Holder
    this.#room.hold(holder, message.length)
    this.#bytes = null
    this.#holder = null
    this.#transaction = null
    void this.#receiver.take(transaction, message).then((answers) => {
      this.#room.leave(holder)
      this.#answerEach(answers)
      this.#answered = this.#state !== 'over'
      this.#goOn()
    })
  }

  #answerEach(answers: readonly Reply[]): void {
    if (this.#settings.dialect === 'lmtp') for (const each of answers) this.#answer(each)
    else this.#answer(answers.find(isPositive) ?? (answers[0] as Reply))
  }

  #rejection(why: NonNullable<IncomingBytes['rejection']>): Reply {
    if (why === 'too-big') return say.tooBig(this.#settings.maxMessageSize)
    return why === 'no-room' ? replies.noRoomNow : replies.bareInMessage
  }

  #reset(): void {
    this.#dropMessage()
    this.#abandon(null)
  }

  #abandon(because: Reply | null): void {
    if (this.#transaction !== null) this.#receiver.abandoned(this.#transaction, because)
    this.#transaction = null
  }
}

function faultyLine(fault: Extract<Line, { fault: string }>['fault']): Reply {
  if (fault === 'too-long') return replies.lineTooLong
  return fault === 'not-text' ? replies.notText : replies.bareLineEnd
}
