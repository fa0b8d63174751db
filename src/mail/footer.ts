// A list's header and footer put into a post, MIME-safe (RFC 2045, RFC 2046, RFC 3676). Plain text gets
// it in its own charset and encoding; multipart/mixed gets a part more; everything else, above all signed
// and encrypted mail (RFC 1847), is wrapped whole, so that what was signed stays as it was.
//
// Law: no letter of the post or of the footer is ever lost. Where the charset of the post lacks a letter,
// the footer becomes a part of its own.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { base32 } from '../base/random.ts'
import { encodeCharset } from './charset.ts'
import { parseDisposition } from './content-type.ts'
import { longestLine } from './dot-stuffing.ts'
import { type Draft, draftOf, type Splice, settle } from './draft.ts'
import { isCutShort, mediaType, type Part } from './message.ts'
import { decodeBody, encodeBase64, encodeQuotedPrintable } from './transfer-encoding.ts'

export type Position = 'header' | 'footer'

/** The draft with this text above or below the post; an empty text changes nothing. */
export function addFooter(draft: Draft, text: string, { position }: { readonly position: Position }): Draft {
  if (text.trim() === '') return draft
  const settled = isAsParsed(draft) ? draft : settle(draft)
  const lines = `${text
    .toWellFormed()
    .replace(/\r\n|\r|\n/g, '\r\n')
    .replace(/(?:\r\n)+$/, '')}\r\n`
  const { message } = settled
  if (isCutShort(message)) return wrapped(settled, lines, position)
  return (
    inText(settled, lines, position) ?? inMixed(settled, lines, position) ?? wrapped(settled, lines, position)
  )
}

/** True while the tree in `draft.message` still tells the truth about the draft. */
function isAsParsed({ message, headers, splices }: Draft): boolean {
  const original = draftOf(message).headers
  const same = (name: string) => headers.get(name) === original.get(name)
  return (
    splices.length === 0 && ['Content-Type', 'Content-Transfer-Encoding', 'Content-Disposition'].every(same)
  )
}

/** Into a text/plain post; null where it is none, or cannot take these letters. */
function inText(draft: Draft, text: string, position: Position): Draft | null {
  const { root, bytes } = draft.message
  const disposition = parseDisposition(draft.headers.get('Content-Disposition') ?? '').value
  if (mediaType(root) !== 'text/plain' || disposition === 'attachment' || root.encoding === 'unknown')
    return null
  const charset = root.contentType.parameters.get('charset') ?? 'us-ascii'
  const flowed = root.contentType.parameters.get('format')?.toLowerCase() === 'flowed'
  const added = encodeCharset(flowed ? flow(text) : text, charset)
  if (added === null || longestLine(added) > longestTextLine) return null
  const body = bytes.subarray(root.body, root.end)
  const content = decodeBody(body, root.encoding)
  if (/^iso-2022/i.test(charset) && !endsInAscii(content)) return null
  const splice = splicers[position](root, body, content, added, flowed)
  const spliced: Draft = { ...draft, splices: [splice] }
  const isNewlyEightBit = root.encoding === '7bit' && added.some((octet) => octet > 127)
  if (!isNewlyEightBit) return spliced
  return { ...spliced, headers: spliced.headers.replaced('Content-Transfer-Encoding', '8bit') }
}

const longestTextLine = 998 // RFC 5322 §2.1.1

type Splicer = (
  part: Part,
  body: Uint8Array,
  content: Uint8Array,
  added: Uint8Array,
  flowed: boolean,
) => Splice

const splicers: Readonly<Record<Position, Splicer>> = { header: above, footer: below }

function above(part: Part, body: Uint8Array, content: Uint8Array, added: Uint8Array): Splice {
  if (part.encoding === 'quoted-printable') {
    return { at: part.body, length: 0, bytes: Buffer.from(encodeQuotedPrintable(added)) }
  }
  if (part.encoding !== 'base64') return { at: part.body, length: 0, bytes: added }
  const all = Buffer.concat([inLineEndsOf(content, added), content])
  return { at: part.body, length: body.length, bytes: Buffer.from(`${encodeBase64(all)}\r\n`) }
}

