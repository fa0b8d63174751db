// Which lists a doctor looks at one by one: all of them while they are few; else some, the oldest and the newest of each
// domain among them, spread over the alphabet. Pure.
import type { Finding, HostFacts } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { tails } from '../list-addresses.ts'

/** What stands behind the delimiter in addresses that are asked about. */
export const askedToken = 'doctor0asks'

export interface ListSample {
  readonly domain: DirectoryDomain
  readonly names: readonly string[]
}

/** A sample of each domain, `most` lists in all or a few more, and how many lists are left out. */
export function sampleLists(
  { domains, oldestAndNewest }: Pick<HostFacts, 'domains' | 'oldestAndNewest'>,
  most: number,
): { readonly samples: readonly ListSample[]; readonly left: number } {
  const all = domains.reduce((sum, { listNames }) => sum + listNames.length, 0)
  const samples = domains.map((domain): ListSample => {
    const { listNames, mailHost } = domain
    if (all <= most) return { domain, names: listNames }
    const share = Math.max(3, Math.floor((most * listNames.length) / all))
    const ends = oldestAndNewest?.get(mailHost) ?? []
    return { domain, names: spread(listNames, share, ends) }
  })
  const taken = samples.reduce((sum, { names }) => sum + names.length, 0)
  return { samples, left: all - taken }
}

/** `count` of the names in their order, or as many as there are, with those that must be among them. */
function spread(names: readonly string[], count: number, must: readonly string[]): readonly string[] {
  if (names.length <= count) return names
  const step = (names.length - 1) / Math.max(1, count - 1)
  const chosen = new Set(Array.from({ length: count }, (_, i) => names[Math.round(i * step)]))
  for (const name of must) chosen.add(name)
  return names.filter((name) => chosen.has(name))
}

/** Every address of a list, the posting address first; with an extension where a delimiter says so. */
export function addressesOf(name: string, mailHost: string, delimiter: string): readonly string[] {
  const bare = tails.map((tail) => `${name}${tail}@${mailHost}`)
  if (delimiter === '') return bare
  return [
    ...bare,
    ...['bounces', 'confirm'].map((tail) => `${name}-${tail}${delimiter}${askedToken}@${mailHost}`),
  ]
}

/** What is true of many addresses is told once, with their names; without names where `isAll` says that it is so of all. */
export function toldOnce(
  told: readonly { readonly address: string; readonly found: Finding }[],
  isAll: boolean,
): readonly Finding[] {
  const groups = new Map<string, { readonly found: Finding; readonly addresses: string[] }>()
  for (const { address, found } of told) {
    const key = `${found.kind.code} ${found.file} ${found.line}`
    const known = groups.get(key)
    if (known === undefined) groups.set(key, { found, addresses: [address] })
    else known.addresses.push(address)
  }
  return [...groups.values()].map(({ found, addresses }) =>
    addresses.length === 1 || isAll
      ? found
      : { ...found, seen: `${found.seen}; so it is with ${manyAddresses(addresses)}` },
  )
}

/** `tea@…` or `tea@… and 3 more: milk@…, …`. */
export function manyAddresses(addresses: readonly string[]): string {
  const [first = '', ...more] = addresses
  if (more.length === 0) return first
  const told = more.slice(0, 5)
  return `${first} and ${more.length} more (${told.join(', ')}${more.length > told.length ? ', …' : ''})`
}
