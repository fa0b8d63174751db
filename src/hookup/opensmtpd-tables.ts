// The table that OpenSMTPD looks into (table(5), smtpd.conf(5) `rcpt-to regex <table>`): POSIX extended expressions, one
// a line; pure. smtpd reads it once and has to be told when it changed.
//
// Law: a line holds no blank and no colon, which end a key there; it matches the addresses of one list, with or without
// an extension, and no other.
import { subAddresses } from '../model/list.ts'
import type { ListDirectory } from '../model/mail-server.ts'
import { byCodePoint, literal } from './list-addresses.ts'

/** `delimiter` stands between a local part and its extension; '' for none. */
export function opensmtpdRecipients({ domains }: ListDirectory, delimiter: string): string {
  const extension = delimiter === '' ? '' : `(${literal(delimiter)}[^@]*)?`
  const end = `(-(${subAddresses.join('|')}))?${extension}`
  return [...domains]
    .sort((a, b) => byCodePoint(a.mailHost, b.mailHost))
    .flatMap(({ mailHost, listNames }) =>
      [...listNames].sort(byCodePoint).map((name) => `^${literal(name)}${end}@${literal(mailHost)}$\n`),
    )
    .join('')
}
