// Whose fault was it? What the relay answered in one transaction, turned into the fate of each recipient.
// Law: a fault of ours, of the relay or of the transaction never costs a member points (RFC 5321 §4.2, §6.1).

import type { TransactionResult } from '../smtp/client.ts'
import { isPermanent, isPositive, type Reply, replyText } from '../smtp/reply.ts'

/** `again`: nothing was decided about this recipient; another transaction takes it, on another connection if need be. */
export type FateKind = 'sent' | 'deferred' | 'doubt' | 'failed' | 'refused' | 'again'

export interface Fate {
  readonly kind: FateKind
  /** What the relay said, or null where it said nothing about it. */
  readonly reply: string | null
  /** The relay spoke of this recipient, not of the transaction: only that can end in a bounce. */
  readonly personal: boolean
}

export interface Fates {
  readonly recipients: readonly Fate[]
  /** Where the transaction as such was refused for good: by MAIL, or at the end of its data. */
  readonly refusedAt: 'mail' | 'end' | null
  /** At least one recipient's copy was taken over. */
  readonly taken: boolean
}

const longestReply = 300

export function fatesOf(result: TransactionResult): Fates {
  const { mail, recipients, end, lost } = result
  if (mail !== null && !isPositive(mail)) {
    const fate = wholeFate(mail)
    const refusedAt = fate.kind === 'refused' ? 'mail' : null
    return { recipients: recipients.map(() => fate), refusedAt, taken: false }
  }
  const someAccepted = recipients.some((reply) => reply !== null && isPositive(reply))
  const ending = endFate(end, lost)
  const fates = recipients.map((reply) => {
    if (reply === null) return again(null)
    return isPositive(reply) ? ending : recipientFate(reply, someAccepted)
  })
  return {
    recipients: fates,
    refusedAt: someAccepted && ending.kind === 'refused' ? 'end' : null,
    taken: fates.some((fate) => fate.kind === 'sent'),
  }
}

// RCPT. QUIRK: 452 and 552 may mean 'too many recipients' (RFC 5321 §4.5.3.1.10): with some accepted, the others go
// into another transaction at once; with none accepted it is about this recipient.
function recipientFate(reply: Reply, someAccepted: boolean): Fate {
  if (reply.code === 421) return again(reply)
  if ((reply.code === 452 || reply.code === 552) && someAccepted) return again(reply)
  if (isPermanent(reply) && reply.code !== 552) return { kind: 'failed', reply: words(reply), personal: true }
  return { kind: 'deferred', reply: words(reply), personal: true }
}

function endFate(end: Reply | null, lost: TransactionResult['lost']): Fate {
  if (end !== null)
    return isPositive(end) ? { kind: 'sent', reply: words(end), personal: false } : wholeFate(end)
  return lost === 'after-dot'
    ? { kind: 'doubt', reply: 'the connection was lost after the final dot', personal: false }
    : again(null)
}

function wholeFate(reply: Reply): Fate {
  if (reply.code === 421) return again(reply)
  return { kind: isPermanent(reply) ? 'refused' : 'deferred', reply: words(reply), personal: false }
}

function again(reply: Reply | null): Fate {
  return { kind: 'again', reply: reply === null ? null : words(reply), personal: false }
}

const words = (reply: Reply): string => replyText(reply).slice(0, longestReply)
