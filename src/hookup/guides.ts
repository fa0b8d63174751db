// The mail servers that `hookup` and `doctor` know, in the order in which they are looked for and listed.
import type { MailServerGuide } from '../model/hookup.ts'
import { courier } from './guides/courier.ts'
import { exim } from './guides/exim.ts'
import { opensmtpd } from './guides/opensmtpd.ts'
import { postfix } from './guides/postfix.ts'
import { qmail } from './guides/qmail.ts'
import { sendmail } from './guides/sendmail.ts'

export const guides: readonly MailServerGuide[] = [postfix, exim, sendmail, opensmtpd, courier, qmail]

/** By the name of the command line, in any case; Exim is called `exim4` in configurations. */
export function findGuide(name: string): MailServerGuide | null {
  const asked = name.toLowerCase()
  return guides.find((guide) => guide.name === asked || (guide.name === 'exim' && asked === 'exim4')) ?? null
}
