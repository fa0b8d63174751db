// Reaching a place and hearing what it says first, before it is known what speaks there (RFC 5321 §3.1, RFC 2033). Law:
// every wait is bounded, every fault is a value, and the socket is gone when nobody got it.
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { type Answer, Dialogue } from '../../smtp/client-dialogue.ts'
import { standardTimeouts } from '../../smtp/client-relay.ts'
import type { Patience } from './checked-site.ts'

export type Spot = { readonly host: string; readonly port: number } | { readonly path: string }

export type Heard =
  /** Nobody there, or no way to it; `code` is the system's word, such as ECONNREFUSED. */
  | { readonly kind: 'unreachable'; readonly code: string; readonly words: string }
  /** Open, and not a word, not even to a LHLO. */
  | { readonly kind: 'silent'; readonly milliseconds: number }
  /** Open, and closed again without a word. */
  | { readonly kind: 'hung-up' }
  /** Something that is no greeting; the first line. */
  | { readonly kind: 'strange'; readonly line: string }
  | { readonly kind: 'greeted'; readonly talk: Talk; readonly greeting: Greeting }

export interface Greeting {
  readonly code: number
  readonly text: string
}

/** One question, one answer: `250 2.1.5 recipient OK`. Null when the connection ended or nothing came in time. */
export interface Talk {
  ask(line: string): Promise<string | null>
  /** Says QUIT and goes; waits for nothing. */
  leave(): void
}

/** Connects and listens; a place that says nothing gets a LHLO, since HTTP servers wait to be spoken to. */
export async function knock(spot: Spot, patience: Patience): Promise<Heard> {
  const reached = await reach(spot, patience.connect)
  if ('code' in reached) return { kind: 'unreachable', ...reached }
  const { socket } = reached
  const first = await firstBytes(socket, patience.greeting)
  if (first === 'closed') return { kind: 'hung-up' }
  if (first === null) {
    socket.write('LHLO doctor\r\n')
    const answer = await firstBytes(socket, patience.reply)
    socket.destroy()
    if (answer === null) return { kind: 'silent', milliseconds: patience.greeting }
    return answer === 'closed' ? { kind: 'hung-up' } : { kind: 'strange', line: firstLine(answer) }
  }
  if (!/^[245]\d\d[ \r\n-]/.test(first.toString('latin1'))) {
    socket.destroy()
    return { kind: 'strange', line: firstLine(first) }
  }
  socket.unshift(first)
  return greetedBy(socket, placeText(spot), patience)
}

export function placeText(spot: Spot): string {
  if ('path' in spot) return spot.path
  return spot.host.includes(':') ? `[${spot.host}]:${spot.port}` : `${spot.host}:${spot.port}`
}

/** `250 2.1.5 recipient OK`, or in words why there was no answer. */
export function answerText(answer: Answer): string {
  if ('loss' in answer) return answer.loss.words
  const { code, enhanced, lines } = answer.reply
  return [String(code), enhanced ?? '', lines.join(' ')].filter((part) => part !== '').join(' ')
}

async function greetedBy(socket: Socket, place: string, patience: Patience): Promise<Heard> {
  const timeouts = { ...standardTimeouts, greeting: patience.reply }
  const dialogue = new Dialogue(socket, place, timeouts)
  socket.resume()
  const heard = await dialogue.listen()
  if ('loss' in heard) return { kind: 'hung-up' }
  const talk: Talk = {
    ask: async (line) => {
      const answer = await dialogue.ask(line, `the answer to ${line.split(' ')[0]}`)
      return 'loss' in answer ? null : answerText(answer)
    },
    leave: () => {
      if (dialogue.wire.loss === null) dialogue.wire.say('QUIT')
      dialogue.wire.lose('all is said')
    },
  }
  return {
    kind: 'greeted',
    talk,
    greeting: { code: heard.reply.code, text: answerText(heard) },
  }
}

function reach(
  spot: Spot,
  milliseconds: number,
): Promise<{ readonly socket: Socket } | { readonly code: string; readonly words: string }> {
  const options: NetConnectOpts = 'path' in spot ? { path: spot.path } : { ...spot, noDelay: true }
  return new Promise((resolve) => {
    const socket = connect(options)
    const timer = setTimeout(() => {
      socket.destroy()
      resolve({ code: 'ETIMEDOUT', words: `no answer in ${milliseconds / 1000} s` })
    }, milliseconds)
    const onError = (fault: NodeJS.ErrnoException): void => {
      clearTimeout(timer)
      resolve({ code: fault.code ?? '', words: wordsOf(fault) })
    }
    socket.once('error', onError)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', onError)
      resolve({ socket })
    })
  })
}

/** QUIRK: when every address of a name fails, Node gives an AggregateError whose own message is empty. */
function wordsOf(fault: Error): string {
  return fault instanceof AggregateError
    ? fault.errors.map((one: unknown) => (one instanceof Error ? one.message : String(one))).join(', ')
    : fault.message
}

/** Up to the end of the first line, or what came of it in time; null for nothing. The socket is left paused. */
function firstBytes(socket: Socket, milliseconds: number): Promise<Buffer | 'closed' | null> {
  return new Promise((resolve) => {
    let came = Buffer.alloc(0)
    const settle = (what: Buffer | 'closed' | null): void => {
      clearTimeout(timer)
      socket.off('data', onData).off('error', onClosed).off('close', onClosed).off('end', onClosed)
      if (what === 'closed') socket.destroy()
      else socket.pause()
      resolve(what)
    }
    const onData = (chunk: Buffer): void => {
      came = Buffer.concat([came, chunk])
      if (came.includes(10) || came.length > longestLine) settle(came)
    }
    const onClosed = (): void => settle(came.length > 0 ? came : 'closed')
    const timer = setTimeout(() => settle(came.length > 0 ? came : null), milliseconds)
    socket.on('data', onData).on('error', onClosed).on('close', onClosed).on('end', onClosed)
    socket.resume()
  })
}

const longestLine = 2048

const firstLine = (bytes: Buffer): string =>
  (bytes.toString('latin1').split(/\r?\n/)[0] ?? '').slice(0, 100).replace(/[^ -~]+/g, '?')
