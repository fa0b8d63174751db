// Letters that Posthorn itself writes, put where delivery finds them. They are committed with what they tell of, or by
// themselves where they tell of nothing that is stored.
import { DAY, type Instant } from '../../base/clock.ts'
import type { EmailAddress } from '../../mail/address.ts'
import type { ListNo } from '../../model/list.ts'
import type { NewOutgoing } from '../../model/outgoing.ts'
import { command, defineUnit, run } from '../unit.ts'
import { insertOutgoing } from './outgoing.ts'
import { insertMessage } from './reception.ts'

/** `once` names what at most one a day may go out for (RFC 3834 §2). */
export interface Letter {
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
  readonly outgoing: Omit<NewOutgoing, 'draft'> & { readonly bodyAt: number }
  readonly once: { readonly kind: string; readonly address: EmailAddress } | null
}

/** Letters by themselves. At most 500 at a time. */
export const sendLetters = defineUnit(
  'letter.send',
  function* (a: { list: ListNo; letters: readonly Letter[]; now: Instant; retryPeriod: number }) {
    for (const letter of a.letters) yield* sendLetter(a.list, letter, a.now, a.retryPeriod)
  },
)

/** Within another unit. */
export function* sendLetter(list: ListNo, letter: Letter, now: Instant, retryPeriod: number) {
  if (letter.once !== null) {
    const { kind, address } = letter.once
    const fresh = yield* run(markAnswered, list, kind, address.toLowerCase(), dayOf(now))
    if (fresh === 0) return
  }
  const { bodyAt, ...outgoing } = letter.outgoing
  const message = yield* insertMessage(letter.hash, letter.bytes.length, { bytes: letter.bytes })
  const draft = { message, header: letter.bytes.subarray(0, bodyAt), bodyAt, splices: [] }
  yield* insertOutgoing({ ...outgoing, draft }, now, retryPeriod)
}

/** Days since 1970, in UTC. */
export const dayOf = (time: Instant): number => Math.floor(time / DAY)

const markAnswered = command(
  `insert into autoreply_seen (list_id, kind, address, day) values (?, ?, ?, ?)
   on conflict (list_id, kind, address) do update set day = excluded.day where excluded.day > day`,
)
