// The tables that Sendmail looks into (a `text` map of its K line: KEY blank VALUE; see Sendmail's doc/op §5.12); pure.
// It reads such a map anew at each look-up, so there is nothing to compile and nobody to tell.
//
// Law: an address stands there when it is one of a list, without extension: the rule set cuts `+…` off before it asks.
import type { ListDirectory } from '../model/mail-server.ts'
import { byCodePoint, tails } from './list-addresses.ts'

export const sendmailTableNames = ['sendmail_domains', 'sendmail_lists'] as const
export type SendmailTableName = (typeof sendmailTableNames)[number]

/**
 * `sendmail_lists`: each address of each list and what it is for. `sendmail_domains`: the domains that have lists or
 * are for lists alone.
 */
export function sendmailTables({ domains }: ListDirectory): ReadonlyMap<SendmailTableName, string> {
  const sorted = [...domains].sort((a, b) => byCodePoint(a.mailHost, b.mailHost))
  const served = sorted.filter(({ listNames, listOnly }) => listOnly || listNames.length > 0)
  const addresses = sorted.flatMap(({ mailHost, listNames }) =>
    [...listNames]
      .sort(byCodePoint)
      .flatMap((name) => tails.map((tail) => `${name}${tail}@${mailHost} ${tail.slice(1) || 'post'}\n`)),
  )
  return new Map([
    ['sendmail_domains', served.map(({ mailHost }) => `${mailHost} lists\n`).join('')],
    ['sendmail_lists', addresses.join('')],
  ])
}
