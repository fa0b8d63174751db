// The mail servers that Posthorn can hook up to, by the name that `[mta] incoming` gives; the markers come with each.

import { unreachable } from '../base/unreachable.ts'
import type { MailServer } from '../model/mail-server.ts'
import { keepMarkers } from './markers.ts'
import { type PostfixSettings, postfix } from './postfix.ts'

export type MailServerSettings =
  | { readonly name: 'null' | 'exim4'; readonly lists: string }
  | { readonly name: 'postfix'; readonly lists: string; readonly postfix: PostfixSettings }

/** `settings.lists` is the directory of the markers. `publish` throws Unavailable. */
export function mailServerFor(settings: MailServerSettings): MailServer {
  const tables = tablesOf(settings)
  return {
    name: settings.name,
    publish: async (directory) => [
      ...(await keepMarkers(settings.lists, directory)),
      ...((await tables?.publish(directory)) ?? []),
    ],
  }
}

// Exim looks at the markers, or asks the LMTP door by a callout; `null` is for sites that keep their own tables.
function tablesOf(settings: MailServerSettings): MailServer | null {
  switch (settings.name) {
    case 'postfix':
      return postfix(settings.postfix)
    case 'exim4':
    case 'null':
      return null
    default:
      return unreachable(settings)
  }
}
