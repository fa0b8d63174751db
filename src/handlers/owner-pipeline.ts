// The changes to mail for a list's owners: as few as can be, for it is a letter to people and no post. No prefix,
// no footer, no fields of the list but our trace: who answers it answers the writer.
import type { Handler } from '../model/handler.ts'
import { cleanHeaders } from './clean-headers.ts'
import { messageId } from './message-id.ts'
import { messageIdHash } from './message-id-hash.ts'
import { ownerTrace } from './owner-trace.ts'

export const ownerPipeline: readonly Handler[] = [cleanHeaders, messageId, messageIdHash, ownerTrace]
