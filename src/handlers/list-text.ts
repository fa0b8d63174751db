// Fills a list's own texts (the header and footer of posts) with the list's names: `$display_name`,
// `${list_id}`. Logic-less: text from mail or from settings is data and is never looked at again; a name that
// is not known stays as it stands, for it may belong to one member and be filled at delivery.
import { type MailingList, postingAddress, subAddress } from '../model/list.ts'

/** The text with every known `$name` filled in; `$$` stands for one `$`. */
export function filled(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:\$|\{([a-z_]{1,40})\}|([a-z_]{1,40}))/gi,
    (whole, braced?: string, bare?: string) =>
      whole === '$$' ? '$' : (values.get((braced ?? bare ?? '').toLowerCase()) ?? whole),
  )
}

/** What a list is called, under the names that Mailman's templates use. */
export function listValues(list: MailingList): ReadonlyMap<string, string> {
  const address = postingAddress(list)
  const request = subAddress(list, 'request')
  return new Map([
    ['listname', address],
    ['fqdn_listname', address],
    ['list_id', list.listId],
    ['display_name', list.settings.displayName],
    ['short_listname', list.name],
    ['list_name', list.name],
    ['domain', list.mailHost],
    ['mail_host', list.mailHost],
    ['description', list.settings.description],
    ['request_email', request],
    ['request_address', request],
    ['owner_email', subAddress(list, 'owner')],
    ['language', list.settings.preferredLanguage],
  ])
}
