// Makes the members of a list those of a file: who is missing is added, who is not in the file goes. The whole
// difference is known before anything is changed.
import { addressKey } from '../mail/address.ts'
import type { ListNo } from '../model/list.ts'
import type { Store } from '../store/store.ts'
import { type RosterPage, type RosterPlace, rosterPage } from '../store/units/rosters.ts'
import { type MemberLine, type NumberedLine, readLines } from './member-lines.ts'

export interface Difference {
  /** In the order of their addresses, as those that go. */
  readonly toAdd: readonly MemberLine[]
  readonly toRemove: readonly MemberLine[]
  /** Lines of which no address can be made. */
  readonly unreadable: readonly NumberedLine[]
  /** Different addresses in the file. */
  readonly named: number
}

const pageSize = 1000

/** Reads the file, then the roster. Throws Unavailable, and what reading the file throws. */
export async function compareMembers(
  { store }: { readonly store: Pick<Store, 'read'> },
  { list, lines }: { readonly list: ListNo; readonly lines: AsyncIterable<string> | Iterable<string> },
): Promise<Difference> {
  const wanted = new Map<string, MemberLine>()
  const unreadable: NumberedLine[] = []
  for await (const line of readLines(lines)) {
    const { member } = line
    if (member === null) unreadable.push(line)
    else if (!wanted.has(addressKey(member.address))) wanted.set(addressKey(member.address), member)
  }
  const toRemove: MemberLine[] = []
  const named = wanted.size
  for (let after: RosterPlace | null = null; ; ) {
    const page: RosterPage = store.read(rosterPage, { list, roles: ['member'], after, limit: pageSize })
    for (const { key, address, displayName } of page)
      if (!wanted.delete(key)) toRemove.push({ address, displayName })
    after = page.at(-1) ?? null
    if (page.length < pageSize) break
  }
  const toAdd = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, member]) => member)
  return { toAdd, toRemove, unreadable, named }
}
