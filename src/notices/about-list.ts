// Letters about a list to those who look after it: that it has been made, and that posts wait for them.

import type { EmailAddress } from '../mail/address.ts'
import { type MailingList, postingAddress } from '../model/list.ts'
import { type WrittenLetter, writeLetter } from './letter.ts'
import { type LetterPlace, toAdministrators } from './membership.ts'
import { noticeText } from './texts.ts'

/** To one owner of a new list. `from` is the site's address that nobody reads. Null where the site wants none. */
export function newList(place: LetterPlace, from: EmailAddress, to: EmailAddress): WrittenLetter | null {
  const { list, templateDir, siteOwner, date } = place
  const text = noticeText(templateDir, list, 'domain:admin:notice:new-list', { site_email: siteOwner })
  if (text === null) return null
  return writeLetter({
    list,
    from: { name: '', address: from },
    to: { name: '', address: to },
    subject: `Your new mailing list: ${postingAddress(list)}`,
    text,
    automatic: 'auto-generated',
    answers: null,
    attached: null,
    date,
    messageId: null,
  })
}

/** To the administrators: so many posts wait; `lines` name them. */
export function postsWaiting(
  place: LetterPlace,
  count: number,
  lines: readonly string[],
): WrittenLetter | null {
  const { list, templateDir, siteOwner } = place
  const text = noticeText(templateDir, list, 'list:admin:notice:pending', {
    count: String(count),
    data: lines.map((line) => `    ${line}\n`).join(''),
    site_email: siteOwner,
  })
  return text === null ? null : toAdministrators(place, `${waitingWords(list, count)}`, text)
}

/** The subject, which `posthorn notify -v` says too. */
export function waitingWords(list: MailingList, count: number): string {
  return `The ${postingAddress(list)} list has ${count} moderation requests waiting.`
}
