// Content-Transfer-Encoding, both ways (RFC 2045 §6.7, §6.8). Reading takes broken input and never
// throws; what is written has lines of at most 76 characters that end in CRLF.
import { Buffer } from 'node:buffer'
import { decodeCharset } from './charset.ts'
import type { Message, Part, TransferEncoding } from './message.ts'

/** The octets a part stands for; a view of the message where it is not encoded. */
export function decodedBody({ bytes }: Message, part: Part): Uint8Array {
  return decodeBody(bytes.subarray(part.body, part.end), part.encoding)
}

/** A text part as text, by its charset; with no charset or a wrong one, what it most likely says. */
export function textOf(message: Message, part: Part): string {
  return decodeCharset(decodedBody(message, part), part.contentType.parameters.get('charset') ?? '')
}

export function decodeBody(body: Uint8Array, encoding: TransferEncoding): Uint8Array {
  if (encoding === 'base64') return decodeBase64(body)
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(body) : body
}

/** Skips what is not of the alphabet; padding in the middle (texts glued together) starts anew. */
export function decodeBase64(bytes: Uint8Array): Uint8Array {
  const text = bufferOf(bytes)
    .toString('latin1')
    .replace(/[^A-Za-z0-9+/=]+/g, '')
  const pad = text.indexOf('=')
  if (pad < 0 || /^=+$/.test(text.slice(pad))) return Buffer.from(text, 'base64')
  return Buffer.concat(text.split(/=+/).map((piece) => Buffer.from(piece, 'base64')))
}

/** Lines of 76; the first has `column` characters before it already. Ends without a line end. */
export function encodeBase64(bytes: Uint8Array, column = 0): string {
  const text = bufferOf(bytes).toString('base64')
  const first = Math.max(0, 76 - column)
  const lines = first > 0 ? [text.slice(0, first)] : ['']
  for (let at = first; at < text.length; at += 76) lines.push(text.slice(at, at + 76))
  return lines.join('\r\n')
}

export function decodeQuotedPrintable(bytes: Uint8Array): Uint8Array {
  const out = Buffer.alloc(bytes.length)
  let length = 0
  let blanks = 0 // blanks at the end of what was written: they go before a line end and at the very end (RFC 2045 §6.7 rule 3)
  for (let i = 0; i < bytes.length; i++) {
    const octet = bytes[i] ?? 0
    if (octet === 10 || (octet === 13 && bytes[i + 1] === 10)) {
      length -= blanks
      blanks = 0
      out[length++] = octet
      if (octet === 13) out[length++] = bytes[++i] ?? 0
      continue
    }
    const code = octet === 61 ? escapeAt(bytes, i) : null
    blanks = code === null && (octet === 32 || octet === 9) ? blanks + 1 : 0
    if (code === null) out[length++] = octet
    else {
      if (code.octet !== null) out[length++] = code.octet
      i = code.end - 1
    }
  }
  return out.subarray(0, length - blanks)
}

/** CRLF stays a line end; everything else that is not printable ASCII is coded, lone CR and LF too. */
export function encodeQuotedPrintable(bytes: Uint8Array): string {
  const out = Buffer.allocUnsafe(Math.ceil(bytes.length * 3.2) + 3) // three for each octet, and the soft breaks
  let length = 0
  let column = 0
  for (let i = 0; i < bytes.length; i++) {
    const octet = bytes[i] ?? 0
    if (octet === 13 && bytes[i + 1] === 10) {
      length = out.writeUInt16BE(0x0d0a, length)
      column = 0
      i++
      continue
    }
    const isLast = i + 1 === bytes.length || (bytes[i + 1] === 13 && bytes[i + 2] === 10)
    const isPlain = isPlainInQp(octet, isLast)
    const size = isPlain ? 1 : 3
    if (column + size > (isLast ? 76 : 75)) {
      out[length] = 61 // a soft line break
      length = out.writeUInt16BE(0x0d0a, length + 1)
      column = 0
    }
    column += size
    if (isPlain) out[length++] = octet
    else {
      out[length] = 61
      out[length + 1] = hexadecimal.charCodeAt(octet >> 4)
      out[length + 2] = hexadecimal.charCodeAt(octet & 15)
      length += 3
    }
  }
  return out.toString('latin1', 0, length)
}

const hexadecimal = '0123456789ABCDEF'

function isPlainInQp(octet: number, isLast: boolean): boolean {
  const isBlank = octet === 32 || octet === 9
  return (isBlank && !isLast) || (octet > 32 && octet < 127 && octet !== 61)
}

/** What an `=` at `at` means: an octet, a soft line break (no octet), or nothing: then it stands for itself. */
function escapeAt(bytes: Uint8Array, at: number): { octet: number | null; end: number } | null {
  const high = hexOf(bytes[at + 1])
  const low = hexOf(bytes[at + 2])
  if (high >= 0 && low >= 0) return { octet: high * 16 + low, end: at + 3 }
  let end = at + 1
  while (bytes[end] === 32 || bytes[end] === 9) end++
  if (end === bytes.length || bytes[end] === 10) return { octet: null, end: Math.min(end + 1, bytes.length) }
  return bytes[end] === 13 && bytes[end + 1] === 10 ? { octet: null, end: end + 2 } : null
}

function hexOf(octet = 0): number {
  if (octet >= 48 && octet <= 57) return octet - 48
  const letter = octet | 0x20
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
