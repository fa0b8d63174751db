// Exim 4, as `posthorn hookup` and `posthorn doctor` know it.
import type { HostFacts, MailServerGuide, MailServerHost } from '../../model/hookup.ts'
import { withoutBlocks } from '../blocks.ts'
import { installedExim, readExim } from './exim-configuration.ts'
import { diagnoseExim } from './exim-diagnose.ts'
import { fromTheWorld } from './exim-diagnose-door.ts'
import { eximKinds } from './exim-kinds.ts'
import { closedFolders } from './exim-markers.ts'
import { eximRecipe } from './exim-recipe.ts'
import { doorAnswers } from './exim-session.ts'

export const exim: MailServerGuide = {
  name: 'exim',
  title: 'Exim 4',
  kinds: eximKinds,
  isInstalled: async (host) => (await installedExim(host)) !== null,
  hookup: async (facts, host, way) => {
    const own = await readExim(withoutOurs(host))
    const installed = await installedExim(host)
    const around = {
      seesMarkers: (await host.stat(facts.listDataDir))?.kind === 'directory',
      closedFolders: await closedFolders(host, facts.listDataDir),
      program: installed?.program ?? 'exim4',
    }
    return eximRecipe(facts, own, around, way)
  },
  // Debian verifies no recipient for hosts that it relays for.
  heardInTheWorld: async (host, recipient) => {
    const { command } = await readExim(host)
    if (command === null) return null
    const answers = await doorAnswers(host, command, fromTheWorld, [recipient])
    return answers?.[0]?.reply ?? null
  },
  diagnose: (facts: HostFacts, host: MailServerHost) => diagnoseExim(facts, host),
}

/** The operator's own files: our blocks taken out, our whole files not there. */
function withoutOurs(host: MailServerHost): MailServerHost {
  return {
    ...host,
    readText: async (path) => {
      const text = await host.readText(path)
      if (text === null || text.startsWith('# posthorn hookup: this file')) return null
      return withoutBlocks(text, '#') ?? text
    },
  }
}
