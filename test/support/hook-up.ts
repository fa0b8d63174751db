// Puts into a mail server's files what `posthorn hookup` prints for it, so that the laboratory runs what an operator gets.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hostFacts } from '../../src/app/host-facts.ts'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { loadConfig } from '../../src/config/config.ts'
import { withBlocks } from '../../src/hookup/blocks.ts'
import type { Hookup, HookupWay, HostFacts, MailServerGuide, MailServerHost } from '../../src/model/hookup.ts'
import type { MailServerLab } from './mail-server-lab.ts'
import { run, type Site } from './server.ts'

/** The facts of a site, as the command line gathers them. */
export async function factsOf({ configFile }: Site): Promise<HostFacts> {
  const around = { explicit: configFile, environment: {}, cwd: '/', home: null, effectiveUid: 0 }
  const loaded = loadConfig(around)
  if ('errors' in loaded) throw new Error(loaded.errors.map(({ what }) => what).join('; '))
  return hostFacts(loaded.config, mailServerHost({ configDir: null, commandPrefix: [] }))
}

/** The mail server of a laboratory, as the doctor reaches it. `configDir` is the folder inside. */
export function labHost(lab: MailServerLab, configDir: string | null): MailServerHost {
  return mailServerHost({ configDir, commandPrefix: lab.prefix })
}

/** Writes the files into the laboratory's own root, and opens the folders of Posthorn as `afterwards` says. */
export async function writeHookup(
  guide: MailServerGuide,
  facts: HostFacts,
  lab: MailServerLab,
  configDir: string | null = null,
  way?: HookupWay,
): Promise<Hookup> {
  const hookup = await guide.hookup(facts, labHost(lab, configDir), way)
  if (hookup.refusals.length > 0) throw new Error(hookup.refusals.join('; '))
  for (const path of new Set(hookup.files.map((file) => file.path))) {
    const there = join(lab.root, path)
    const files = hookup.files.filter((file) => file.path === path)
    const joined = withBlocks(existsSync(there) ? readFileSync(there, 'utf8') : null, files)
    if ('refusal' in joined) throw new Error(joined.refusal)
    writeFileSync(there, joined.text)
  }
  for (const { argv } of hookup.afterwards) if (argv[0] === 'chmod') await run(argv)
  return hookup
}
