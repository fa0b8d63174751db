// Content-Type and Content-Disposition: a value and its parameters (RFC 2045 §5.1, RFC 2231), read as
// mail programs really write them: quotes that never close, blanks where quotes were due, comments.
import { Buffer } from 'node:buffer'
import { decodeCharset } from './charset.ts'

export type Parameters = ReadonlyMap<string, string>

export interface ContentType {
  /** Lower case, as is the subtype. */
  readonly type: string
  readonly subtype: string
  /** Names in lower case; values as given, RFC 2231 continuations joined and decoded. */
  readonly parameters: Parameters
}

export const plainText: ContentType = { type: 'text', subtype: 'plain', parameters: new Map() }
export const wholeMessage: ContentType = { type: 'message', subtype: 'rfc822', parameters: new Map() }

/** Text that is no media type counts as text/plain (RFC 2045 §5.2). */
export function parseContentType(text: string): ContentType {
  const value = withoutLeadingComment(text)
  const match = /^\s*([^\s;/()<>"]+)\s*\/\s*([^\s;/()<>",]+)/.exec(value)
  if (match === null) return plainText
  const [whole, type = '', subtype = ''] = match
  const parameters = parseParameters(value.slice(whole.length))
  return { type: type.toLowerCase(), subtype: subtype.toLowerCase(), parameters }
}

/** The value of Content-Disposition in lower case, and its parameters (RFC 2183). */
export function parseDisposition(text: string): { readonly value: string; readonly parameters: Parameters } {
  const match = /^\s*([^\s;()]*)/.exec(text)
  const [whole, value] = [match?.[0] ?? '', match?.[1] ?? '']
  return { value: value.toLowerCase(), parameters: parseParameters(text.slice(whole.length)) }
}

/** Reads `; name=value` as often as it stands there; of two with one name the first counts. */
export function parseParameters(text: string): Parameters {
  const plain = new Map<string, string>()
  const sections = new Map<string, Section[]>()
  let at = 0
  while (at < text.length) {
    const equals = text.indexOf('=', at)
    if (equals < 0) break
    const semicolon = text.indexOf(';', at)
    if (semicolon >= 0 && semicolon < equals) {
      at = semicolon + 1 // a word without a value
      continue
    }
    const name = text.slice(at, equals).trim().toLowerCase()
    const { value, end } = valueAt(text, equals + 1)
    keep(name, value, plain, sections)
    at = end
  }
  for (const [name, list] of sections) plain.set(name, joinSections(list))
  return plain
}

interface Section {
  readonly number: number
  readonly encoded: boolean
  readonly value: string
}

/** Sorts a parameter among the plain ones, or the `name*`, `name*0`, `name*0*` of RFC 2231 §3 and §4. */
function keep(
  name: string,
  value: string,
  plain: Map<string, string>,
  sections: Map<string, Section[]>,
): void {
  const star = name.indexOf('*')
  if (star < 0) {
    if (name !== '' && !plain.has(name)) plain.set(name, value)
    return
  }
  const match = /^\*(?:(\d{1,4})(\*)?)?$/.exec(name.slice(star))
  if (match === null || star === 0) return
  const number = Number(match[1] ?? 0)
  const encoded = match[1] === undefined || match[2] !== undefined
  const list = sections.get(name.slice(0, star)) ?? []
  list.push({ number, encoded, value })
  sections.set(name.slice(0, star), list)
}

function joinSections(sections: readonly Section[]): string {
  const ordered = sections.toSorted((a, b) => a.number - b.number)
  const first = ordered[0]?.encoded ? /^([^']*)'[^']*'/.exec(ordered[0].value) : null
  const octets: Uint8Array[] = []
  for (const [i, { encoded, value }] of ordered.entries()) {
    const text = i === 0 && first !== null ? value.slice(first[0].length) : value
    octets.push(encoded ? percentDecode(text) : Buffer.from(text, 'utf8'))
  }
  return decodeCharset(Buffer.concat(octets), first?.[1] ?? '')
}

function percentDecode(text: string): Uint8Array {
  const octets = Buffer.from(text, 'utf8')
  const out: number[] = []
  for (let i = 0; i < octets.length; i++) {
    const hex = octets[i] === 0x25 ? octets.toString('latin1', i + 1, i + 3) : ''
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      out.push(Number.parseInt(hex, 16))
      i += 2
    } else out.push(octets[i] ?? 0)
  }
  return Uint8Array.from(out)
}

/** The value from `start` on, quoted or not, and the offset past the semicolon after it. */
function valueAt(text: string, start: number): { value: string; end: number } {
  let at = start
  while (text[at] === ' ' || text[at] === '\t') at++
  if (text[at] === '"') {
    const quoted = quotedAt(text, at)
    if (quoted !== null) {
      const semicolon = text.indexOf(';', quoted.end)
      return { value: quoted.value, end: semicolon < 0 ? text.length : semicolon + 1 }
    }
    at++ // the quote is never closed: read on as if there were none
  }
  const semicolon = text.indexOf(';', at)
  const end = semicolon < 0 ? text.length : semicolon
  const bare = text.slice(at, end)
  const comment = bare.search(/[ \t]\(/)
  return { value: (comment < 0 ? bare : bare.slice(0, comment)).trim(), end: end + 1 }
}

function quotedAt(text: string, start: number): { value: string; end: number } | null {
  let value = ''
  let from = start + 1
  for (let i = from; i < text.length; i++) {
    if (text[i] === '"') return { value: value + text.slice(from, i), end: i + 1 }
    if (text[i] === '\\' && i + 1 < text.length) {
      value += text.slice(from, i)
      from = ++i
    }
  }
  return null
}

function withoutLeadingComment(text: string): string {
  return text.replace(/^\s*\([^()]*\)/, '')
}