function below(
  part: Part,
  body: Uint8Array,
  content: Uint8Array,
  added: Uint8Array,
  flowed: boolean,
): Splice {
  const gap = gapAfter(content, flowed)
  if (part.encoding === 'base64') return belowBase64(part, body, content, Buffer.concat([gap, added]))
  if (part.encoding !== 'quoted-printable') {
    return { at: part.end, length: 0, bytes: Buffer.concat([gap, added]) }
  }
  // The octets may end in a soft line break, which an added line end would only complete.
  const soft = /=[ \t]*(\r?\n)?$/.exec(Buffer.from(body.subarray(-200)).toString('latin1'))
  const end = soft !== null && soft[1] === undefined ? '\r\n' : ''
  return { at: part.end, length: 0, bytes: Buffer.from(`${end}${gap}${encodeQuotedPrintable(added)}`) }
}

/** Only the last quantum and its padding are written anew; all of it where the base64 is not clean. */
function belowBase64(part: Part, body: Uint8Array, content: Uint8Array, added: Uint8Array): Splice {
  const addition = inLineEndsOf(content, added)
  const kept = wholeQuanta(body)
  if (kept === null) {
    const all = Buffer.concat([content, addition])
    return { at: part.body, length: body.length, bytes: Buffer.from(`${encodeBase64(all)}\r\n`) }
  }
  const tail = content.subarray(kept.octets)
  const column = kept.end - (body.lastIndexOf(10, kept.end - 1) + 1)
  const encoded = encodeBase64(Buffer.concat([tail, addition]), kept.end === 0 ? 0 : column)
  const bytes = Buffer.from(`${encoded}\r\n`)
  return { at: part.body + kept.end, length: body.length - kept.end, bytes }
}

/** Where the whole quanta of clean base64 end, and how many octets they are; null where it is not clean. */
function wholeQuanta(body: Uint8Array): { end: number; octets: number } | null {
  let letters = 0
  let end = 0
  let padded = false
  for (const [i, octet] of body.entries()) {
    if (octet === 13 || octet === 10) continue
    if (octet === 61) padded = true
    else if (padded || !isBase64Letter(octet)) return null
    else if (++letters % 4 === 0) end = i + 1
  }
  return { end, octets: Math.floor(letters / 4) * 3 }
}

function isBase64Letter(octet: number): boolean {
  const letter = octet | 0x20
  return (
    (letter >= 97 && letter <= 122 && octet >= 65) ||
    (octet >= 48 && octet <= 57) ||
    octet === 43 ||
    octet === 47
  )
}

/** What brings the text to the start of a line that does not flow into it (RFC 3676 §4.4). */
function gapAfter(content: Uint8Array, flowed: boolean): Buffer {
  const end = Buffer.from(content.subarray(-100)).toString('latin1')
  const needsLineEnd = end !== '' && !end.endsWith('\n')
  const lastLine = /([^\n]*?)\r?\n?$/.exec(end)?.[1] ?? ''
  const flows = flowed && lastLine.endsWith(' ') && lastLine !== '-- '
  return Buffer.from((needsLineEnd ? '\r\n' : '') + (flows ? '\r\n' : ''))
}

/** RFC 3676 §4.2, §4.4: no line of ours flows; those that begin with a blank, `>` or `From ` are stuffed. */
function flow(text: string): string {
  return text
    .split('\r\n')
    .map((line) => (line === '-- ' ? line : line.trimEnd().replace(/^(?= |>|From )/, ' ')))
    .join('\r\n')
}

