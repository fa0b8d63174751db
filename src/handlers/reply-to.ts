// Says where replies go, as the list's `reply_goes_to_list` wants it (RFC 5322 §3.6.2): first the address that the
// list names, then the author's own wish unless it is stripped, then the list itself. Nobody stands there twice.
import { addressKey } from '../mail/address.ts'
import { formatMailbox, type Mailbox, parseAddressList } from '../mail/address-list.ts'
import type { Handler } from '../model/handler.ts'
import { type MailingList, postingAddress } from '../model/list.ts'
import { oneLineDescription } from './list-headers.ts'

export const replyTo: Handler = {
  name: 'reply-to',
  summary: 'Writes Reply-To as the list wants it',
  apply: (draft, { list }) => {
    const { firstStripReplyTo, replyGoesToList } = list.settings
    if (replyGoesToList === 'no_munging' && !firstStripReplyTo) return draft
    const wished = firstStripReplyTo ? [] : draft.headers.all('Reply-To').flatMap(parseAddressList)
    const mailboxes = onceEach([...named(list), ...wished, ...listItself(list)])
    const headers = draft.headers.without('Reply-To')
    if (mailboxes.length === 0) return { ...draft, headers }
    return { ...draft, headers: headers.with('Reply-To', mailboxes.map(formatMailbox).join(', ')) }
  },
}

/** QUIRK: Mailman never looked at this setting, so what is no address is passed over. */
function named({ settings }: MailingList): readonly Mailbox[] {
  const explicit =
    settings.replyGoesToList === 'explicit_header' || settings.replyGoesToList === 'explicit_header_only'
  return explicit ? parseAddressList(settings.replyToAddress) : []
}

function listItself(list: MailingList): readonly Mailbox[] {
  if (list.settings.replyGoesToList !== 'point_to_list') return []
  return [{ name: oneLineDescription(list), address: postingAddress(list) }]
}

function onceEach(mailboxes: readonly Mailbox[]): readonly Mailbox[] {
  const byKey = new Map<string, Mailbox>()
  for (const mailbox of mailboxes) {
    const key = addressKey(mailbox.address)
    if (!byKey.has(key)) byKey.set(key, mailbox)
  }
  return [...byKey.values()]
}
