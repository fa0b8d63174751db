// Sendmail, as `hookup` and `doctor` know it. Law: it is asked in its own words (sendmail -bt), and nothing is changed.
import type { MailServerGuide } from '../../model/hookup.ts'
import { diagnoseSendmail } from './sendmail-diagnose.ts'
import { readSendmailFiles } from './sendmail-files.ts'
import { sendmailKinds } from './sendmail-kinds.ts'
import { sendmailRecipe } from './sendmail-recipe.ts'
import { findSendmail } from './sendmail-test-mode.ts'

export const sendmail: MailServerGuide = {
  name: 'sendmail',
  title: 'Sendmail',
  kinds: sendmailKinds,
  isInstalled: async (host) =>
    (await readSendmailFiles(host)).cf !== null && (await findSendmail(host)) !== null,
  hookup: async (facts, host, way) => sendmailRecipe(facts, await readSendmailFiles(host), way),
  diagnose: diagnoseSendmail,
}
