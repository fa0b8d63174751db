// Notes that mail to the owners went through this list's owner address, so that it goes through only once: the
// rule `owner-loop` looks for it.
import { type Handler, traceField } from '../model/handler.ts'
import { subAddress } from '../model/list.ts'

export const ownerTrace: Handler = {
  name: 'owner-trace',
  summary: 'Notes the owner address that the message went through',
  apply: (draft, { list }) => ({
    ...draft,
    headers: draft.headers.with(traceField, subAddress(list, 'owner')),
  }),
}
