// Files of members, a person a line, as list owners keep them: `Ann Person <ann@example.org>` or the bare address.
import { type EmailAddress, parseEmailAddress } from '../mail/address.ts'

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

/** Work linear in the line. The name is what stands before the last `<`, commas and all. */
export function parseMemberLine(line: string): ReadLine {
  const text = line.replace(/^\ufeff/, '').trim()
  if (text === '' || text.startsWith('#')) return { kind: 'skip' }
  const opening = text.endsWith('>') ? text.lastIndexOf('<') : -1
  const spec = opening < 0 ? text : text.slice(opening + 1, -1).trim()
  const address = parseEmailAddress(spec)
  if (address === null) return { kind: 'unreadable' }
  return { kind: 'member', address, displayName: opening < 0 ? '' : nameOf(text.slice(0, opening)) }
}

function nameOf(text: string): string {
  const phrase = text.trim()
  const quoted = phrase.length >= 2 && phrase.startsWith('"') && phrase.endsWith('"')
  const name = quoted ? phrase.slice(1, -1).replace(/\\(.)/g, '$1') : phrase
  return name
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, longestName)
    .toWellFormed()
}
