// The letter to someone whose post was refused: which, why, and the post itself (spec of the verdict `reject`).
// Ask `mayAnswer` first. It leaves with the null sender.
import type { Instant } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import { subAddress } from '../model/list.ts'
import { cutNote, type JudgedPost, reasonLines, subjectOf } from './about-post.ts'
import { type WrittenLetter, writeLetter } from './letter.ts'

export function rejection(judged: JudgedPost, to: EmailAddress, date: Instant): WrittenLetter {
  const { list, post, because } = judged
  const { displayName } = list.settings
  return writeLetter({
    list,
    from: { name: displayName, address: subAddress(list, 'owner') },
    to: { name: '', address: to },
    subject: `Rejected: ${subjectOf(post)}`,
    text: `Your message to the mailing list ${displayName} was rejected:

    Subject: ${subjectOf(post)}

The reason:

${reasonLines(because)}
It was not sent to the list. If you think that this is wrong, write to the
owners of the list:

    ${subAddress(list, 'owner')}

Your message is attached.
${cutNote(post)}`,
    automatic: 'auto-replied',
    answers: post.message,
    attached: post.message,
    date,
    messageId: null,
  })
}
