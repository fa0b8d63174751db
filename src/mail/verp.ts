// Envelope senders that name their member: LIST-bounces+TOKEN@HOST. The token is the member's number and a MAC, so
// that nobody can make bounces up; lower case and read case-blind, since some mail servers fold local parts.
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { base32 } from '../base/random.ts'
import { type EmailAddress, parseEmailAddress } from './address.ts'

/** The site's secret for these senders, made once per thread. */
export type VerpKey = KeyObject

export const verpKey = (secret: Uint8Array): VerpKey => createSecretKey(secret)

const macCharacters = 9 // 45 bits

/** The sender of one member's copy. `bounces` is the list's bounces address; `listId` and `no` name the membership. */
export function verpSender(
  bounces: EmailAddress,
  listId: string,
  no: number,
  key: VerpKey,
  delimiter = '+',
): EmailAddress {
  const at = bounces.lastIndexOf('@')
  return `${bounces.slice(0, at)}${delimiter}${verpToken(listId, no, key)}${bounces.slice(at)}` as EmailAddress
}

function verpToken(listId: string, no: number, key: VerpKey): string {
  return `${no.toString(32)}${mac(listId, no, key)}`
}

/** The member that the extension of a bounces address names, or null for a token that is not ours. */
export function readVerpToken(extension: string, listId: string, key: VerpKey): number | null {
  const token = extension.toLowerCase()
  const digits = token.slice(0, -macCharacters)
  if (!/^[0-9a-v]{1,10}$/.test(digits)) return null
  const no = Number.parseInt(digits, 32)
  const wanted = Buffer.from(mac(listId, no, key))
  const given = Buffer.from(token.slice(-macCharacters))
  return wanted.length === given.length && timingSafeEqual(wanted, given) ? no : null
}

/** The plain bounces address of a sender with an extension; null when it has none. */
export function withoutExtension(sender: EmailAddress, delimiter = '+'): EmailAddress | null {
  const at = sender.lastIndexOf('@')
  const cut = sender.indexOf(delimiter)
  return cut > 0 && cut < at ? parseEmailAddress(sender.slice(0, cut) + sender.slice(at)) : null
}

function mac(listId: string, no: number, key: VerpKey): string {
  return base32(createHmac('sha256', key).update(`verp\0${listId}\0${no}`).digest().subarray(0, 6)).slice(
    0,
    macCharacters,
  )
}
