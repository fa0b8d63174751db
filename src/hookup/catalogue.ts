// Every kind of finding that `doctor` may make: what docs/troubleshooting.md is made from. Law: codes are unique, stable,
// and begin with what they are about.
import type { FindingKind } from '../model/hookup.ts'
import { generalKinds } from './checks/checks.ts'
import { deepKinds } from './deep/deep-kinds.ts'
import { guides } from './guides.ts'

export interface Chapter {
  readonly title: string
  /** In the order in which they are told. */
  readonly kinds: readonly FindingKind[]
}

/** A chapter for what is the same with every mail server, one for the round trip, and one for each mail server. */
export const catalogue: readonly Chapter[] = [
  { title: 'Whatever the mail server', kinds: inRank(generalKinds) },
  { title: 'The round trip of doctor --deep', kinds: inRank(deepKinds) },
  ...guides
    .filter(({ kinds }) => kinds.length > 0)
    .map(({ title, kinds }) => ({ title, kinds: inRank(kinds) })),
]

function inRank(kinds: readonly FindingKind[]): readonly FindingKind[] {
  return [...kinds].sort((a, b) => a.rank - b.rank || (a.code < b.code ? -1 : 1))
}
