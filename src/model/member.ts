// Who belongs to a list, in which role, and how copies reach them.
import type { Brand } from '../base/brand.ts'
import type { Instant } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import type { ListNo, ModerationAction } from './list.ts'

/** A counter of the list that is never reused: `(list, no)` is one membership for all time. */
export type MemberNo = Brand<number, 'MemberNo'>

/** The stored numbers are Mailman's. */
export const roles = { member: 1, owner: 2, moderator: 3, nonmember: 4 } as const
export type Role = keyof typeof roles

export const deliveryModes = {
  regular: 1,
  plaintext_digests: 2,
  mime_digests: 3,
  summary_digests: 4,
} as const
export type MemberDelivery = keyof typeof deliveryModes

export const deliveryStatuses = {
  enabled: 1,
  by_user: 2,
  by_bounces: 3,
  by_moderator: 4,
  unknown: 5,
} as const
export type DeliveryStatus = keyof typeof deliveryStatuses

export interface Member {
  readonly list: ListNo
  readonly no: MemberNo
  readonly role: Role
  readonly address: EmailAddress
  readonly displayName: string
  /** null: the list's default for the role. */
  readonly moderationAction: ModerationAction | null
  readonly delivery: MemberDelivery
  readonly status: DeliveryStatus
  readonly joinedAt: Instant
}
