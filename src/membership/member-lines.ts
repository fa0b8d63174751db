// Files of members, a person a line, as list owners keep them: `Ann Person <ann@example.org>` or the bare address.

import { type EmailAddress, parseEmailAddress } from '../mail/address.ts'
import type { Mailbox } from '../mail/address-list.ts'
import { decodeWords } from '../mail/encoded-words.ts'
import type { Letter } from '../store/units/letters.ts'
import type { Letters } from '../store/units/members.ts'

export interface MemberLine {
  readonly address: EmailAddress
  /** '' where the line gives none. */
  readonly displayName: string
}

/** `skip`: an empty line, or one that starts with `#`. */
export type ReadLine =
  | ({ readonly kind: 'member' } & MemberLine)
  | { readonly kind: 'skip' }
  | { readonly kind: 'unreadable' }

/** A name longer than this is cut; no mailer shows more. */
const longestName = 256

/** The line that is read as this member. A name stands as it is, but for one that would be read as something else. */
export function formatMemberLine({ address, displayName }: MemberLine): string {
  if (displayName === '') return address
  const isPlain = !/^[#"]|=\?/.test(displayName)
  return `${isPlain ? displayName : `"${displayName.replace(/["\\]/g, '\\$&')}"`} <${address}>`
}

/** A line that is not skipped, with its number in the file; `member` null: no address can be made of it. */
export interface NumberedLine {
  readonly no: number
  readonly line: string
  readonly member: MemberLine | null
  /** It holds bytes that are no UTF-8; a name with them is left out. */
  readonly garbled: boolean
}

export type LineAnswer<T> = NumberedLine & { readonly outcome: T }

/** How the letter to each is written; null for none. */
export interface MemberLetters {
  readonly write: (to: Mailbox) => Letter | null
  readonly retryPeriod: number
}

/** The lines that tell of somebody, in order; numbers begin with 1. */
export async function* readLines(
  lines: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<NumberedLine> {
  let no = 0
  for await (const line of lines) {
    no += 1
    const parsed = parseMemberLine(line)
    if (parsed.kind === 'skip') continue
    const member =
      parsed.kind === 'member' ? { address: parsed.address, displayName: parsed.displayName } : null
    yield { no, line: line.trim(), member, garbled: line.includes(broken) }
  }
}

/** The letters to these, as the units of the store take them. */
export function lettersFor(
  letters: MemberLetters | undefined,
  to: readonly MemberLine[],
): { readonly letters?: Letters } {
  if (letters === undefined) return {}
  const each = to.map(({ address, displayName }) => letters.write({ name: displayName, address }))
  return { letters: { each, retryPeriod: letters.retryPeriod } }
}

/** Work linear in the line. The name is what stands before the last `<`, commas and all. */
export function parseMemberLine(line: string): ReadLine {
  const text = line.replace(/^\ufeff/, '').trim()
  if (text === '' || text.startsWith('#')) return { kind: 'skip' }
  const opening = text.endsWith('>') ? text.lastIndexOf('<') : -1
  const spec = opening < 0 ? text : text.slice(opening + 1, -1).trim()
  const address = spec.includes(broken) ? null : parseEmailAddress(spec)
  if (address === null) return { kind: 'unreadable' }
  return { kind: 'member', address, displayName: opening < 0 ? '' : nameOf(text.slice(0, opening)) }
}

/** What a decoder puts where the bytes are no UTF-8. A name with it is left out, an address is none. */
const broken = '\ufffd'

function nameOf(text: string): string {
  const phrase = text.trim()
  if (phrase.includes(broken)) return ''
  const quoted = phrase.length >= 2 && phrase.startsWith('"') && phrase.endsWith('"')
  // Programs that write headers export encoded words; between quotes they are text (RFC 2047 §5).
  const name = quoted ? phrase.slice(1, -1).replace(/\\(.)/g, '$1') : decodeWords(phrase)
  return name
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, longestName)
    .toWellFormed()
}
