// Who wrote a post, as far as it says so: asked by `moderation` before the chain runs.
//
// Two questions, two answers. A ban looks at every address that the post names, wherever the site's
// `sender_headers` say (`from_` is the envelope sender, RFC 5321 §4.1.1.2). Membership speaks from fewer:
//
// - From, the author whom readers see and DMARC can check (RFC 7489 §3.1), but only where it names one
//   address: of two, one could be a member's and the other the stranger's (RFC 7489 §6.6.1);
// - the envelope sender, which SPF can check (RFC 7208 §2.4): members post under a second address of theirs;
// - never Reply-To nor Sender. QUIRK: in Mailman a stranger who writes a member's address into either is
//   taken for that member, although nobody checks these fields and the stranger's own From passes DMARC.
//
// Any other field that the site lists is one that its own mail server writes, and speaks.
import { addressKey, type EmailAddress } from '../mail/address.ts'
import { parseAddressList } from '../mail/address-list.ts'
import { Headers } from '../mail/headers.ts'
import type { Facts, Post } from '../model/rule.ts'

export interface Senders {
  /** Every address that is named as a sender, once each, in the order of the site's setting. */
  readonly all: readonly EmailAddress[]
  /** Those whose membership counts. */
  readonly speaking: readonly EmailAddress[]
}

/** `senderHeaders` are field names in any case; `from_` stands for the envelope sender. */
export function sendersOf(post: Post, senderHeaders: readonly string[]): Senders {
  const headers = Headers.of(post.message)
  const all = new Map<string, EmailAddress>()
  const speaking = new Map<string, EmailAddress>()
  for (const name of senderHeaders.map((header) => header.toLowerCase())) {
    const addresses = name === 'from_' ? envelopeOf(post) : addressesIn(headers, name)
    keep(all, addresses)
    if (speaks(name, addresses)) keep(speaking, addresses)
  }
  return { all: [...all.values()], speaking: [...speaking.values()] }
}

/** The one author whom readers see, else the envelope sender; null for neither. */
export function authorOf(post: Post): EmailAddress | null {
  const [author, ...others] = addressesIn(Headers.of(post.message), 'From')
  return others.length === 0 && author !== undefined ? author : (envelopeOf(post)[0] ?? null)
}

/**
 * The membership that speaks: one with an action of its own or a say in the list before one without, and a
 * nonmember's record last. `memberships` are in the order of the senders.
 */
export function membershipOf(
  memberships: readonly NonNullable<Facts['membership']>[],
  speaking: readonly EmailAddress[],
): Facts['membership'] {
  const keys = new Set(speaking.map(addressKey))
  const voices = memberships.filter(({ address }) => keys.has(addressKey(address)))
  const ofList = voices.filter(({ role }) => role !== 'nonmember')
  return (
    ofList.find(({ role, action }) => role === 'member' && action !== null) ??
    ofList.find(({ role }) => role !== 'member') ??
    ofList[0] ??
    voices[0] ??
    null
  )
}

const speaks = (name: string, addresses: readonly EmailAddress[]): boolean =>
  name !== 'reply-to' && name !== 'sender' && (name !== 'from' || addresses.length === 1)

function envelopeOf({ envelopeSender }: Post): readonly EmailAddress[] {
  return envelopeSender === '<>' ? [] : [envelopeSender]
}

function addressesIn(headers: Headers, name: string): readonly EmailAddress[] {
  const mailboxes = headers.all(name).flatMap(parseAddressList)
  return mailboxes.slice(0, mostSenders).map(({ address }) => address)
}

/** A post of more authors than this is looked at no further: the store is asked for each. */
const mostSenders = 100

function keep(kept: Map<string, EmailAddress>, addresses: readonly EmailAddress[]): void {
  for (const address of addresses) {
    const key = addressKey(address)
    if (!kept.has(key)) kept.set(key, address)
  }
}
