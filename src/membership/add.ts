// Adds members by the operator's word: no confirmation, no letter. Each line of the file gets an answer.
import type { Clock } from '../base/clock.ts'
import type { ListNo } from '../model/list.ts'
import type { DeliveryStatus, MemberDelivery, Role } from '../model/member.ts'
import type { Store } from '../store/store.ts'
import { type AddedMember, addMembers as addUnit } from '../store/units/members.ts'
import { batches } from './batches.ts'
import { type MemberLine, parseMemberLine } from './member-lines.ts'

export interface Addition {
  readonly list: ListNo
  readonly role: Role
  readonly delivery: MemberDelivery
  readonly status: DeliveryStatus
  readonly lines: AsyncIterable<string> | Iterable<string>
}

export type AddedLine = AddedMember | 'unreadable'

export interface AdditionTally {
  /** True when the list was removed meanwhile; what follows was not looked at. */
  readonly listGone: boolean
  readonly added: number
  readonly already: number
  readonly banned: number
  readonly unreadable: number
}

/**
 * Commits 500 members at a time; `report` hears of each line that is not skipped, in order, once its batch is on disk.
 * Stopped in the middle, a second run finds the first ones `already` there. Throws Unavailable when the store is down.
 */
export async function addMembers(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  { list, role, delivery, status, lines }: Addition,
  report: (outcome: AddedLine, line: string) => void = () => undefined,
): Promise<AdditionTally> {
  const tally = { listGone: false, added: 0, already: 0, banned: 0, unreadable: 0 }
  for await (const batch of batches(lines)) {
    const read = batch
      .map((line) => ({ line, parsed: parseMemberLine(line) }))
      .filter(({ parsed }) => parsed.kind !== 'skip')
    const members = read.flatMap(({ parsed }): MemberLine[] =>
      parsed.kind === 'member' ? [{ address: parsed.address, displayName: parsed.displayName }] : [],
    )
    const answers = await store.commit(addUnit, { list, role, delivery, status, members, now: clock.now() })
    if (answers === null) return { ...tally, listGone: true }
    let next = 0
    for (const { line, parsed } of read) {
      const outcome = (parsed.kind === 'member' ? answers[next++] : undefined) ?? 'unreadable'
      tally[outcome]++
      report(outcome, line.trim())
    }
  }
  return tally
}
