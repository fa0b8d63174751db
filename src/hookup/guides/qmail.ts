// qmail (netqmail, notqmail), as `hookup` and `doctor` know it. Law: its files are read as its programs read them; none of
// them needs to run.
import type { MailServerGuide } from '../../model/hookup.ts'
import { withoutBlocks } from '../blocks.ts'
import { diagnoseQmail } from './qmail-diagnose.ts'
import { readQmailFiles, usualHome } from './qmail-files.ts'
import { qmailKinds } from './qmail-kinds.ts'
import { qmailRecipe } from './qmail-recipe.ts'

export const qmail: MailServerGuide = {
  name: 'qmail',
  title: 'qmail',
  kinds: qmailKinds,
  isInstalled: async (host) => (await host.stat(`${host.configDir ?? usualHome}/control/me`)) !== null,
  hookup: async (facts, host, way) => {
    const files = await readQmailFiles(host, (text) => withoutBlocks(text, '#') ?? text)
    return qmailRecipe(facts, files, way)
  },
  diagnose: diagnoseQmail,
}
