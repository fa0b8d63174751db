// A message as a tree of offsets over the bytes that came (RFC 5322, RFC 2045, RFC 2046). Nothing is
// copied and nothing throws: every run of bytes is a message, its faults stand in `defects`.
//
// Law: the work is linear in the bytes and bounded (header 1 MB, 2,000 parts, depth 100); past a bound
// the rest is an opaque body.
import { Buffer } from 'node:buffer'
import { type ContentType, parseContentType, plainText, wholeMessage } from './content-type.ts'
import { endOfLine, type Field, type FieldBlock, fieldText, readFields } from './fields.ts'

export type TransferEncoding = '7bit' | '8bit' | 'binary' | 'quoted-printable' | 'base64' | 'unknown'

/** The message itself, or a part inside; offsets count octets of `Message.bytes`. */
export interface Part {
  /** The first octet of the header (of the mbox line above it, where there is one). */
  readonly start: number
  readonly fields: readonly Field[]
  /** Just past the last field: the empty line, where there is one, lies between this and `body`. */
  readonly fieldsEnd: number
  readonly body: number
  /** Just past the body; the line end before a boundary belongs to the boundary (RFC 2046 §5.1.1). */
  readonly end: number
  readonly contentType: ContentType
  readonly encoding: TransferEncoding
  /** The parts of a multipart, or the one message inside message/rfc822. */
  readonly children: readonly Part[]
  /** Only for a multipart that was opened: its delimiter without the leading dashes. */
  readonly boundary: string | null
  /** Where the closing `--boundary--` begins; null where it is missing. */
  readonly closing: number | null
}

export interface Message {
  readonly bytes: Uint8Array
  readonly root: Part
  readonly defects: readonly Defect[]
}

/** What is wrong, at which octet, in a part so many levels down (0 is the message itself). */
export type Defect = { readonly at: number; readonly depth: number } & (
  | { readonly kind: 'header-too-long' }
  | { readonly kind: 'too-many-fields' }
  | { readonly kind: 'too-many-parts' }
  | { readonly kind: 'too-deep' }
  | { readonly kind: 'header-not-ended' }
  | { readonly kind: 'no-boundary' }
  | { readonly kind: 'boundary-never-seen' }
  | { readonly kind: 'multipart-not-closed' }
)

const longestHeader = 1024 * 1024
const mostFields = 200_000
const mostParts = 2000
const deepest = 100
// RFC 2046 §5.1.1 allows 70; programs that write more are read as well.
const longestBoundary = 998

/** Reads any bytes as a message; keeps the bytes, does not copy them, never throws. */
export function parseMessage(bytes: Uint8Array): Message {
  const scan: Scan = {
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    open: new Map(),
    longest: 0,
    parts: 0,
    fields: 0,
    defects: [],
  }
  const [root] = readPart(scan, 0, 0, plainText)
  return { bytes, root, defects: scan.defects }
}

/** The part and all parts inside it, in the order in which they stand in the message. */
export function* everyPart(part: Part): Generator<Part> {
  yield part
  for (const child of part.children) yield* everyPart(child)
}

/** `type/subtype` in lower case. */
export function mediaType(part: Part): string {
  return `${part.contentType.type}/${part.contentType.subtype}`
}

/** True where a bound was passed, so that the tree does not show all there is. */
export function isCutShort({ defects }: Message): boolean {
  return defects.some(({ kind }) => kind.startsWith('too-') || kind === 'header-too-long')
}

interface Scan {
  readonly bytes: Buffer
  /** The multiparts that are open here, by boundary; an inner one hides an outer one of the same name. */
  readonly open: Map<string, Opening>
  longest: number
  parts: number
  fields: number
  readonly defects: Defect[]
}

interface Opening {
  readonly depth: number
  readonly hidden: Opening | undefined
}

interface Delimiter {
  /** Whose delimiter it is; null at the end of the bytes. */
  readonly owner: Opening | null
  readonly closes: boolean
  /** The first dash. */
  readonly line: number
  readonly next: number
}

