// The mail servers that Posthorn can hook up to, by the names that `[mta] incoming` gives.
import { unreachable } from '../base/unreachable.ts'
import type { MailServer } from '../model/mail-server.ts'
import { type DotFileSettings, dotFiles } from './dot-files.ts'
import { type EximSettings, exim, markersAlone } from './markers.ts'
import { type PostfixSettings, postfix } from './postfix.ts'
import { opensmtpd, sendmail, type TextTableSettings } from './text-tables.ts'

export type MailServerSettings =
  | { readonly name: 'null'; readonly lists: string }
  | ({ readonly name: 'exim4' } & EximSettings)
  | { readonly name: 'postfix'; readonly postfix: PostfixSettings }
  | ({ readonly name: 'sendmail' } & TextTableSettings)
  | ({ readonly name: 'opensmtpd'; readonly delimiter: string } & TextTableSettings)
  | DotFileSettings

/** What one mail server needs, and no more: the markers are those of `null` and `exim4`. `publish` throws Unavailable. */
export function mailServerFor(settings: MailServerSettings): MailServer {
  switch (settings.name) {
    case 'postfix':
      return postfix(settings.postfix)
    case 'exim4':
      return exim(settings)
    case 'sendmail':
      return sendmail(settings)
    case 'opensmtpd':
      return opensmtpd(settings)
    case 'courier':
    case 'qmail':
      return dotFiles(settings)
    case 'null': // for sites that keep their own tables, or let the mail server ask
      return markersAlone(settings.lists)
    default:
      return unreachable(settings)
  }
}
