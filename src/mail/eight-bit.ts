// Mail for a relay that takes seven bits only (RFC 6152 §3): each 8-bit part is encoded, labels above it
// follow, letters in header fields become encoded words. Pure 7-bit mail leaves as it came.
import { Buffer } from 'node:buffer'
import { formatMailbox, parseAddressList } from './address-list.ts'
import { guessText } from './charset.ts'
import { isEightBit } from './dot-stuffing.ts'
import { applySplices, type Splice } from './draft.ts'
import { encodeWords, needsEncoding } from './encoded-words.ts'
import { type Field, fieldText } from './fields.ts'
import { formatField, isStructured } from './format-field.ts'
import {
  everyPart,
  type Message,
  mediaType,
  type Part,
  parseMessage,
  type TransferEncoding,
} from './message.ts'
import { decodeBody, encodeBase64, encodeQuotedPrintable } from './transfer-encoding.ts'

/** The same message in seven bits. Signatures that this breaks (RFC 6376 §5.3) go; `changed` says whether it did. */
export function toSevenBit(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly changed: boolean } {
  if (!isEightBit(bytes)) return { bytes, changed: false }
  const message = parseMessage(bytes)
  const splices: Splice[] = []
  for (const part of everyPart(message.root)) {
    const body = recode(bytes, part)
    for (const splice of headerSplices(message, part, body?.encoding ?? null)) splices.push(splice)
    if (part.children.length > 0) for (const splice of gapSplices(message, part)) splices.push(splice)
    if (body !== null) splices.push({ at: part.body, length: part.end - part.body, bytes: body.bytes })
  }
  return { bytes: Buffer.concat(applySplices(bytes, 0, splices)), changed: true }
}

const signatures = new Set(['dkim-signature', 'domainkey-signature'])
const addressFields = /^(?:resent-)?(?:from|sender|reply-to|to|cc|bcc)$/

/** The fields of one part, each only where it must change; `encoding` is what its body gets, null where it stays. */
function headerSplices({ bytes, root }: Message, part: Part, encoding: TransferEncoding | null): Splice[] {
  const splices: Splice[] = []
  const isOpaque = encoding !== null && untouchable.test(mediaType(part))
  const wide = part.encoding === '8bit' || part.encoding === 'binary'
  let isLabelled = false
  const lead = bytes.subarray(part.start, part.fields[0]?.start ?? part.fieldsEnd) // an mbox line
  if (isEightBit(lead)) splices.push({ at: part.start, length: lead.length, bytes: withoutEighthBit(lead) })
  for (const field of part.fields) {
    const key = field.name.toLowerCase()
    const length = field.end - field.start
    const put = (text: Uint8Array) => splices.push({ at: field.start, length, bytes: text })
    if (part === root && signatures.has(key)) put(Buffer.alloc(0))
    else if (key === 'content-transfer-encoding' && (encoding !== null || wide)) {
      put(isLabelled ? Buffer.alloc(0) : formatField('Content-Transfer-Encoding', encoding ?? '7bit'))
      isLabelled = true
    } else if (key === 'content-type' && isOpaque) put(octetStream)
    else if (isEightBit(bytes.subarray(field.start, field.end))) put(asciiField(bytes, field))
  }
  const missing = encoding === null ? '' : missingFields(bytes, part, root, isLabelled ? null : encoding)
  if (missing !== '') splices.push({ at: part.fieldsEnd, length: 0, bytes: Buffer.from(missing) })
  return splices
}

// RFC 2045 §6.4 forbids encoding these types; one that could not be taken apart goes as plain octets.
const untouchable = /^(?:multipart\/|message\/(?:rfc822|global|partial|external-body)$)/
const octetStream = Buffer.from('Content-Type: application/octet-stream\r\n')

/** What a part that is now encoded must say and did not; RFC 1428 for text in letters nobody named. */
function missingFields(bytes: Uint8Array, part: Part, root: Part, encoding: TransferEncoding | null): string {
  const has = (name: string) => part.fields.some((field) => field.name.toLowerCase() === name)
  const lines: string[] = []
  const last = part.fields.at(-1)
  if (last !== undefined && bytes[last.end - 1] !== 10) lines.push('')
  if (part === root && !has('mime-version')) lines.push('MIME-Version: 1.0')
  if (!has('content-type')) {
    const isUtf8 = !guessIsLatin1(bytes.subarray(part.body, part.end))
    lines.push(`Content-Type: text/plain; charset=${isUtf8 ? 'utf-8' : 'unknown-8bit'}`)
  }
  if (encoding !== null) lines.push(`Content-Transfer-Encoding: ${encoding}`)
  if (part.fieldsEnd === part.body) lines.push('')
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`
}

function guessIsLatin1(body: Uint8Array): boolean {
  return !Buffer.from(guessText(body), 'utf8').equals(body)
}

/**
 * The body of an 8-bit leaf in seven bits: quoted-printable for text where that is shorter, base64 for the
 * rest (RFC 2045 §6.7, §6.8); null for every other part.
 */
function recode(bytes: Uint8Array, part: Part): { encoding: TransferEncoding; bytes: Uint8Array } | null {
  const body = bytes.subarray(part.body, part.end)
  if (part.children.length > 0 || !isEightBit(body)) return null
  const content = decodeBody(body, part.encoding)
  if (part.contentType.type === 'text' && isMostlyPlain(content)) {
    return { encoding: 'quoted-printable', bytes: Buffer.from(encodeQuotedPrintable(content)) }
  }
  return { encoding: 'base64', bytes: Buffer.from(`${encodeBase64(content)}\r\n`) }
}

/** Base64 adds a third: as much as coding every sixth octet. */
function isMostlyPlain(content: Uint8Array): boolean {
  let coded = 0
  for (let i = 0; i < content.length; i++) if ((content[i] ?? 0) > 127) coded++
  return coded * 6 <= content.length
}

/** Preamble, epilogue and the lines between parts mean nothing (RFC 2046 §5.1.1): a `?` for each such octet. */
function gapSplices({ bytes }: Message, part: Part): Splice[] {
  const splices: Splice[] = []
  let from = part.body
  for (const { start, end } of [...part.children, { start: part.end, end: part.end }]) {
    const gap = bytes.subarray(from, start)
    if (isEightBit(gap)) {
      splices.push({ at: from, length: gap.length, bytes: withoutEighthBit(gap) })
    }
    from = end
  }
  return splices
}

/** A field without its 8-bit letters: encoded words where they may stand, else a `?` for each letter. */
function asciiField(bytes: Uint8Array, field: Field): Uint8Array {
  if (!plainName.test(field.name)) return withoutEighthBit(bytes.subarray(field.start, field.end))
  const text = fieldText(bytes, field)
  const isAddresses = addressFields.test(field.name.toLowerCase())
  const mailboxes = isAddresses ? parseAddressList(text).map(formatMailbox).join(', ') : ''
  const encoded = isStructured(field.name) ? mailboxes || text.replace(/"[^"]*"/g, encodeQuoted) : text
  const line = Buffer.from(formatField(field.name, encoded)).toString('utf8')
  return Buffer.from(line.replace(/[\u0080-\u{10ffff}]/gu, '?'))
}

const plainName = /^[!-~]{1,200}$/

function withoutEighthBit(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes).map((octet) => (octet > 127 ? 63 : octet))
}

/** RFC 2047 §5 forbids encoded words in quotes, but file names are written and read so everywhere. */
function encodeQuoted(quoted: string): string {
  return needsEncoding(quoted) ? `"${encodeWords(quoted.slice(1, -1))}"` : quoted
}
