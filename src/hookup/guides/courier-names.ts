// Domains and addresses as Courier compares them (courier(8), makealiases(8), couriertcpd(1)): which are its own, whose
// mail it takes, what an address is an alias of, what a client may do. Pure.
import { isIPv4, isIPv6 } from 'node:net'
import type { Entry } from './courier-configuration.ts'

/**
 * The line of `locals` or `esmtpacceptmailfor` that takes a domain: it or `.parent`; the first that speaks of the domain
 * counts, so `!DOMAIN` before a wildcard leaves it out. `hostname`: what `*` stands for.
 */
export function domainLine(
  entries: readonly Entry[],
  domain: string,
  hostname: string,
): { readonly entry: Entry; readonly taken: boolean } | null {
  for (const entry of entries) {
    const [, not = '', name = ''] = /^(!?)(\S+)/.exec(entry.text.trim().toLowerCase()) ?? []
    const full = name.startsWith('*') ? `${hostname}${name.slice(1)}` : name
    if (full === domain || (full.startsWith('.') && domain.endsWith(full)))
      return { entry, taken: not === '' }
  }
  return null
}

/** `@lists.example.org: mailman` */
export interface Alias {
  readonly entry: Entry
  /** In small letters: local parts of aliases are compared as written, but for our purpose this is enough. */
  readonly name: string
  readonly targets: readonly string[]
}

export interface AliasesRead {
  readonly aliases: readonly Alias[]
  /** Lines that makealiases refuses. */
  readonly wrong: readonly Entry[]
}

/** A line that begins with a blank goes on. */
export function readAliases(entries: readonly Entry[]): AliasesRead {
  const aliases: { entry: Entry; name: string; text: string }[] = []
  const wrong: Entry[] = []
  for (const entry of entries) {
    const last = aliases.at(-1)
    if (/^\s/.test(entry.text) && last?.entry.file === entry.file) {
      last.text += entry.text
      continue
    }
    const [, name, text = ''] = /^\s*([^:]+?)\s*:(.*)$/.exec(entry.text) ?? []
    if (name === undefined) wrong.push(entry)
    else aliases.push({ entry, name: name.toLowerCase(), text })
  }
  return {
    wrong,
    aliases: aliases.map(({ entry, name, text }) => ({
      entry,
      name,
      targets: text
        .split(',')
        .map((target) => target.trim())
        .filter((target) => target !== ''),
    })),
  }
}

/** What `smtpaccess` says of a client: the entry that names its address, or the longest network around it. */
export function accessFor(entries: readonly Entry[], address: string): AccessEntry | null {
  let best: AccessEntry | null = null
  for (const entry of entries) {
    const [key = '', rest = ''] = entry.text.trim().split(/\s+(.*)/s)
    const width = widthOf(key, address)
    if (width === null || (best !== null && best.width > width)) continue
    const [action = '', ...words] = rest.split(',')
    const variables = new Map<string, string>()
    for (const word of words) {
      const [, name = '', value] = /^\s*([^=]+)(?:="?([^"]*)"?)?\s*$/.exec(word) ?? []
      variables.set(name.trim(), value ?? '')
    }
    best = { entry, width, allows: action.trim() === 'allow', variables }
  }
  return best
}

export interface AccessEntry {
  readonly entry: Entry
  /** How many bits of the address it names. */
  readonly width: number
  readonly allows: boolean
  /** `RELAYCLIENT`, `BLOCK`: what is set without a value is ''. */
  readonly variables: ReadonlyMap<string, string>
}

/** How much of an address a key names: `127.0.0.1`, `192.168`, `10.0.0.0/8`, `:fec0`, `fec0::/16`; null: it does not. */
function widthOf(key: string, address: string): number | null {
  const [network = '', bits] = key.toLowerCase().split('/')
  if (isIPv4(address)) {
    const part = network.replace(/^:?(0000:){5}ffff:|^::ffff:/, '').replace(/\.$/, '')
    if (bits === undefined) {
      const fits = address === part || address.startsWith(`${part}.`)
      return fits && part !== '' ? part.split('.').length * 8 : null
    }
    return isIPv4(part) && sameBits(octetsOf(part), octetsOf(address), Number(bits)) ? Number(bits) : null
  }
  const full = expandIPv6(address)
  if (bits !== undefined) {
    const there = expandIPv6(network.replace(/^:(?!:)/, ''))
    return there !== null && full !== null && sameBits(wordsOf(there), wordsOf(full), Number(bits))
      ? Number(bits)
      : null
  }
  // Courier writes IPv6 with a colon first and all zeros; a part of it is a network.
  const written =
    network.startsWith(':') && !network.startsWith('::') ? network.slice(1) : expandIPv6(network)
  if (written === null || written === '' || full === null) return null
  const part = written.replace(/:$/, '')
  return full === part || full.startsWith(`${part}:`) ? part.split(':').length * 16 : null
}

const octetsOf = (address: string): string =>
  address
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('')

const wordsOf = (address: string): string =>
  address
    .split(':')
    .map((word) => Number.parseInt(word, 16).toString(2).padStart(16, '0'))
    .join('')

const sameBits = (a: string, b: string, count: number): boolean => a.slice(0, count) === b.slice(0, count)

/** `::1` as `0000:0000:0000:0000:0000:0000:0000:0001`; null for what is no IPv6 address. */
export function expandIPv6(address: string): string | null {
  if (!isIPv6(address) || address.includes('.')) return null
  const [head = '', tail] = address.split('::')
  const split = (text: string): readonly string[] => (text === '' ? [] : text.split(':'))
  const [before, after] = [split(head), split(tail ?? '')]
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill('0'), ...after]
    .map((word) => word.toLowerCase().padStart(4, '0'))
    .join(':')
}

/** As a line of `smtpaccess` begins. */
export const accessKey = (address: string): string =>
  isIPv6(address) ? `:${expandIPv6(address) ?? address}` : address
