// Judges MAIL and RCPT as far as the wire can: parameters (RFC 1870, RFC 6152, RFC 6531) and the form of the
// address. Whether a recipient is known is the station's to say. Pure.
import { type EmailAddress, type EnvelopeSender, needsSmtpUtf8, parseEmailAddress } from '../mail/address.ts'
import type { Parameter } from './command-path.ts'
import type { Reply } from './reply.ts'
import { malformed, replies, tooBig, unknownParameter } from './server-replies.ts'

export interface MailCommand {
  readonly sender: EnvelopeSender
  readonly smtpUtf8: boolean
  /** What SIZE promised, in bytes; null when it was not given. */
  readonly size: number | null
}

/** What a RCPT named. */
export interface Mailbox {
  /** As it came, without brackets and source route. */
  readonly text: string
  /** With its domain in lower case; null for the bare `Postmaster` of RFC 5321 §4.5.1. */
  readonly address: EmailAddress | null
}

export type Judged<T> = { readonly good: T } | { readonly refused: Reply }

export function judgeMail(
  address: string,
  parameters: readonly Parameter[],
  maxMessageSize: number,
): Judged<MailCommand> {
  let smtpUtf8 = false
  let size: number | null = null
  const seen = new Set<string>()
  for (const { keyword, value } of parameters) {
    if (seen.has(keyword)) return { refused: malformed(`parameter ${keyword.slice(0, 40)} was given twice`) }
    seen.add(keyword)
    if (keyword === 'SIZE') {
      if (value === null || !/^\d{1,20}$/.test(value)) return { refused: replies.badSize }
      size = Number(value)
      if (size > maxMessageSize) return { refused: tooBig(maxMessageSize) }
    } else if (keyword === 'SMTPUTF8') {
      if (value !== null) return { refused: malformed('SMTPUTF8 takes no value') }
      smtpUtf8 = true
    } else if (keyword !== 'BODY') {
      return { refused: unknownParameter(keyword) }
    } else if (!/^(?:7BIT|8BITMIME)$/i.test(value ?? '')) {
      return { refused: unknownParameter(`BODY=${value ?? ''}`) }
    }
  }
  if (address === '') return { good: { sender: '<>', smtpUtf8, size } }
  const sender = parseEmailAddress(address)
  if (sender === null) return { refused: replies.badSender }
  if (!smtpUtf8 && needsSmtpUtf8(sender)) return { refused: replies.needsUtf8 }
  return { good: { sender, smtpUtf8, size } }
}

/** RFC 3461 parameters (NOTIFY, ORCPT) are refused: DSN is not offered. */
export function judgeRecipient(
  text: string,
  parameters: readonly Parameter[],
  smtpUtf8: boolean,
): Judged<Mailbox> {
  const [first] = parameters
  if (first !== undefined) return { refused: unknownParameter(first.keyword) }
  const address = parseEmailAddress(text)
  if (address === null && !/^postmaster$/i.test(text)) return { refused: replies.badRecipient }
  if (!smtpUtf8 && needsSmtpUtf8(text)) return { refused: replies.needsUtf8 }
  return { good: { text, address } }
}
