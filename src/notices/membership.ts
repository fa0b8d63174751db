// Letters about members who came or went: to the member, and one to the administrators that names them all. From,
// to and subject are those that Mailman's readers filter by.
import type { Instant } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import type { Mailbox } from '../mail/address-list.ts'
import { type MailingList, subAddress } from '../model/list.ts'
import { type WrittenLetter, writeLetter } from './letter.ts'
import { noticeText } from './texts.ts'

/** What every letter to a list's people needs to know of the site. */
export interface LetterPlace {
  readonly list: MailingList
  readonly templateDir: string | null
  readonly siteOwner: EmailAddress
  readonly date: Instant
}

/** Null where the site wants no such letter. Throws Unavailable for a template that cannot be read. */
export function welcome(place: LetterPlace, to: Mailbox, isDigest: boolean): WrittenLetter | null {
  const { list } = place
  const { displayName } = list.settings
  const text = noticeText(place.templateDir, list, 'list:user:notice:welcome', aboutMember(place, to))
  if (text === null) return null
  const mode = isDigest ? ' (Digest mode)' : ''
  return letter(place, {
    from: { name: '', address: subAddress(list, 'request') },
    to,
    subject: `Welcome to the "${displayName}" mailing list${mode}`,
    text,
  })
}

/** As `welcome`. */
export function goodbye(place: LetterPlace, to: Mailbox): WrittenLetter | null {
  const { list } = place
  const text = noticeText(place.templateDir, list, 'list:user:notice:goodbye', aboutMember(place, to))
  if (text === null) return null
  return letter(place, {
    from: { name: '', address: subAddress(list, 'bounces') },
    to,
    subject: `You have been unsubscribed from the ${list.settings.displayName} mailing list`,
    text,
  })
}

/** So many members are named in a letter to the administrators. */
export const mostNamed = 200

/** To the administrators: how many came or went, and the first `mostNamed` of them. */
export function rosterChanged(
  place: LetterPlace,
  what: 'subscribe' | 'unsubscribe',
  named: readonly Mailbox[],
  count: number,
): WrittenLetter | null {
  const { list } = place
  const lines = named
    .slice(0, mostNamed)
    .map(({ name, address }) => `    ${name === '' ? address : `${name} <${address}>`}\n`)
  if (count > lines.length) lines.push(`    and ${count - lines.length} more\n`)
  const text = noticeText(place.templateDir, list, `list:admin:notice:${what}`, {
    count: `${count} ${count === 1 ? 'member' : 'members'}`,
    data: lines.join(''),
    site_email: place.siteOwner,
  })
  if (text === null) return null
  return toAdministrators(
    place,
    `${list.settings.displayName} ${what === 'subscribe' ? 'subscription' : 'unsubscription'} notification`,
    text,
  )
}

/** To the administrators, from the owner of the site. */
export function toAdministrators(place: LetterPlace, subject: string, text: string): WrittenLetter {
  return letter(place, {
    from: { name: '', address: place.siteOwner },
    to: { name: '', address: subAddress(place.list, 'owner') },
    subject,
    text,
  })
}

function aboutMember({ list, siteOwner }: LetterPlace, { name, address }: Mailbox): Record<string, string> {
  return {
    user_name: name === '' ? address : name,
    user_email: address,
    user_address: address,
    list_name: list.settings.displayName,
    list_requests: subAddress(list, 'request'),
    site_email: siteOwner,
  }
}

function letter(
  { list, date }: LetterPlace,
  {
    from,
    to,
    subject,
    text,
  }: { readonly from: Mailbox; readonly to: Mailbox; readonly subject: string; readonly text: string },
): WrittenLetter {
  return writeLetter({
    list,
    from,
    to,
    subject,
    text,
    automatic: 'auto-generated',
    answers: null,
    attached: null,
    date,
    messageId: null,
  })
}
