// What leaves: one `outgoing` per accepted post or notice, worked off in pages of recipients.
import type { Brand } from '../base/brand.ts'
import type { Instant } from '../base/clock.ts'
import type { EmailAddress, EnvelopeSender } from '../mail/address.ts'
import type { DeliveryMode, ListNo } from './list.ts'
import type { MemberNo, Role } from './member.ts'
import type { MessageNo } from './queue.ts'

export type OutgoingNo = Brand<number, 'OutgoingNo'>

/** Notices go before posts. */
export type OutgoingLane = 'notice' | 'out'

/** Who gets it: a roster, worked out page by page, or addresses named one by one. */
export type Audience =
  | {
      readonly kind: 'roster'
      readonly roles: readonly Role[]
      /** The poster, whose own copy a preference may stop; null for none. */
      readonly poster: EmailAddress | null
      /** Addresses that stand in To or Cc, whose list copy a preference may stop. */
      readonly direct: readonly EmailAddress[]
    }
  | { readonly kind: 'addresses'; readonly addresses: readonly EmailAddress[] }

/** How the post will look: its header as it leaves, and splices over the kept message's body. */
export interface StoredDraft {
  readonly message: MessageNo
  readonly header: Uint8Array
  /** Where the body begins in the kept message. */
  readonly bodyAt: number
  readonly splices: readonly { readonly at: number; readonly length: number; readonly bytes: Uint8Array }[]
}

export interface NewOutgoing {
  readonly lane: OutgoingLane
  readonly list: ListNo | null
  readonly audience: Audience
  /** The envelope sender of bulk copies; individual copies name their member in it. */
  readonly sender: EnvelopeSender
  readonly mode: DeliveryMode
  /** The Message-ID, with its brackets, for trace and log. */
  readonly messageId: string
  readonly draft: StoredDraft
}

/** One recipient of a page, frozen before the first MAIL. `no` is null for audiences of addresses. */
export interface PageRecipient {
  readonly no: MemberNo | null
  readonly address: EmailAddress
}

/** One character per recipient in the ledger. */
export const ledgerStates = {
  pending: '.',
  sent: 's',
  deferred: 'd',
  doubt: 'q', // the final dot had left and the answer never came: retried, and may arrive twice
  failed: 'f', // refused for good: a bounce event
  refused: 'r', // the transaction was refused for good, not this recipient: no score
  expired: 'e', // refused for now until the retry period was over
  uncertain: 'u', // in doubt again and again: it may have arrived, and is not tried any more
  dropped: 'x', // left, was banned or stopped before a retry
} as const
export type LedgerState = keyof typeof ledgerStates

export interface OutgoingSummary {
  readonly no: OutgoingNo
  readonly lane: OutgoingLane
  readonly list: ListNo | null
  readonly messageId: string
  readonly createdAt: Instant
}
