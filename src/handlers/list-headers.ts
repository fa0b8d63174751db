// Marks the copy as list mail (RFC 2369, RFC 2919). These fields are the list's alone, so any that came in
// with the post go first; RFC 2369 §4 would keep a parent list's List-Archive, but the author of a post can write
// anything there. List-Unsubscribe names the list here; delivery adds what names one member.
//
// We sign with no product and version: it helps nobody who reads the post.
import { formatPhrase } from '../mail/address-list.ts'
import type { Headers } from '../mail/headers.ts'
import { type Handler, traceField } from '../model/handler.ts'
import { type MailingList, postingAddress, subAddress } from '../model/list.ts'

export const listHeaders: Handler = {
  name: 'list-headers',
  summary: 'Adds the fields that mark list mail, and removes those of others',
  apply: (draft, { list }) => {
    const others = draft.headers.filter((name) => !/^list-/i.test(name))
    const bare = others.has('Precedence') ? others : others.with('Precedence', 'list')
    const headers = bare.with(traceField, list.listId)
    if (!list.settings.includeRfc2369Headers) return { ...draft, headers }
    const post = list.settings.allowListPosts ? `<mailto:${postingAddress(list)}>` : 'NO' // RFC 2369 §3.4
    return { ...draft, headers: withListFields(headers, list).with('List-Post', post) }
  },
}

/** The fields that letters of the list carry as well: all but List-Post. */
export function withListFields(headers: Headers, list: MailingList): Headers {
  return headers
    .with('List-Id', formatListId(list))
    .with('List-Help', `<mailto:${subAddress(list, 'request')}?subject=help>`)
    .with('List-Owner', `<mailto:${subAddress(list, 'owner')}>`)
    .with('List-Subscribe', `<mailto:${subAddress(list, 'join')}>`)
    .with('List-Unsubscribe', `<mailto:${subAddress(list, 'leave')}>`)
}

/** RFC 2919 §3: the description as phrase, then the lasting name. */
function formatListId(list: MailingList): string {
  const phrase = formatPhrase(oneLineDescription(list))
  return phrase === '' ? `<${list.listId}>` : `${phrase} <${list.listId}>`
}

/** A description of several lines is named by its first. */
export function oneLineDescription({ settings }: Pick<MailingList, 'settings'>): string {
  const [first = '', ...more] = settings.description.trim().split(/\r\n|[\r\n]/)
  return more.length > 0 ? `${first} [...]` : first
}
