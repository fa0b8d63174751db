// The texts of letters that a site may replace, under the names of Mailman's templates: a file `NAME.txt` in the
// template directory is taken before the built-in text. Logic-less: `$name` is filled in, and what it is filled
// with is never looked at again. A text of nothing but blanks says that no such letter is wanted.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Unavailable } from '../base/unavailable.ts'
import { filled, listValues } from '../handlers/list-text.ts'
import { type MailingList, postingAddress } from '../model/list.ts'

const builtIn = {
  'list:user:notice:welcome': `You are now a member of the mailing list $fqdn_listname.

To post to the list, write to:

    $fqdn_listname

For help with your membership, and to leave the list, write to

    $request_email

with the word 'help' as the subject.
`,
  'list:user:notice:goodbye': `Your address $user_email is no longer a member of the mailing
list $fqdn_listname.

If you think that this is a mistake, write to the owners of the list:

    $owner_email
`,
  'domain:admin:notice:new-list': `The mailing list $fqdn_listname has been created, and you are
an owner of it.

Members write to:             $fqdn_listname
Commands by mail go to:       $request_email
Owners and moderators get:    $owner_email

Questions about this server go to $site_email.
`,
  'list:admin:notice:subscribe': `$count were added to the mailing list $fqdn_listname
by the operator of this server:

$data`,
  'list:admin:notice:unsubscribe': `$count were removed from the mailing list $fqdn_listname
by the operator of this server:

$data`,
  'list:admin:notice:pending': `The mailing list $fqdn_listname has held posts that wait for
a moderator: $count.

$data
The operator of this server can show them with 'posthorn held list'.
`,
} as const

export type TextName = keyof typeof builtIn

/**
 * The text with everything filled in, or null where the site wants no such letter. The files are looked for as Mailman
 * does: by list, by domain, for the whole site. Throws Unavailable for one that is there and cannot be read.
 */
export function noticeText(
  templateDir: string | null,
  list: MailingList,
  name: TextName,
  values: Readonly<Record<string, string>>,
): string | null {
  const text = (templateDir === null ? null : ownText(templateDir, list, name)) ?? builtIn[name]
  if (text.trim() === '') return null
  return filled(text, new Map([...listValues(list), ...Object.entries(values)]))
}

function ownText(templateDir: string, list: MailingList, name: TextName): string | null {
  const owners = [
    ['lists', list.listId],
    ['lists', postingAddress(list)],
    ['domains', list.mailHost],
    ['site', ''],
  ] as const
  for (const language of new Set([list.settings.preferredLanguage, 'en']))
    for (const [folder, of] of owners) {
      const text = readIfThere(join(templateDir, folder, of, language, `${name}.txt`))
      if (text !== null) return text
    }
  return null
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new Unavailable(`the template ${path} cannot be read (${code}); mend or remove it`, {
      cause: fault,
    })
  }
}
