// Adds members by the operator's word: no confirmation is asked for. Each line of the file gets an answer.
import type { Clock } from '../base/clock.ts'
import type { ListNo } from '../model/list.ts'
import type { DeliveryStatus, MemberDelivery, Role } from '../model/member.ts'
import type { Store } from '../store/store.ts'
import { type AddedMember, addMembers as addUnit } from '../store/units/members.ts'
import { batches, batchSize, batchSizeWithLetters } from './batches.ts'
import {
  type LineAnswer,
  lettersFor,
  type MemberLetters,
  type NumberedLine,
  readLines,
} from './member-lines.ts'

export interface Addition {
  readonly list: ListNo
  readonly role: Role
  readonly delivery: MemberDelivery
  readonly status: DeliveryStatus
  readonly lines: AsyncIterable<string> | Iterable<string>
  /** To each who is added, in the same commit; none where it is left out. */
  readonly letters?: MemberLetters | undefined
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
 * Commits at most 500 members at a time; `report` hears of the lines of each batch that are not skipped, in order, once it is on
 * disk. Stopped in the middle, a second run finds the first ones `already` there. Throws Unavailable when the store is down.
 */
export async function addMembers(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  { list, role, delivery, status, lines, letters }: Addition,
  report: (answers: readonly LineAnswer<AddedLine>[]) => void | Promise<void> = () => undefined,
): Promise<AdditionTally> {
  const tally = { listGone: false, added: 0, already: 0, banned: 0, unreadable: 0 }
  const size = letters === undefined ? batchSize : batchSizeWithLetters
  for await (const batch of batches<NumberedLine>(readLines(lines), size)) {
    const members = batch.flatMap(({ member }) => (member === null ? [] : [member]))
    const answers = await store.commit(addUnit, {
      list,
      role,
      delivery,
      status,
      members,
      now: clock.now(),
      ...lettersFor(letters, members),
    })
    if (answers === null) return { ...tally, listGone: true }
    let next = 0
    const told = batch.map((line) => {
      const outcome: AddedLine = (line.member === null ? undefined : answers[next++]) ?? 'unreadable'
      tally[outcome]++
      return { ...line, outcome }
    })
    await report(told)
  }
  return tally
}
