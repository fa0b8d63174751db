// What a list and a domain may be called. A name becomes an address, a List-Id (RFC 2919 §3), a key in the mail
// server's tables and the name of a directory, so whatever could mean something else in one of these is refused here.
import { domainToASCII } from 'node:url'
import { isDomain, parseEmailAddress } from '../mail/address.ts'
import { subAddresses } from '../model/list.ts'

export interface ListName {
  /** Lower case. */
  readonly name: string
  readonly mailHost: string
}

export type Named<T> = { readonly value: T } | { readonly wrong: string }

/** RFC 5321 §4.5.3.1.1. */
const longestLocalPart = 64
/** The shortest confirm token, and the longest extension of an envelope sender that names a member. */
const [shortestToken, longestVerp] = [16, 20]

// Blanks, slashes, quotes and non-ASCII are out whatever `listname_chars` says.
const widestName = /^[-_.+=!$*{}~0-9a-z]+$/

/**
 * Reads `NAME@DOMAIN` in any letter case. `characters` is the site's character class, `[-_.0-9a-z]`.
 * Throws Error when that is no character class.
 */
export function parseListName(text: string, characters: string): Named<ListName> {
  const at = text.lastIndexOf('@')
  if (at <= 0) return { wrong: `'${text}' is no list name: write NAME@DOMAIN, as tea@lists.example.org` }
  const domain = parseMailHost(text.slice(at + 1))
  if ('wrong' in domain) return domain
  const name = text.slice(0, at).toLowerCase()
  const allowed = classOf(characters)
  const strange = [...name].find((sign) => !widestName.test(sign) || !allowed.test(sign))
  if (strange !== undefined)
    return { wrong: `'${name}' cannot be a list's name: ${JSON.stringify(strange)} is not in ${characters}` }
  if (name.startsWith('-'))
    return {
      wrong: `'${name}' cannot be a list's name: mail servers refuse addresses that begin with a hyphen (Postfix: allow_min_user)`,
    }
  if (parseEmailAddress(`${name}@${domain.value}`) === null)
    return {
      wrong: `'${name}' cannot be a list's name: dots stand between other signs, never first, last or in a row`,
    }
  if (name.length > longestLocalPart)
    return {
      wrong: `'${name}' has ${name.length} characters, an address takes ${longestLocalPart} before its @`,
    }
  if (name.length + 1 + domain.value.length > 255)
    return { wrong: `'${name}.${domain.value}' is too long for a List-Id: 255 characters are the most` }
  return { value: { name, mailHost: domain.value } }
}

/** What will not work with a name that is allowed; a sentence each. */
export function nameWarnings({ name }: Pick<ListName, 'name'>): readonly string[] {
  const warnings: string[] = []
  const tooLong = [
    ...subAddresses.map((tail) => ({ shown: `${name}-${tail}`, length: name.length + 1 + tail.length })),
    { shown: `${name}-bounces+MEMBER`, length: name.length + '-bounces+'.length + longestVerp },
    { shown: `${name}-confirm+TOKEN`, length: name.length + '-confirm+'.length + shortestToken },
  ].filter(({ length }) => length > longestLocalPart)
  if (tooLong.length > 0)
    warnings.push(
      `some mail servers refuse more than ${longestLocalPart} characters before the @, and these have more: ${tooLong.map(({ shown }) => shown).join(', ')}; a shorter name is safer`,
    )
  const tail = subAddresses.find((one) => name.endsWith(`-${one}`))
  if (tail !== undefined)
    warnings.push(
      `mail to ${name} is a post to this list, so a list ${name.slice(0, -tail.length - 1)} in the same domain has no ${tail} address; Exim sends it to that list all the same`,
    )
  return warnings
}

/** A domain that mail comes to, in lower case: two labels or more, of letters, digits and hyphens (RFC 1123 §2.1). */
export function parseMailHost(text: string): Named<string> {
  const domain = text.toLowerCase()
  const ascii = domainToASCII(domain)
  if (/[^ -~]/.test(domain))
    return { wrong: `'${text}' is no domain in ASCII${ascii === '' ? '' : `: write '${ascii}'`}` }
  const labels = domain.split('.')
  const plain = labels.length >= 2 && labels.every((label) => /^[a-z0-9-]+$/.test(label))
  if (!plain || !isDomain(domain) || /^\d+$/.test(labels.at(-1) ?? ''))
    return {
      wrong: `'${text}' is no mail domain: letters, digits and hyphens between dots, as lists.example.org`,
    }
  return { value: domain }
}

function classOf(characters: string): RegExp {
  if (/^\[[^[\]]+\]$/.test(characters)) {
    try {
      return new RegExp(characters, 'i')
    } catch {
      // Told below, with what it is for.
    }
  }
  throw new Error(`[mailman] listname_chars: '${characters}' is no character class; write it as [-_.0-9a-z]`)
}
