// Removes members by the operator's word, those of a file or all of a role. No letter is sent.
import type { EmailAddress } from '../mail/address.ts'
import type { ListNo } from '../model/list.ts'
import type { Role } from '../model/member.ts'
import type { Store } from '../store/store.ts'
import { removeSomeMembers, removeMembers as removeUnit } from '../store/units/members.ts'
import { batches, batchSize } from './batches.ts'
import { parseMemberLine } from './member-lines.ts'

export interface Removal {
  readonly list: ListNo
  readonly role: Role
  readonly lines: AsyncIterable<string> | Iterable<string>
}

export type RemovedLine = 'removed' | 'not-there' | 'unreadable'

export interface RemovalTally {
  readonly removed: number
  readonly notThere: number
  readonly unreadable: number
}

/** As `addMembers`: 500 at a time, and `report` hears of each line in order. Throws Unavailable when the store is down. */
export async function removeMembers(
  { store }: { readonly store: Store },
  { list, role, lines }: Removal,
  report: (outcome: RemovedLine, line: string) => void = () => undefined,
): Promise<RemovalTally> {
  const tally = { removed: 0, 'not-there': 0, unreadable: 0 }
  for await (const batch of batches(lines)) {
    const read = batch
      .map((line) => ({ line, parsed: parseMemberLine(line) }))
      .filter(({ parsed }) => parsed.kind !== 'skip')
    const addresses = read.flatMap(({ parsed }): EmailAddress[] =>
      parsed.kind === 'member' ? [parsed.address] : [],
    )
    const were = await store.commit(removeUnit, { list, role, addresses })
    let next = 0
    for (const { line, parsed } of read) {
      const outcome =
        parsed.kind !== 'member' ? 'unreadable' : were[next++] === true ? 'removed' : 'not-there'
      tally[outcome]++
      report(outcome, line.trim())
    }
  }
  return { removed: tally.removed, notThere: tally['not-there'], unreadable: tally.unreadable }
}

/** Everyone who has the role; returns how many went. */
export async function removeAllMembers(
  { store }: { readonly store: Store },
  { list, role }: Pick<Removal, 'list' | 'role'>,
): Promise<number> {
  let gone = 0
  for (;;) {
    const some = await store.commit(removeSomeMembers, { list, role, limit: batchSize })
    gone += some
    if (some < batchSize) return gone
  }
}
