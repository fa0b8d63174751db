// Hits when a post has been through this list before: it carries the list's own List-Post or List-Id
// (RFC 2369 §3.4, RFC 2919 §3), or our trace field, which stays when another list puts its own List-Id on.
import { Headers } from '../mail/headers.ts'
import { traceField } from '../model/handler.ts'
import { postingAddress } from '../model/list.ts'
import type { Rule } from '../model/rule.ts'

export const loop: Rule = {
  name: 'loop',
  summary: 'Message has already been posted to this list',
  check: ({ post, list }) => {
    const headers = Headers.of(post.message)
    const address = postingAddress(list)
    const posts = (value: string) => targetsOf(value).includes(address)
    if (headers.all('List-Post').some(posts)) return { field: 'List-Post' }
    const names = (value: string) => targetsOf(value).includes(list.listId)
    if (headers.all('List-Id').some(names)) return { field: 'List-Id' }
    return headers.all(traceField).some(names) ? { field: traceField } : null
  },
}

/** What a field points to, folded: `<mailto:tea@example.org>, …`, `Tea <tea.example.org>`, or the bare text. */
export function targetsOf(value: string): readonly string[] {
  const enclosed = [...value.matchAll(/<([^<>]*)>/g)].map(([, inner = '']) => inner)
  return (enclosed.length > 0 ? enclosed : [value]).map((target) =>
    target
      .replace(/\s+/g, '')
      .toLowerCase()
      .replace(/^mailto:/, '')
      .replace(/\?.*$/, ''),
  )
}
