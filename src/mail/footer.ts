// A list's header and footer put into a post, MIME-safe (RFC 2045, RFC 2046, RFC 3676). Plain text gets
// it in its own charset and encoding; multipart/mixed gets a part more; everything else, above all signed
// and encrypted mail (RFC 1847), is wrapped whole, so that what was signed stays as it was.
//
// Law: no letter of the post or of the footer is ever lost. Where the charset of the post lacks a letter,
// the footer becomes a part of its own.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { base32 } from '../base/random.ts'
import { longestLine } from './dot-stuffing.ts'
import { type Draft, draftOf, settle } from './draft.ts'
import { isCutShort, mediaType } from './message.ts'
import { inText, longestTextLine, type Position } from './text-footer.ts'
import { encodeBase64, encodeQuotedPrintable } from './transfer-encoding.ts'

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
