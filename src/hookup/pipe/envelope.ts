// Reads how the pipe program was called, and the environment that qmail-local gives its commands, into an envelope
// (qmail-command(8), RFC 5321 §4.1.2). Pure. Law: nothing that is no address reaches the wire.
import { type EmailAddress, type EnvelopeSender, parseEmailAddress } from '../../mail/address.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export type LmtpPlace = { readonly host: string; readonly port: number } | { readonly path: string }

export interface PipeEnvelope {
  readonly sender: EnvelopeSender
  readonly recipient: EmailAddress
}

/** What the command line asked for; a null stands for what the environment says. */
export interface PipeCall {
  readonly place: LmtpPlace
  /** The variable that has the local part; not looked at when the recipient was given. */
  readonly localPartIn: string
  readonly sender: string | null
  readonly recipient: string | null
}

export type Read<T> = { readonly good: T } | { readonly wrong: string }

export const usage = `usage: posthorn-qmail [OPTIONS] PORT PARTS [HOST]
       posthorn-qmail [OPTIONS] --unix PATH PARTS

Hands the message on standard input to an LMTP server. PARTS says which variable of qmail's environment has the
local part: 0 for LOCAL, 1 for EXT, 2 to 4 for EXT2 to EXT4, default for DEFAULT. The domain is HOST's, the
envelope sender SENDER's.

  --unix PATH           the server's UNIX socket, rather than PORT and HOST (127.0.0.1)
  --recipient ADDRESS   instead of the environment's; PARTS may be left out
  --sender ADDRESS      instead of SENDER; empty, or <>, for the null sender
  --sysexits            exit codes of sysexits.h (Courier, fetchmail, procmail), rather than qmail's

Exit codes: 0 delivered; 100 refused for good (67 the recipient, 70 the message); 111 (75) everything else: try again
later.
`

const variables: ReadonlyMap<string, string> = new Map([
  ['0', 'LOCAL'],
  ['1', 'EXT'],
  ['2', 'EXT2'],
  ['3', 'EXT3'],
  ['4', 'EXT4'],
  ['default', 'DEFAULT'],
])

/** `argv` without the program, and without `--sysexits`. */
export function readCall(argv: readonly string[]): Read<PipeCall> {
  const given = new Map<string, string>()
  const words: string[] = []
  const queue = [...argv]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (!word.startsWith('--')) {
      words.push(word)
      continue
    }
    const [, name = word, joined] = /^(--[a-z]+)=(.*)$/s.exec(word) ?? []
    if (!['--unix', '--recipient', '--sender'].includes(name)) return { wrong: `no such option: ${name}` }
    const value = joined ?? queue.shift()
    if (value === undefined) return { wrong: `option ${name} needs a value` }
    given.set(name, value)
  }
  const place = placeOf(given.get('--unix'), words)
  if ('wrong' in place) return place
  const recipient = given.get('--recipient') ?? null
  const [parts, ...more] = place.rest
  if (more.length > 0) return { wrong: `too many words: ${more.join(' ')}` }
  if (parts === undefined && recipient === null) return { wrong: 'PARTS is missing' }
  const localPartIn = variables.get(parts ?? '1')
  if (localPartIn === undefined) return { wrong: `PARTS is '${parts}'; accepted: 0 to 4, default` }
  return { good: { place: place.good, localPartIn, sender: given.get('--sender') ?? null, recipient } }
}

/** `rest` are the words that are not used up: PARTS. HOST stands behind PARTS, as it did for Mailman's program. */
function placeOf(
  path: string | undefined,
  words: readonly string[],
): { readonly good: LmtpPlace; readonly rest: readonly string[] } | { readonly wrong: string } {
  if (path !== undefined) {
    return path === '' ? { wrong: 'option --unix needs a path' } : { good: { path }, rest: words }
  }
  const [port = '', parts, host = '127.0.0.1', ...more] = words
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    return { wrong: `PORT is '${port}'; accepted: a number from 1 to 65535` }
  }
  return { good: { host, port: Number(port) }, rest: [...(parts === undefined ? [] : [parts]), ...more] }
}

/** qmail's variables have no quotes: they are put back here where the standard asks for them. */
export function readEnvelope(call: PipeCall, environment: Environment): Read<PipeEnvelope> {
  const recipient = recipientOf(call, environment)
  if ('wrong' in recipient) return recipient
  const sender = call.sender ?? environment.SENDER
  if (sender === undefined) return { wrong: 'SENDER is not set: is this called by qmail-local?' }
  return { good: { sender: senderOf(sender), recipient: recipient.good } }
}

function recipientOf(call: PipeCall, environment: Environment): Read<EmailAddress> {
  let text = call.recipient
  if (text === null) {
    const { [call.localPartIn]: local, HOST: host } = environment
    if (local === undefined)
      return { wrong: `${call.localPartIn} is not set: is this called by qmail-local?` }
    if (host === undefined) return { wrong: 'HOST is not set: is this called by qmail-local?' }
    text = `${local}@${host}`
  }
  const address = addressOf(text)
  const from = call.recipient === null ? ` (from ${call.localPartIn} and HOST)` : ''
  return address === null
    ? { wrong: `${JSON.stringify(text)}${from} is not an address that can be handed on` }
    : { good: address }
}

/**
 * A sender to whom nothing can be sent back is the null sender. qmail has a sign of its own for a bounce that could
 * not be delivered, `#@[]`: in the language of RFC 5321 §4.5.5 that is `<>` too, and servers refuse it as it stands.
 */
const senderOf = (text: string): EnvelopeSender => addressOf(text) ?? '<>'

function addressOf(written: string): EmailAddress | null {
  const text = /^<(.*)>$/s.exec(written)?.[1] ?? written
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(at, 0))
  const quoted = `"${local.replace(/[\\"]/g, '\\$&')}"${text.slice(Math.max(at, 0))}`
  return parseEmailAddress(text) ?? (at > 0 ? parseEmailAddress(quoted) : null)
}
