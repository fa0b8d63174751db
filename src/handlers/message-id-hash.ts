// Adds the name under which archives keep a post, worked out from its Message-ID. Both spellings, as
// Mailman writes them: archives and their clients read either.
import { messageIdHash as hashOf, messageIdOf } from '../mail/message-id.ts'
import type { Handler } from '../model/handler.ts'

export const messageIdHash: Handler = {
  name: 'message-id-hash',
  summary: 'Adds the hash of the Message-ID, by which archives know a post',
  apply: (draft) => {
    const headers = draft.headers.without('Message-ID-Hash', 'X-Message-ID-Hash')
    const id = messageIdOf(headers)
    if (id === null) return { ...draft, headers }
    const hash = hashOf(id)
    return { ...draft, headers: headers.with('Message-ID-Hash', hash).with('X-Message-ID-Hash', hash) }
  },
}
