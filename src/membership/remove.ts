// Removes members by the operator's word: those of a file, or all of a role.
import type { Clock } from '../base/clock.ts'
import type { ListNo } from '../model/list.ts'
import type { Role } from '../model/member.ts'
import type { Store } from '../store/store.ts'
import { removeMembers as removeUnit } from '../store/units/members.ts'
import { type RosterPage, type RosterPlace, rosterPage } from '../store/units/rosters.ts'
import { batches, batchSize, batchSizeWithLetters } from './batches.ts'
import {
  type LineAnswer,
  lettersFor,
  type MemberLetters,
  type MemberLine,
  type NumberedLine,
  readLines,
} from './member-lines.ts'

export interface Removal {
  readonly list: ListNo
  readonly role: Role
  readonly lines: AsyncIterable<string> | Iterable<string>
  /** To each who goes, in the same commit; none where it is left out. */
  readonly letters?: MemberLetters | undefined
}

export type RemovedLine = 'removed' | 'not-there' | 'unreadable'

export interface RemovalTally {
  readonly removed: number
  readonly notThere: number
  readonly unreadable: number
}

interface Needs {
  readonly store: Store
  readonly clock: Clock
}

/** As `addMembers`: in batches, and `report` hears of each batch. Throws Unavailable when the store is down. */
export async function removeMembers(
  { store, clock }: Needs,
  { list, role, lines, letters }: Removal,
  report: (answers: readonly LineAnswer<RemovedLine>[]) => void | Promise<void> = () => undefined,
): Promise<RemovalTally> {
  const tally = { removed: 0, 'not-there': 0, unreadable: 0 }
  const size = letters === undefined ? batchSize : batchSizeWithLetters
  for await (const batch of batches<NumberedLine>(readLines(lines), size)) {
    const members = batch.flatMap(({ member }) => (member === null ? [] : [member]))
    const addresses = members.map(({ address }) => address)
    const more = lettersFor(letters, members)
    const were = await store.commit(removeUnit, { list, role, addresses, now: clock.now(), ...more })
    let next = 0
    const told = batch.map((line): LineAnswer<RemovedLine> => {
      const outcome = line.member === null ? 'unreadable' : were[next++] === true ? 'removed' : 'not-there'
      tally[outcome]++
      return { ...line, outcome }
    })
    await report(told)
  }
  return { removed: tally.removed, notThere: tally['not-there'], unreadable: tally.unreadable }
}

/** Everyone who has the role; `report` hears of those who went, in the order of their addresses. Returns how many went. */
export async function removeAllMembers(
  needs: Needs,
  { list, role, letters }: Omit<Removal, 'lines'>,
  report: (gone: readonly MemberLine[]) => void | Promise<void> = () => undefined,
): Promise<number> {
  const { store, clock } = needs
  const limit = letters === undefined ? batchSize : batchSizeWithLetters
  let gone = 0
  for (let after: RosterPlace | null = null; ; ) {
    const page: RosterPage = store.read(rosterPage, { list, roles: [role], after, limit })
    const addresses = page.map(({ address }) => address)
    const more = lettersFor(letters, page)
    const were = await store.commit(removeUnit, { list, role, addresses, now: clock.now(), ...more })
    const went = page.filter((_, at) => were[at] === true)
    gone += went.length
    await report(went)
    after = page.at(-1) ?? null
    if (page.length < limit) return gone
  }
}
