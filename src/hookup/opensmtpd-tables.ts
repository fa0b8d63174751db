// The table that OpenSMTPD looks into (table(5), smtpd.conf(5) `rcpt-to regex <table>`): POSIX extended expressions, one
// a line; pure. smtpd reads it once and has to be told when it changed.
//
// Law: a line holds no blank and no colon, which end a key there; it matches the addresses of one list, with or without
// an extension, and no other.
import { subAddresses } from '../model/list.ts'
import type { ListDirectory } from '../model/mail-server.ts'
import { literal } from './list-addresses.ts'
import { eachDomain, type Parts, partsByGroup } from './table-parts.ts'

// smtpd does not start with an empty table ("may not be used for rcpt-to lookups"); this line matches no address.
const noList = '^$\n'

/** `delimiter` stands between a local part and its extension; '' for none. What a domain's lists gave is kept. */
export function opensmtpdRecipients(delimiter: string): (directory: ListDirectory) => Parts {
  const extension = delimiter === '' ? '' : `(${literal(delimiter)}[^@]*)?`
  const end = `(-(${subAddresses.join('|')}))?${extension}`
  const lines = partsByGroup(
    () => '',
    (domain, name) => `^${literal(name)}${end}@${literal(domain)}$\n`,
  )
  return ({ domains }) => [noList, ...lines(eachDomain(domains))]
}
