// Gives every post one Message-ID (RFC 5322 §3.6.4): archives, threads and `trace` know it by that. The first
// of several counts; one that was put in square brackets is mended; a missing one is made from the bytes, so that
// a second try gets the same.
import { madeMessageId, messageIdOf, repairMessageId } from '../mail/message-id.ts'
import type { Handler } from '../model/handler.ts'

export const messageId: Handler = {
  name: 'message-id',
  summary: 'Makes sure that there is one Message-ID',
  apply: (draft, { post, siteDomain }) => {
    const { headers, message } = draft
    const came = messageIdOf(headers) ?? ''
    const isNone = came === '' || came.length > longest
    const id = isNone ? madeMessageId(message.bytes, post.envelopeSender, siteDomain) : repairMessageId(came)
    if (id === came && headers.all('Message-ID').length === 1) return draft
    return { ...draft, headers: headers.replaced('Message-ID', id) }
  },
}

/** What a line can hold (RFC 5322 §2.1.1); a longer one names nothing that could be looked up. */
const longest = 998
