// Exim's lists (its specification, chapter 10), as far as a diagnosis has to answer "is this domain, host or local part
// in it". Pure. Law: where an item needs a look-up or an expansion the answer is null, never a guess.
import type { EximText } from './exim-syntax.ts'

/** The items: `a : b`, or `<; a ; b`; a doubled separator stands for itself. */
export function itemsOf(list: string): readonly string[] {
  const [, chosen, rest = ''] = /^\s*<(\S)(.*)$/s.exec(list) ?? []
  const separator = chosen ?? ':'
  const items: string[] = ['']
  const text = chosen === undefined ? list : rest
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] ?? ''
    if (sign === '{') depth += 1
    if (sign === '}') depth -= 1
    if (sign !== separator || depth > 0) items[items.length - 1] += sign
    else if (text[at + 1] === separator) {
      items[items.length - 1] += sign
      at += 1
    } else items.push('')
  }
  return items.map((item) => item.trim()).filter((item) => item !== '')
}

type Named = Pick<EximText, 'lists' | 'main'>

/** Whether a domain is in a domain list; null: only Exim can say. */
export function domainIn(list: string, domain: string, text: Named, hostname: string): boolean | null {
  const name = text.main.get('primary_hostname')?.value ?? hostname
  return memberOf(list, text, (item) => {
    if (item === '@') return domain === name.toLowerCase()
    if (item === '@[]' || item.startsWith('@mx')) return item === '@[]' ? false : null
    if (isMiswritten(item)) return false
    if (/[$;]|^\//.test(item)) return null
    if (item.startsWith('^')) return matches(item, domain)
    if (item.startsWith('*')) return domain.endsWith(item.slice(1).toLowerCase())
    return domain === item.toLowerCase()
  })
}

/** `a.example; b.example`: Exim takes the first domain for the type of a look-up, and puts off all mail that is asked about. */
export const isMiswritten = (item: string): boolean => /^[\w-]+\.[\w.-]*\s*;/.test(item)

/** Whether an IP address is in a host list; null: only Exim can say. */
export function addressIn(list: string, address: string, text: Named): boolean | null {
  return memberOf(list, text, (item) => {
    if (item === '*') return true
    if (item === '@[]') return null
    if (item === '@') return null
    const plain = item.replace(/^\[|\]$/g, '').toLowerCase()
    const [network = '', bits] = plain.split('/')
    if (/^[0-9.]+$/.test(network)) {
      if (!address.includes('.') || address.includes(':')) return false
      const size = bits === undefined ? 32 : Number(bits)
      const mask = size === 0 ? 0 : -1 << (32 - size)
      return (number(network) & mask) === (number(address) & mask)
    }
    if (network.includes(':')) return network === address
    return null // a name: its addresses are the DNS's to say
  })
}

const number = (address: string): number =>
  address.split('.').reduce((all, part) => (all << 8) | Number(part), 0)

/** Exim takes the first item that fits; a list that ends with a negated item has the rest in it. */
function memberOf(
  list: string,
  text: Named,
  fits: (item: string) => boolean | null,
  depth = 0,
): boolean | null {
  if (depth > 20) return null
  const items = itemsOf(list)
  let unknown = false
  for (const item of items) {
    const negated = item.startsWith('!')
    const bare = item.replace(/^!\s*/, '')
    const named = bare.startsWith('+') ? text.lists.get(bare.slice(1))?.value : undefined
    const found =
      bare.startsWith('+') && named !== undefined
        ? memberOf(named, text, fits, depth + 1)
        : bare.startsWith('+')
          ? null
          : fits(bare)
    if (found === true) return unknown ? null : !negated
    if (found === null) unknown = true
  }
  if (unknown) return null
  return items.at(-1)?.startsWith('!') ?? false
}

function matches(item: string, domain: string): boolean | null {
  try {
    return new RegExp(item.replace(/\\\\/g, '\\'), 'i').test(domain)
  } catch {
    return null
  }
}

/** A text as a pattern for itself. */
export const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** The domains that a list names as they are, also through the lists that it names. */
export function plainDomains(list: string, text: Named, depth = 0): readonly string[] {
  return itemsOf(list).flatMap((item) => {
    if (item.startsWith('+') && depth < 20) {
      const named = text.lists.get(item.slice(1))?.value
      return named === undefined ? [] : plainDomains(named, text, depth + 1)
    }
    return /^[\w-]+(\.[\w-]+)+$/.test(item) ? [item.toLowerCase()] : []
  })
}
