// OpenSMTPD, as `hookup` and `doctor` know it. Law: its rules are judged here as it judges them; nothing is changed.
import type { MailServerGuide } from '../../model/hookup.ts'
import { readSmtpdConf, smtpdConfPath } from './opensmtpd-configuration.ts'
import { diagnoseOpensmtpd } from './opensmtpd-diagnose.ts'
import { opensmtpdKinds } from './opensmtpd-kinds.ts'
import { opensmtpdRecipe } from './opensmtpd-recipe.ts'

export const opensmtpd: MailServerGuide = {
  name: 'opensmtpd',
  title: 'OpenSMTPD',
  kinds: opensmtpdKinds,
  isInstalled: async (host) => (await host.stat(await smtpdConfPath(host))) !== null,
  hookup: async (facts, host, way) => {
    const path = await smtpdConfPath(host)
    return opensmtpdRecipe(facts, path, await readSmtpdConf(host, path), way)
  },
  diagnose: diagnoseOpensmtpd,
}
