// The commands that carry an envelope (RFC 5321 §4.1.1.2, §4.1.1.3) with what the server offers added: SIZE
// (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), XVERP (Postfix).
import assert from 'node:assert/strict'
import { domainToASCII } from 'node:url'
import { domainOf, type EmailAddress, localPartOf, needsSmtpUtf8 } from '../mail/address.ts'
import type { Transaction } from './client-transaction.ts'
import type { Extensions } from './extensions.ts'

/**
 * The address as every server understands it, its domain in A-labels (RFC 5890 §2.3.2.1); null when only
 * SMTPUTF8 can carry it, because its local part is not ASCII (RFC 6531 §3.3) or its domain has no A-labels.
 */
export function asciiForm(address: EmailAddress): string | null {
  if (!needsSmtpUtf8(address)) return address
  const local = localPartOf(address)
  const domain = domainToASCII(domainOf(address))
  return needsSmtpUtf8(local) || domain === '' ? null : `${local}@${domain}`
}

export function mailCommand(transaction: Transaction<unknown>, offered: Extensions): string {
  const { from, size, eightBit, smtpUtf8, xverp } = transaction
  let command = from === '<>' ? 'MAIL FROM:<>' : `MAIL FROM:<${asciiForm(from) ?? from}>`
  if (offered.size !== null) command += ` SIZE=${size}`
  if (eightBit && offered.eightBitMime) command += ' BODY=8BITMIME'
  if (smtpUtf8 && offered.smtpUtf8) command += ' SMTPUTF8'
  if (xverp !== undefined) command += ` XVERP=${xverp}`
  return `${command}\r\n`
}

export function rcptCommand(to: EmailAddress): string {
  return `RCPT TO:<${asciiForm(to) ?? to}>\r\n`
}

/** Throws when the caller broke the law of a transaction; nothing of it has left then. */
export function assertSendable(transaction: Transaction<unknown>, offered: Extensions): void {
  const { from, recipients, pieces, smtpUtf8, xverp } = transaction
  assert(recipients.length > 0, 'a transaction has at least one recipient')
  const last = pieces.findLast((piece) => piece.length > 0)
  assert(last === undefined || last.at(-1) === 10, 'a message ends with CRLF')
  assert(
    xverp === undefined || (offered.xverp && /^[-=+]{2}$/.test(xverp)),
    'XVERP needs an offer and two of - = +',
  )
  if (smtpUtf8 && offered.smtpUtf8) return
  assert(from === '<>' || asciiForm(from) !== null, `sender ${from} needs SMTPUTF8`)
  for (const to of recipients) assert(asciiForm(to) !== null, `recipient ${to} needs SMTPUTF8`)
}
