// The fields of a header block as ranges over the bytes that came (RFC 5322 §2.2, §4.5). A field is
// found, never copied: what nobody edits leaves byte for byte as it arrived.
import { Buffer } from 'node:buffer'

/** One field; offsets count octets from the start of the bytes it was found in. */
export interface Field {
  /** The name as it was spelt. */
  readonly name: string
  readonly start: number
  /** The first octet after the colon. */
  readonly value: number
  /** Just past the field's last line end, folded lines included. */
  readonly end: number
}

export interface FieldBlock {
  readonly fields: readonly Field[]
  /** Just past the last field. */
  readonly end: number
  /** The first octet of the body: past the empty line, or `end` where there is none. */
  readonly body: number
  /** What ended the fields; 'bound' and 'crowd' are the limits of `Limits`. */
  readonly endedBy: 'empty-line' | 'end-of-bytes' | 'no-field' | 'delimiter' | 'bound' | 'crowd'
}

export interface Limits {
  /** The most octets the block may have. */
  readonly octets: number
  readonly fields: number
  /** True where the line at this offset ends the enclosing part (RFC 2046 §5.1.1). */
  readonly isDelimiter: (line: number) => boolean
}

const LF = 10
const CR = 13
const SPACE = 32
const TAB = 9
const COLON = 58

/** Reads fields from `start` on; stops at the first line that is none (RFC 5322 §2.2; Postfix does the same). */
export function readFields(bytes: Buffer, start: number, limits: Limits): FieldBlock {
  const fields: Field[] = []
  const ended = (end: number, endedBy: FieldBlock['endedBy'], body = end): FieldBlock => ({
    fields,
    end,
    body,
    endedBy,
  })
  let at = start
  while (at < bytes.length) {
    const separator = emptyLineAt(bytes, at)
    if (separator > 0) return ended(at, 'empty-line', at + separator)
    if (limits.isDelimiter(at)) return ended(at, 'delimiter')
    const colon = colonAt(bytes, at)
    if (colon < 0) return ended(at, 'no-field')
    if (fields.length >= limits.fields) return ended(at, 'crowd')
    const end = endOfField(bytes, colon)
    if (end - start > limits.octets) return ended(at, 'bound')
    fields.push({ name: nameOf(bytes, at, colon), start: at, value: colon + 1, end })
    at = end
  }
  return ended(at, 'end-of-bytes')
}

/** The value as one line (RFC 5322 §2.2.3), without blanks at its ends; 8-bit as UTF-8, else as Latin-1. */
export function fieldText(bytes: Uint8Array, field: Field): string {
  const text = headerText(bytes.subarray(field.value, field.end))
  return text
    .replace(/\r?\n/g, '')
    .replace(/^[ \t\r]+/, '')
    .trimEnd()
}

/** Header bytes as text: RFC 6532 wants UTF-8; older programs sent Latin-1 without a word. */
export function headerText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (isAscii(buffer)) return buffer.toString('latin1', 0, buffer.length)
  try {
    return utf8.decode(buffer)
  } catch {
    return buffer.toString('latin1', 0, buffer.length)
  }
}

/** Just past the line that holds `at`: after its LF, or the end of the bytes. */
export function endOfLine(bytes: Buffer, at: number): number {
  const lf = bytes.indexOf(LF, at)
  return lf < 0 ? bytes.length : lf + 1
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] ?? 0) > 127) return false
  return true
}

/** The length of the empty line at `at`, or 0 where the line has something in it. */
function emptyLineAt(bytes: Buffer, at: number): number {
  if (bytes[at] === LF) return 1
  return bytes[at] === CR && bytes[at + 1] === LF ? 2 : 0
}

/** The colon that ends a field name at `at`; blanks before it are obsolete syntax (RFC 5322 §4.5). */
function colonAt(bytes: Buffer, at: number): number {
  let i = at
  while (isNameOctet(bytes[i])) i++
  if (i === at) return -1
  while (bytes[i] === SPACE || bytes[i] === TAB) i++
  return bytes[i] === COLON ? i : -1
}

/** RFC 5322 §2.2 has printable ASCII. QUIRK: 8-bit octets are taken too; to end the header there would tear it apart. */
function isNameOctet(octet: number | undefined): boolean {
  return octet !== undefined && octet > SPACE && octet !== 127 && octet !== COLON
}

function endOfField(bytes: Buffer, from: number): number {
  let end = endOfLine(bytes, from)
  while (bytes[end] === SPACE || bytes[end] === TAB) end = endOfLine(bytes, end)
  return end
}

function nameOf(bytes: Buffer, start: number, colon: number): string {
  let end = colon
  while (bytes[end - 1] === SPACE || bytes[end - 1] === TAB) end--
  return bytes.toString('latin1', start, end)
}
