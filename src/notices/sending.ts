// A written letter on its way: to whom it goes, and under which envelope sender. Every letter leaves with the null
// sender, since nobody may answer a machine's letter (RFC 3834 §3.3).
import { hash } from 'node:crypto'
import type { EmailAddress } from '../mail/address.ts'
import type { MailingList } from '../model/list.ts'
import type { Audience, OutgoingLane } from '../model/outgoing.ts'
import type { Store } from '../store/store.ts'
import type { Letter } from '../store/units/letters.ts'
import { countMembers } from '../store/units/members.ts'
import type { WrittenLetter } from './letter.ts'

/**
 * `once`: at most one of its kind goes to that address in a day. `lane`: letters to a whole roster take their turn among
 * the posts, for every post waits for what is in `notice`.
 */
export function letterTo(
  list: MailingList,
  audience: Audience,
  { bytes, messageId }: WrittenLetter,
  once: Letter['once'],
  lane: OutgoingLane = 'notice',
): Letter {
  return {
    bytes,
    hash: hash('sha256', bytes, 'buffer'),
    outgoing: {
      lane,
      list: list.no,
      audience,
      sender: '<>',
      mode: 'bulk',
      messageId,
      bodyAt: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf('\r\n\r\n') + 4,
    },
    once,
  }
}

/** Owners and moderators; the owner of the site for a list that has neither. Throws Unavailable. */
export function administratorsOf(
  store: Pick<Store, 'read'>,
  list: MailingList,
  siteOwner: EmailAddress,
): Audience {
  const roles = ['owner', 'moderator'] as const
  if (store.read(countMembers, { list: list.no, roles }) > 0)
    return { kind: 'roster', roles, poster: null, direct: [] }
  return { kind: 'addresses', addresses: [siteOwner] }
}
