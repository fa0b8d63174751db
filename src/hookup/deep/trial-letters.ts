// The two messages of a trial: a post, and the report that a copy could not be delivered (RFC 3464). Both say that they
// are a machine's (RFC 3834 §5), and to whoever finds them astray where they come from.
import type { Instant } from '../../base/clock.ts'
import { formatDate } from '../../mail/date.ts'

/** Addresses of trials, for those who look at queues. No list of the operator's is ever told by its name. */
export const trialName = /^posthorn-trial-[a-z2-7]{8}[-@]/

export interface TrialLetter {
  readonly from: string
  readonly to: string
  /** With its brackets. */
  readonly messageId: string
  readonly hostname: string
  readonly now: Instant
}

export function trialPost(letter: TrialLetter): Buffer {
  return Buffer.from(
    [
      ...header(letter, 'Round trip'),
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      '',
      `This is the trial post of 'posthorn doctor --deep' on ${letter.hostname}. It goes to a list of its own, which is`,
      'gone again by now, and no member of any list gets it. If you read it in a mailbox, the mail server sent it astray.',
      '',
    ].join('\r\n'),
  )
}

export function trialBounce(letter: TrialLetter, recipient: string): Buffer {
  const boundary = 'posthorn-round-trip'
  return Buffer.from(
    [
      ...header(letter, 'Undelivered: round trip'),
      'MIME-Version: 1.0',
      `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"`,
      '',
      `--${boundary}`,
      'Content-Type: text/plain; charset=utf-8',
      '',
      `This is the trial bounce of 'posthorn doctor --deep' on ${letter.hostname}.`,
      '',
      `--${boundary}`,
      'Content-Type: message/delivery-status',
      '',
      `Reporting-MTA: dns; ${letter.hostname}`,
      '',
      `Final-Recipient: rfc822; ${recipient}`,
      'Action: failed',
      'Status: 5.1.1',
      '',
      `--${boundary}--`,
      '',
    ].join('\r\n'),
  )
}

const header = ({ from, to, messageId, now }: TrialLetter, subject: string): readonly string[] => [
  `From: ${from}`,
  `To: ${to}`,
  `Subject: ${subject}`,
  `Message-ID: ${messageId}`,
  `Date: ${formatDate(now)}`,
  'Auto-Submitted: auto-generated',
]

/** Why a message was sent back, in the words of the report: its diagnostic, its status, or how it begins. */
export function reasonOf(report: Uint8Array): string {
  const text = Buffer.from(report)
    .toString('latin1')
    .replace(/\r\n[ \t]+/g, ' ')
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:[ \\t]*(.+?)\\r?$`, 'im').exec(text)?.[1]
  const said = field('Diagnostic-Code')?.replace(/^[\w-]+;\s*/, '') ?? field('Status') ?? field('Subject')
  return (said ?? 'no reason is given').slice(0, 300)
}
