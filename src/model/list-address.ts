// Reads the local part of an envelope recipient: which list could it be, which of its addresses, and what
// extension came with it. The store says which reading names a list that exists.
import type { ListNo, SubAddress } from './list.ts'
import { subAddresses } from './list.ts'

/** What mail to an address is for: a post, mail for people, a bounce, or an order sent by mail. */
export type AddressPurpose = 'post' | 'owner' | 'bounces' | 'confirm' | 'join' | 'leave' | 'request'

export interface Reading {
  readonly listName: string
  readonly purpose: AddressPurpose
  /** What stood after the delimiter, as it came; null when there was none. */
  readonly extension: string | null
}

/** A recipient that names an address of an existing list. */
export interface ListRecipient {
  readonly list: ListNo
  readonly purpose: AddressPurpose
  readonly extension: string | null
}

/**
 * The readings of a local part, best first; at most four. A list whose name ends like a sub-address
 * (`my-bounces`) wins over the sub-address of `my`. Names are compared in lower case.
 */
export function readingsOf(localPart: string, delimiter: string): readonly Reading[] {
  const readings: Reading[] = [...splitTail(localPart, null)]
  const cut = delimiter === '' ? -1 : localPart.indexOf(delimiter)
  if (cut > 0) readings.push(...splitTail(localPart.slice(0, cut), localPart.slice(cut + delimiter.length)))
  return readings
}

function splitTail(local: string, extension: string | null): Reading[] {
  const name = local.toLowerCase()
  const whole: Reading = { listName: name, purpose: 'post', extension }
  const dash = name.lastIndexOf('-')
  const tail = name.slice(dash + 1)
  if (dash <= 0 || !isSubAddress(tail)) return [whole]
  return [whole, { listName: name.slice(0, dash), purpose: purposeOf(tail), extension }]
}

const isSubAddress = (tail: string): tail is SubAddress => (subAddresses as readonly string[]).includes(tail)

function purposeOf(tail: SubAddress): AddressPurpose {
  if (tail === 'subscribe') return 'join'
  if (tail === 'unsubscribe') return 'leave'
  return tail
}
