// A letter that Posthorn itself writes, as the bytes that will be kept and sent (RFC 5322, RFC 2045). Law:
// every one says that no human wrote it (RFC 3834 §5), leaves with the null sender, and comes out the same when it
// is written twice from the same facts, its Message-ID included.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Instant } from '../base/clock.ts'
import { base32 } from '../base/random.ts'
import { passwordFields } from '../handlers/clean-headers.ts'
import { withListFields } from '../handlers/list-headers.ts'
import { formatMailbox, type Mailbox } from '../mail/address-list.ts'
import { formatDate } from '../mail/date.ts'
import { longestLine } from '../mail/dot-stuffing.ts'
import { Headers } from '../mail/headers.ts'
import type { Message } from '../mail/message.ts'
import { madeMessageId, messageIdOf } from '../mail/message-id.ts'
import { encodeQuotedPrintable } from '../mail/transfer-encoding.ts'
import { traceField } from '../model/handler.ts'
import type { MailingList } from '../model/list.ts'

export interface Letter {
  /** Whose letter it is: its fields go in, and a Message-ID that is made gets its domain. */
  readonly list: MailingList
  readonly from: Mailbox
  readonly to: Mailbox
  readonly subject: string
  /** Lines end in LF. */
  readonly text: string
  /** An answer to one message, or a letter of our own accord (RFC 3834 §5). */
  readonly automatic: 'auto-replied' | 'auto-generated'
  /** The message that it answers; null for none. */
  readonly answers: Message | null
  /** The message that it carries; null for none. A large one is cut: see `attachedBody`. */
  readonly attached: Message | null
  readonly date: Instant
  /** With its brackets; null: made from the rest. */
  readonly messageId: string | null
}

export interface WrittenLetter {
  readonly bytes: Uint8Array
  readonly messageId: string
}

/** Of an attached message's body no more than this many octets go along. */
export const attachedBody = 64 * 1024

export function isCutWhenAttached({ bytes, root }: Message): boolean {
  return bytes.length - root.body > attachedBody
}

export function writeLetter(letter: Letter): WrittenLetter {
  const body = bodyOf(letter)
  const to = formatMailbox(letter.to)
  const seed = Buffer.concat([Buffer.from(`${letter.subject}\n${letter.date}\n`), body.bytes])
  const messageId = letter.messageId ?? madeMessageId(seed, to, letter.list.mailHost)
  const top = Headers.none
    .with('From', formatMailbox(letter.from))
    .with('To', to)
    .with('Subject', letter.subject)
    .with('Date', formatDate(letter.date))
    .with('Message-ID', messageId)
  const threaded = letter.answers === null ? top : inThread(top, letter.answers)
  const marked = threaded
    .with('Auto-Submitted', letter.automatic)
    .with('X-Auto-Response-Suppress', 'All') // QUIRK: Exchange looks at this and not at Auto-Submitted
    .with('Precedence', 'bulk')
  const headers = traced(withListFields(marked, letter.list), letter)
    .with('MIME-Version', '1.0')
    .with('Content-Type', body.type)
    .with('Content-Transfer-Encoding', body.encoding)
  return { bytes: Buffer.concat([headers.toBytes(), body.bytes]), messageId }
}

/** RFC 5322 §3.6.4; an id that is none is not carried on. */
function inThread(headers: Headers, answered: Message): Headers {
  const theirs = Headers.of(answered)
  const id = /<[^<>\s]{1,900}>/.exec(messageIdOf(theirs) ?? '')?.[0]
  if (id === undefined) return headers
  const earlier = (theirs.get('References') ?? '').match(/<[^<>\s]{1,250}>/g) ?? []
  return headers.with('In-Reply-To', id).with('References', [...earlier.slice(-20), id].join(' '))
}

/**
 * The lists that the message went through, and this one. Where lists are each other's owners, a letter about a held
 * letter would be held and told of in turn, without end: so it is a loop where it comes by for the second time.
 */
function traced(headers: Headers, { list, answers, attached }: Letter): Headers {
  const about = attached ?? answers
  const earlier = about === null ? [] : Headers.of(about).all(traceField)
  const traces = new Set([...earlier.slice(-mostTraces), list.listId])
  return [...traces].reduce((all, trace) => all.with(traceField, trace), headers)
}

const mostTraces = 50

interface Body {
  readonly type: string
  readonly encoding: string
  readonly bytes: Buffer
}

function bodyOf({ text, attached }: Letter): Body {
  const words = textBody(text)
  if (attached === null) return words
  const copy = copyOf(attached)
  const isWide = copy.some((octet) => octet > 127)
  const boundary = boundaryFor(copy, words.bytes)
  const part = (type: string, encoding: string) =>
    Buffer.from(`--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`)
  return {
    type: `multipart/mixed; boundary="${boundary}"`,
    encoding: isWide ? '8bit' : '7bit', // RFC 2046 §5.2.1: a whole message is never encoded
    bytes: Buffer.concat([
      part(words.type, words.encoding),
      words.bytes,
      Buffer.from('\r\n'),
      part('message/rfc822', isWide ? '8bit' : '7bit'),
      copy,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  }
}

function textBody(text: string): Body {
  const octets = Buffer.from(text.toWellFormed().replace(/\r\n|\r|\n/g, '\r\n'))
  const isPlain = octets.every((octet) => octet < 128) && longestLine(octets) <= 998
  const [encoding, bytes] = isPlain
    ? ['7bit', octets]
    : ['quoted-printable', Buffer.from(encodeQuotedPrintable(octets))]
  return { type: 'text/plain; charset=utf-8', encoding, bytes }
}

/** As it came, but for the passwords; a long body ends after its last whole line within the bound. */
function copyOf(message: Message): Buffer {
  const { bytes, root } = message
  const header = Headers.of(message)
    .withoutMboxLine()
    .without(...passwordFields)
    .closed()
    .toBytes()
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(root.body)
  if (!isCutWhenAttached(message)) return Buffer.concat([header, body])
  const lines = body.lastIndexOf(10, attachedBody - 1) + 1
  const inLine = body[attachedBody - 1] === 13 ? attachedBody - 1 : attachedBody // no CR without its LF (RFC 5321 §2.3.8)
  return Buffer.concat([header, body.subarray(0, lines > 0 ? lines : inLine)])
}

/** Made from the content, so that the same letter gets the same. */
function boundaryFor(copy: Buffer, text: Buffer): string {
  for (let turn = 0; ; turn++) {
    const digest = createHash('sha256').update(`${turn}\n`).update(text).update(copy).digest()
    const boundary = `=_posthorn_${base32(digest.subarray(0, 15))}`
    if (!copy.includes(boundary) && !text.includes(boundary)) return boundary
  }
}
