// The row of changes that an accepted post goes through before it is kept as a draft. The order matters:
// the id before its hash, what others wrote is cleared away before ours is added, and the text comes last.
import type { Draft } from '../mail/draft.ts'
import type { Handler, Occasion } from '../model/handler.ts'
import { cleanHeaders } from './clean-headers.ts'
import { footer } from './footer.ts'
import { listHeaders } from './list-headers.ts'
import { messageId } from './message-id.ts'
import { messageIdHash } from './message-id-hash.ts'
import { replyTo } from './reply-to.ts'
import { subjectPrefix } from './subject-prefix.ts'

export const postingPipeline: readonly Handler[] = [
  cleanHeaders,
  messageId,
  messageIdHash,
  replyTo,
  subjectPrefix,
  listHeaders,
  footer,
]

/** The draft after every handler of the row. */
export function runHandlers(handlers: readonly Handler[], draft: Draft, occasion: Occasion): Draft {
  return handlers.reduce((changed, handler) => handler.apply(changed, occasion), draft)
}