/** Base64 may hide text with lone LF; ours then has the same. */
function inLineEndsOf(content: Uint8Array, added: Uint8Array): Uint8Array {
  const lf = content.indexOf(10)
  if (lf < 0 || content[lf - 1] === 13) return added
  return Buffer.from(Buffer.from(added).toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
}

/** RFC 1468: the last escape of ISO-2022 text must have gone back to ASCII. */
function endsInAscii(content: Uint8Array): boolean {
  const last = content.lastIndexOf(27)
  return last < 0 || (content[last + 1] === 40 && content[last + 2] === 66)
}

/** Into a multipart/mixed as its first or last part; null where it has none. */
function inMixed(draft: Draft, text: string, position: Position): Draft | null {
  const { root, bytes } = draft.message
  const [first] = root.children
  if (mediaType(root) !== 'multipart/mixed' || root.boundary === null || first === undefined) return null
  const part = textPart(text, root.boundary)
  const delimiter = `--${root.boundary}`
  const opening = Buffer.from(`${delimiter}\r\n${part}\r\n`, 'latin1')
  if (position === 'header') {
    const line = Math.max(root.body, bytes.lastIndexOf(10, first.start - 2) + 1)
    return { ...draft, splices: [{ at: line, length: 0, bytes: opening }] }
  }
  if (root.closing !== null) return { ...draft, splices: [{ at: root.closing, length: 0, bytes: opening }] }
  const closed = Buffer.concat([Buffer.from('\r\n'), opening, Buffer.from(`${delimiter}--\r\n`, 'latin1')])
  return { ...draft, splices: [{ at: root.end, length: 0, bytes: closed }] }
}

/** The post, whatever it is, as one part of a new multipart/mixed, its Content-* fields with it. */
function wrapped(draft: Draft, text: string, position: Position): Draft {
  const { message, headers } = draft
  const { root, bytes } = message
  const boundary = boundaryFor(bytes.subarray(root.body), text)
  const isContent = (name: string) => /^content-/i.test(name)
  const type = `multipart/mixed; boundary="${boundary}"`
  let outer = headers
    .filter((name) => !isContent(name) || name.toLowerCase() === 'content-type')
    .replaced('Content-Type', type)
  if (!outer.has('MIME-Version')) outer = outer.with('MIME-Version', '1.0')
  // RFC 2045 §6.4: a multipart says what its parts need at most.
  const isWide = root.encoding === '8bit' || root.encoding === 'binary'
  if (isWide) outer = outer.with('Content-Transfer-Encoding', root.encoding)
  const part = textPart(text, boundary)
  const above = position === 'header' ? `--${boundary}\r\n${part}\r\n` : ''
  const below = position === 'footer' ? `--${boundary}\r\n${part}\r\n` : ''
  const head = [Buffer.from(`${above}--${boundary}\r\n`), headers.fieldBytes(isContent), Buffer.from('\r\n')]
  return {
    ...draft,
    headers: outer,
    splices: [
      { at: root.body, length: 0, bytes: Buffer.concat(head) },
      { at: bytes.length, length: 0, bytes: Buffer.from(`\r\n${below}--${boundary}--\r\n`) },
    ],
  }
}

/** The text as a part, header and all; as base64 where it would hold the boundary. */
function textPart(text: string, boundary: string): string {
  const octets = Buffer.from(text, 'utf8')
  const isPlain = /^[\t\r\n -~]*$/.test(text) && longestLine(octets) <= longestTextLine
  const quoted = encodeQuotedPrintable(octets)
  const isShort = quoted.length <= (octets.length * 4) / 3 && !quoted.includes(boundary)
  const [encoding, body] =
    isPlain && !text.includes(boundary)
      ? ['7bit', text]
      : isShort
        ? ['quoted-printable', quoted]
        : ['base64', `${encodeBase64(octets)}\r\n`]
  return [
    `Content-Type: text/plain; charset="${isPlain ? 'us-ascii' : 'utf-8'}"`,
    `Content-Transfer-Encoding: ${encoding}`,
    'Content-Disposition: inline',
    '',
    body,
  ].join('\r\n')
}

/** Made from the content, so that the same post gets the same; `=_` stands in no encoded text (RFC 2045 §6.7). */
function boundaryFor(body: Uint8Array, text: string): string {
  const content = Buffer.from(body.buffer, body.byteOffset, body.length)
  const seed = createHash('sha256').update(text).update(content).digest()
  for (let turn = 0; ; turn++) {
    const digest = createHash('sha256').update(seed).update(String(turn)).digest()
    const boundary = `=_posthorn_${base32(digest.subarray(0, 15))}`
    if (!content.includes(boundary)) return boundary
  }
}