/** Reads one entity and gives it with the delimiter that ended it. */
function readPart(scan: Scan, start: number, depth: number, fallback: ContentType): [Part, Delimiter] {
  scan.parts++
  const block = readBlock(scan, start, depth)
  const contentType = contentTypeOf(scan.bytes, block.fields, fallback)
  const encoding = encodingOf(scan.bytes, block.fields)
  const head = { start, fields: block.fields, fieldsEnd: block.end, body: block.body, contentType, encoding }
  const inner = readInner(scan, head, depth)
  const end =
    inner.delimiter.owner === null ? scan.bytes.length : endBefore(scan.bytes, inner.delimiter, head.body)
  const { children, boundary, closing, delimiter } = inner
  return [{ ...head, end, children, boundary, closing }, delimiter]
}

function readBlock(scan: Scan, start: number, depth: number): FieldBlock {
  const { bytes } = scan
  const first = depth === 0 && isMboxLine(bytes) ? endOfLine(bytes, 0) : start
  const block = readFields(bytes, first, {
    octets: longestHeader,
    fields: mostFields - scan.fields,
    isDelimiter: (line) => delimiterAt(scan, line) !== null,
  })
  scan.fields += block.fields.length
  const at = block.end
  if (block.endedBy === 'bound') scan.defects.push({ kind: 'header-too-long', at, depth })
  if (block.endedBy === 'crowd') scan.defects.push({ kind: 'too-many-fields', at, depth })
  if (block.endedBy === 'no-field') scan.defects.push({ kind: 'header-not-ended', at, depth })
  return block
}

type Head = Pick<Part, 'body' | 'contentType' | 'encoding'>
type Inner = Pick<Part, 'children' | 'boundary' | 'closing'> & { readonly delimiter: Delimiter }

function readInner(scan: Scan, head: Head, depth: number): Inner {
  const { type } = head.contentType
  const boundary = type === 'multipart' ? boundaryOf(head.contentType) : null
  if (type === 'multipart' && boundary === null) {
    scan.defects.push({ kind: 'no-boundary', at: head.body, depth })
  }
  const hasInner = boundary !== null || isPlainMessage(head)
  if (hasInner && depth >= deepest) scan.defects.push({ kind: 'too-deep', at: head.body, depth })
  else if (boundary !== null) return readMultipart(scan, head, boundary, depth)
  else if (hasInner && scan.parts < mostParts) return readWholeMessage(scan, head, depth)
  else if (hasInner) scan.defects.push({ kind: 'too-many-parts', at: head.body, depth })
  return { children: [], boundary: null, closing: null, delimiter: nextDelimiter(scan, head.body) }
}

function readWholeMessage(scan: Scan, head: Head, depth: number): Inner {
  const [child, delimiter] = readPart(scan, head.body, depth + 1, plainText)
  return { children: [child], boundary: null, closing: null, delimiter }
}

function readMultipart(scan: Scan, head: Head, boundary: string, depth: number): Inner {
  const opening: Opening = { depth, hidden: scan.open.get(boundary) }
  scan.open.set(boundary, opening)
  scan.longest = Math.max(scan.longest, boundary.length)
  const fallback = head.contentType.subtype === 'digest' ? wholeMessage : plainText // RFC 2046 §5.1.5
  const children: Part[] = []
  let delimiter = nextDelimiter(scan, head.body)
  while (delimiter.owner === opening && !delimiter.closes) {
    const [child, after] = readPart(scan, delimiter.next, depth + 1, fallback)
    children.push(child)
    delimiter = after
  }
  if (opening.hidden === undefined) scan.open.delete(boundary)
  else scan.open.set(boundary, opening.hidden)
  if (delimiter.owner === opening) {
    const epilogue = delimiter.next
    return { children, boundary, closing: delimiter.line, delimiter: nextDelimiter(scan, epilogue) }
  }
  const kind = children.length === 0 ? 'boundary-never-seen' : 'multipart-not-closed'
  scan.defects.push({ kind, at: head.body, depth })
  return { children, boundary, closing: null, delimiter }
}

const dashes = Buffer.from('\n--')

