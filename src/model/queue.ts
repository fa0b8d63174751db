// The queue's nouns: a lane is one line of work, an item one piece of it. What an item carries is versioned,
// so that the next release can read what this one wrote.
import type { Brand } from '../base/brand.ts'
import type { Instant } from '../base/clock.ts'
import type { EnvelopeSender } from '../mail/address.ts'
import type { ListNo } from './list.ts'
import type { AddressPurpose } from './list-address.ts'

export type MessageNo = Brand<number, 'MessageNo'>
export type ItemNo = Brand<number, 'ItemNo'>

/** `in` posts and mail to owners, `command` orders sent by mail, `bounce` what comes back. `out` and `notice` are rows of `outgoing`. */
export const lanes = ['in', 'command', 'bounce', 'digest', 'archive', 'news'] as const
export type Lane = (typeof lanes)[number]

export const laneOf = (purpose: AddressPurpose): Lane =>
  purpose === 'post' || purpose === 'owner' ? 'in' : purpose === 'bounces' ? 'bounce' : 'command'

export interface QueueItem {
  readonly no: ItemNo
  readonly lane: Lane
  readonly list: ListNo
  readonly message: MessageNo
  readonly envelope: Envelope
  readonly acceptedAt: Instant
  /** How often it was claimed without an orderly end; counted before the work, so that work that kills us counts. */
  readonly attempts: number
  /** How often it was put back because the world was down. */
  readonly deferrals: number
}

/** What the mail server told about one recipient; version 1 of an item's payload. */
export interface Envelope {
  readonly sender: EnvelopeSender
  /** As the mail server gave it, with its extension and its case. */
  readonly recipient: string
  readonly purpose: AddressPurpose
  readonly extension: string | null
}

/** After so many attempts without an orderly end, an item is shunted. */
export const attemptsBeforeShunt = 3
