// The tables that Sendmail looks into (a `text` map of its K line: KEY blank VALUE; see Sendmail's doc/op §5.12); pure.
// It reads such a map anew at each look-up, so there is nothing to compile and nobody to tell.
//
// Law: an address stands there when it is one of a list, without extension: the rule set cuts `+…` off before it asks.
import type { ListDirectory } from '../model/mail-server.ts'
import { byCodePoint, tails } from './list-addresses.ts'
import { eachDomain, type Parts, partsByGroup } from './table-parts.ts'

export const sendmailTableNames = ['sendmail_domains', 'sendmail_lists'] as const
export type SendmailTableName = (typeof sendmailTableNames)[number]

/**
 * `sendmail_lists`: each address of each list and what it is for. `sendmail_domains`: the domains that have lists or
 * are for lists alone. The writer keeps what a domain's lists gave, so that one new list costs one domain.
 */
export function sendmailTables(): (directory: ListDirectory) => ReadonlyMap<SendmailTableName, Parts> {
  const addresses = partsByGroup(
    () => '',
    (domain, name) => tails.map((tail) => `${name}${tail}@${domain} ${tail.slice(1) || 'post'}\n`).join(''),
  )
  return ({ domains }) => {
    const served = domains.filter(({ listNames, listOnly }) => listOnly || listNames.length > 0)
    const names = served.map(({ mailHost }) => mailHost).sort(byCodePoint)
    return new Map<SendmailTableName, Parts>([
      ['sendmail_domains', names.map((name) => `${name} lists\n`)],
      ['sendmail_lists', addresses(eachDomain(domains))],
    ])
  }
}