/** The next delimiter of any open multipart, from the line that begins at `from`. */
function nextDelimiter(scan: Scan, from: number): Delimiter {
  const { bytes } = scan
  const end: Delimiter = { owner: null, closes: false, line: bytes.length, next: bytes.length }
  if (scan.open.size === 0) return end
  for (let line = from; line < bytes.length; line = nextDashes(bytes, line)) {
    const delimiter = delimiterAt(scan, line)
    if (delimiter !== null) return withinBounds(scan, delimiter) ? delimiter : end
  }
  return end
}

/** The next line after this one that begins with two dashes. */
function nextDashes(bytes: Buffer, line: number): number {
  const found = bytes.indexOf(dashes, line)
  return found < 0 ? bytes.length : found + 1
}

/** The delimiter that opens a part past the bound is not obeyed: what follows is body. */
function withinBounds(scan: Scan, { owner, closes, line }: Delimiter): boolean {
  if (closes || scan.parts < mostParts) return true
  scan.defects.push({ kind: 'too-many-parts', at: line, depth: owner?.depth ?? 0 })
  scan.open.clear()
  return false
}

/** RFC 2046 §5.1.1: two dashes, the boundary, two more to close, blanks to the end of the line. */
function delimiterAt(scan: Scan, line: number): Delimiter | null {
  const { bytes } = scan
  if (scan.open.size === 0 || bytes[line] !== 45 || bytes[line + 1] !== 45) return null
  const next = endOfLine(bytes, line)
  let end = next
  while (end > line + 2 && isBlank(bytes[end - 1])) end--
  if (end - line > scan.longest + 4) return null
  const text = bytes.toString('latin1', line + 2, end)
  const opens = scan.open.get(text)
  const closes = text.endsWith('--') ? scan.open.get(text.slice(0, -2)) : undefined
  if (closes !== undefined && (opens === undefined || closes.depth > opens.depth)) {
    return { owner: closes, closes: true, line, next }
  }
  return opens === undefined ? null : { owner: opens, closes: false, line, next }
}

function isBlank(octet: number | undefined): boolean {
  return octet === 32 || octet === 9 || octet === 13 || octet === 10
}

function endBefore(bytes: Buffer, { line }: Delimiter, body: number): number {
  let end = line
  if (bytes[end - 1] === 10) end -= bytes[end - 2] === 13 ? 2 : 1
  return Math.max(end, body)
}

/** "From ann@example.org Mon Jan …" of an mbox, which some delivery agents leave on top; also quoted. */
function isMboxLine(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 5) === 'From ' || bytes.toString('latin1', 0, 6) === '>From '
}

function contentTypeOf(bytes: Buffer, fields: readonly Field[], fallback: ContentType): ContentType {
  const field = fields.find(({ name }) => name.length === 12 && name.toLowerCase() === 'content-type')
  return field === undefined ? fallback : parseContentType(fieldText(bytes, field))
}

const encodings = new Set<string>(['7bit', '8bit', 'binary', 'quoted-printable', 'base64'])

function encodingOf(bytes: Buffer, fields: readonly Field[]): TransferEncoding {
  const field = fields.find(
    ({ name }) => name.length === 25 && name.toLowerCase() === 'content-transfer-encoding',
  )
  if (field === undefined) return '7bit'
  const [word = ''] = fieldText(bytes, field)
    .toLowerCase()
    .split(/[\s;(]/, 1)
  if (word === '') return '7bit'
  return encodings.has(word) ? (word as TransferEncoding) : 'unknown'
}

/** Blanks at its end cannot be told from padding (RFC 2046 §5.1.1). Kept as Latin-1, octet for octet. */
function boundaryOf({ parameters }: ContentType): string | null {
  const text = Buffer.from(parameters.get('boundary') ?? '', 'utf8')
    .toString('latin1')
    .trimEnd()
  return text === '' || text.length > longestBoundary ? null : text
}

/** RFC 2046 §5.2.1 and RFC 6532 §3.7; an encoded one is opaque, for RFC 2046 forbids it. */
function isPlainMessage({ contentType, encoding }: Head): boolean {
  const isMessage = contentType.subtype === 'rfc822' || contentType.subtype === 'global'
  return (
    contentType.type === 'message' && isMessage && encoding !== 'base64' && encoding !== 'quoted-printable'
  )
}
