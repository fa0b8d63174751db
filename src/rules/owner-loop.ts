// Hits when mail to the owners has been through this list's owner address before: an owner of one list may be the
// owner address of another, and that one's of the first. It looks at our trace field alone: a copy of a post that
// someone sends on to the owners bears the list's own fields, and is welcome.
import { Headers } from '../mail/headers.ts'
import { traceField } from '../model/handler.ts'
import { subAddress } from '../model/list.ts'
import type { Rule } from '../model/rule.ts'
import { targetsOf } from './loop.ts'

export const ownerLoop: Rule = {
  name: 'owner-loop',
  summary: 'Message has already been sent to the owners of this list',
  check: ({ post, list }) => {
    const address = subAddress(list, 'owner').toLowerCase()
    const traces = Headers.of(post.message).all(traceField)
    return traces.some((value) => targetsOf(value).includes(address)) ? { field: traceField } : null
  },
}
