// Addresses as the envelope knows them (RFC 5321 §4.1.2, RFC 6531 §3.3). Text turns into an
// EmailAddress here and nowhere else; whatever lies further in may trust the type.
import type { Brand } from '../base/brand.ts'

export type EmailAddress = Brand<string, 'EmailAddress'>
export type EnvelopeSender = EmailAddress | '<>' // '<>' is the null sender: never answer it

// RFC 5321 §4.5.3.1.3 asks for paths of 256 octets. QUIRK: senders rewritten by SRS or BATV pass
// 64 octets of local part every day, so only the whole is bounded, and generously.
const longestAddress = 512

/** Folds the domain to lower case and leaves the local part alone (RFC 5321 §2.4). */
export function parseEmailAddress(text: string): EmailAddress | null {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(at, 0))
  const domain = text.slice(at + 1).toLowerCase()
  if (text.length > longestAddress || !isLocalPart(local) || !isDomain(domain)) return null
  return `${local}@${domain}` as EmailAddress
}

/** Two addresses with the same key are one mailbox to us: local parts are compared without case. */
export function addressKey(address: EmailAddress): string {
  return address.toLowerCase()
}

export function localPartOf(address: EmailAddress): string {
  return address.slice(0, address.lastIndexOf('@'))
}

export function domainOf(address: EmailAddress): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

/** True when the address can only travel with SMTPUTF8 (RFC 6531 §3.3). */
export function needsSmtpUtf8(address: string): boolean {
  return /[\u0080-\u{10ffff}]/u.test(address)
}

/** The value between the quotes of a quoted local part (RFC 5321 §4.1.2), or the dot-string as it is. */
export function unquoteLocalPart(local: string): string {
  return local.startsWith('"') ? local.slice(1, -1).replace(/\\(.)/g, '$1') : local
}

const atom = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\u{10ffff}-]+$/u
const quoted = /^"(?:[ !#-[\]-~\u0080-\u{10ffff}]|\\[ -~])*"$/u
const label = /^(?!-)[a-z0-9_\u0080-\u{10ffff}-]{1,63}(?<!-)$/u

function isLocalPart(local: string): boolean {
  return quoted.test(local) || (local !== '' && local.split('.').every((part) => atom.test(part)))
}

/** A host name of one or more labels, or an address literal such as `[192.0.2.1]` (RFC 5321 §4.1.3). */
export function isDomain(domain: string): boolean {
  if (domain.length > 255) return false
  if (domain.startsWith('[')) return /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|ipv6:[0-9a-f:.]+)\]$/i.test(domain)
  return domain.split('.').every((part) => label.test(part))
}
