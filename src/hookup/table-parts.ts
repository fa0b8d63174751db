// The text of a table in parts, one for each domain, so that a new list costs its own domain alone: a part that did not
// change is the very string that it was, and neither written, read nor compared again letter by letter.
import type { DirectoryDomain } from '../model/mail-server.ts'
import { byCodePoint } from './list-addresses.ts'

/** Joined they are the text. */
export type Parts = readonly string[]

export const sameParts = (a: Parts, b: Parts): boolean =>
  a.length === b.length && a.every((part, i) => part === b[i])

/** The domain that a part is named by, with the domains whose lists are found in it. */
export type Group = readonly [domain: string, members: readonly DirectoryDomain[]]

/** What begins the comment above the lists of a domain, where a table has comments. */
export const partMark = '# Lists of '

/** What a domain's lists looked like: the very values that the lines are made from. */
interface Seen {
  readonly members: readonly DirectoryDomain[]
  readonly part: string
}

/** Gives each group its part, in order; remembers those of the last time. `lines` writes what one list needs. */
export function partsByGroup(
  heading: (group: string) => string,
  lines: (group: string, name: string, domain: DirectoryDomain) => string,
): (groups: readonly Group[]) => Parts {
  let known: ReadonlyMap<string, Seen> = new Map()
  return (groups) => {
    const next = new Map<string, Seen>()
    for (const [group, members] of groups) {
      const seen = known.get(group)
      next.set(group, seen !== undefined && sameMembers(seen.members, members) ? seen : write(group, members))
    }
    known = next
    return [...next.values()].map(({ part }) => part)
  }

  function write(group: string, members: readonly DirectoryDomain[]): Seen {
    const lists = members.flatMap((domain) => domain.listNames.map((name) => ({ name, domain })))
    lists.sort((a, b) => byCodePoint(a.name, b.name))
    const text = lists.map(({ name, domain }) => lines(group, name, domain)).join('')
    return { members, part: heading(group) + text }
  }
}

const sameMembers = (a: readonly DirectoryDomain[], b: readonly DirectoryDomain[]): boolean =>
  a.length === b.length && a.every((domain, i) => sameDomain(domain, b[i]))

function sameDomain(a: DirectoryDomain, b: DirectoryDomain | undefined): boolean {
  return (
    b !== undefined &&
    a.mailHost === b.mailHost &&
    a.aliasDomain === b.aliasDomain &&
    sameNames(a.listNames, b.listNames)
  )
}

/** The same names in the same order. */
export const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, i) => name === b[i])

/** The domains that have lists, each a group of its own, in order. */
export const eachDomain = (domains: readonly DirectoryDomain[]): readonly Group[] =>
  domains
    .filter(({ listNames }) => listNames.length > 0)
    .sort((a, b) => byCodePoint(a.mailHost, b.mailHost))
    .map((domain) => [domain.mailHost, [domain]])
