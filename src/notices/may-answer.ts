// Asks whether a message may be answered by a machine at all (RFC 3834 §2): an answer to a bounce, to another
// machine or to a list only makes more mail, and an answer to a forged sender hits a bystander. Every letter
// that goes to the sender of a message asks here first; how often one sender is answered is the store's business.
import { addressKey, type EmailAddress, localPartOf } from '../mail/address.ts'
import { Headers } from '../mail/headers.ts'
import { type MailingList, postingAddress, subAddress, subAddresses } from '../model/list.ts'
import type { Post } from '../model/rule.ts'

/** What speaks against an answer, for the log. */
export type Silence =
  | 'null-sender'
  | 'own-address'
  | 'machine-address'
  | 'auto-submitted'
  | 'bulk'
  | 'list-mail'
  | 'report'
  | 'asked-for-silence'

/** Where an answer goes, which is the envelope sender (RFC 3834 §4), or why there must be none. */
export type Answer = { readonly to: EmailAddress } | { readonly silence: Silence }

export function mayAnswer({ message, envelopeSender }: Post, list: MailingList): Answer {
  if (envelopeSender === '<>') return { silence: 'null-sender' }
  const headers = Headers.of(message)
  const silence = fromAddress(envelopeSender, list) ?? fromHeaders(headers)
  return silence === null ? { to: envelopeSender } : { silence }
}

function fromAddress(sender: EmailAddress, list: MailingList): Silence | null {
  const ours = [postingAddress(list), ...subAddresses.map((tail) => subAddress(list, tail))]
  if (ours.some((address) => addressKey(address) === addressKey(sender))) return 'own-address'
  return machine.test(localPartOf(sender)) ? 'machine-address' : null
}

// RFC 3834 §2 names the first three; the others are how programs write "nobody reads this".
const machine =
  /^(?:mailer-daemon|owner-.*|.*-(?:request|bounces|owner)(?:\+.*)?|no-?reply|do-?not-?reply|postmaster)$/i

const isNo = /^no(?=[\s;(]|$)/

function fromHeaders(headers: Headers): Silence | null {
  const first = (name: string) => (headers.get(name) ?? '').trim().toLowerCase()
  if (headers.all('Return-Path').some((value) => /^<\s*>/.test(value))) return 'null-sender'
  const submitted = first('Auto-Submitted')
  if (submitted !== '' && !isNo.test(submitted)) return 'auto-submitted'
  if (/^(?:bulk|junk|list|auto_reply)\b/.test(first('Precedence'))) return 'bulk'
  if (headers.names().some((name) => /^list-/i.test(name)) || headers.has('Mailing-List')) return 'list-mail'
  if (/^multipart\/report\b/.test(first('Content-Type'))) return 'report'
  const suppressed = /\b(?:all|autoreply)\b/.test(first('X-Auto-Response-Suppress'))
  return headers.has('X-No-Ack') || isNo.test(first('X-Ack')) || suppressed ? 'asked-for-silence' : null
}
