// The two letters about a post that waits: one to its sender (ask `mayAnswer` first), one to the owners and moderators of
// the list. Both leave with the null sender. No reply to either may decide anything: QUIRK, in Mailman a careless
// reply to the notice destroyed the post.
import type { Instant } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import { postingAddress, subAddress } from '../model/list.ts'
import { cutNote, type JudgedPost, reasonLines, subjectOf } from './about-post.ts'
import { type WrittenLetter, writeLetter } from './letter.ts'

/** To the sender: it is here, it waits, and why. */
export function heldForPoster(judged: JudgedPost, to: EmailAddress, date: Instant): WrittenLetter {
  const { list, post, because } = judged
  const address = postingAddress(list)
  return writeLetter({
    list,
    from: { name: list.settings.displayName, address: subAddress(list, 'owner') },
    to: { name: '', address: to },
    subject: `Your message to ${address} awaits moderator approval`,
    text: `Your message to ${address} with the subject

    ${subjectOf(post)}

is being held until a moderator of the list has looked at it. The reason:

${reasonLines(because)}
You need not send it again.
`,
    automatic: 'auto-replied',
    answers: post.message,
    attached: null,
    date,
    messageId: null,
  })
}

/** To the owners and moderators: what waits, from whom, why, and the post itself. `sender` null: nobody is named. */
export function heldForModerators(
  judged: JudgedPost,
  sender: EmailAddress | null,
  date: Instant,
): WrittenLetter {
  const { list, post, because } = judged
  const address = postingAddress(list)
  const owner = { name: '', address: subAddress(list, 'owner') }
  const from = sender ?? 'nobody'
  return writeLetter({
    list,
    from: owner,
    to: owner,
    subject: `${address} post from ${from} requires approval`,
    text: `A post to a list that you look after is held until one of you decides:

    List:    ${address}
    From:    ${from}
    Subject: ${subjectOf(post)}

The reason:

${reasonLines(because)}
The post is attached.
${cutNote(post)}A reply to this letter goes to the owners and moderators of the list and
decides nothing.
`,
    automatic: 'auto-generated',
    answers: null,
    attached: post.message,
    date,
    messageId: null,
  })
}
