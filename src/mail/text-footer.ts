// A list's header or footer put into a text/plain post, in the post's own charset and transfer encoding
// (RFC 2045 §6, RFC 3676). Law: what the text said before it still says, letter for letter; where that
// cannot be, nothing is done and `footer.ts` makes a part of its own.
import { Buffer } from 'node:buffer'
import { encodeCharset } from './charset.ts'
import { parseDisposition } from './content-type.ts'
import { longestLine } from './dot-stuffing.ts'
import type { Draft, Splice } from './draft.ts'
import { mediaType, type Part } from './message.ts'
import { decodeBody, encodeBase64, encodeQuotedPrintable } from './transfer-encoding.ts'

export type Position = 'header' | 'footer'

/** RFC 5322 §2.1.1. */
export const longestTextLine = 998

/** Into a text/plain post; null where it is none, or cannot take these letters. */
export function inText(draft: Draft, text: string, position: Position): Draft | null {
  const { root, bytes } = draft.message
  const disposition = parseDisposition(draft.headers.get('Content-Disposition') ?? '').value
  const isText = mediaType(root) === 'text/plain' && disposition !== 'attachment'
  if (!isText || root.encoding === 'unknown') return null
  const charset = root.contentType.parameters.get('charset') ?? 'us-ascii'
  const flowed = root.contentType.parameters.get('format')?.toLowerCase() === 'flowed'
  const added = encodeCharset(flowed ? flow(text) : text, charset)
  if (added === null || longestLine(added) > longestTextLine) return null
  const body = bytes.subarray(root.body, root.end)
  const content = decodeBody(body, root.encoding)
  if (/^iso-2022/i.test(charset) && !endsInAscii(content)) return null
  const post: TextPost = { part: root, body, content, flowed }
  const spliced: Draft = {
    ...draft,
    splices: [position === 'header' ? above(post, added) : below(post, added)],
  }
  const isNewlyEightBit = root.encoding === '7bit' && added.some((octet) => octet > 127)
  if (!isNewlyEightBit) return spliced
  return { ...spliced, headers: spliced.headers.replaced('Content-Transfer-Encoding', '8bit') }
}

interface TextPost {
  readonly part: Part
  /** As it stands in the message. */
  readonly body: Uint8Array
  /** The same, decoded. */
  readonly content: Uint8Array
  readonly flowed: boolean
}

function above({ part, body, content }: TextPost, added: Uint8Array): Splice {
  if (part.encoding === 'quoted-printable') {
    return { at: part.body, length: 0, bytes: Buffer.from(encodeQuotedPrintable(added)) }
  }
  if (part.encoding !== 'base64') return { at: part.body, length: 0, bytes: added }
  const all = Buffer.concat([inLineEndsOf(content, added), content])
  return { at: part.body, length: body.length, bytes: Buffer.from(`${encodeBase64(all)}\r\n`) }
}

function below({ part, body, content, flowed }: TextPost, added: Uint8Array): Splice {
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
