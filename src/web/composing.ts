// What somebody wrote in the form, as the message that their mail program would send (RFC 5322, RFC 2045).
import type { Instant } from '../base/clock.ts'
import { base32, type Random } from '../base/random.ts'
import { domainOf, type EmailAddress } from '../mail/address.ts'
import { formatMailbox } from '../mail/address-list.ts'
import { formatDate } from '../mail/date.ts'
import { longestLine } from '../mail/dot-stuffing.ts'
import { Headers } from '../mail/headers.ts'
import { encodeQuotedPrintable } from '../mail/transfer-encoding.ts'

export interface WrittenPost {
  readonly from: EmailAddress
  /** The display name; '' for none. */
  readonly name: string
  readonly to: EmailAddress
  readonly subject: string
  readonly text: string
}

export function composePost(
  { from, name, to, subject, text }: WrittenPost,
  now: Instant,
  random: Random,
): Uint8Array {
  const octets = Buffer.from(`${text.toWellFormed().replace(/\r\n|\r|\n/g, '\r\n')}\r\n`)
  const isPlain = octets.every((octet) => octet < 128) && longestLine(octets) <= 998
  const headers = Headers.none
    .with('From', formatMailbox({ name, address: from }))
    .with('To', to)
    .with('Subject', subject)
    .with('Date', formatDate(now))
    .with('Message-ID', `<${base32(random.bytes(10))}@${domainOf(from)}>`)
    .with('MIME-Version', '1.0')
    .with('Content-Type', 'text/plain; charset=utf-8')
    .with('Content-Transfer-Encoding', isPlain ? '7bit' : 'quoted-printable')
  return Buffer.concat([headers.toBytes(), isPlain ? octets : Buffer.from(encodeQuotedPrintable(octets))])
}
