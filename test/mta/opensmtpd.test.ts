// The whole loop with a real OpenSMTPD, hooked up by what `posthorn hookup opensmtpd` prints.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { opensmtpd } from '../../src/hookup/guides/opensmtpd.ts'
import { reloadCommand } from '../../src/hookup/guides/opensmtpd-recipe.ts'
import { factsOf, writeHookup } from '../support/hook-up.ts'
import { mailServerStory, storyDomain } from '../support/mail-server-story.ts'

const directory = mkdtempSync(join(tmpdir(), 'posthorn-opensmtpd-'))
const reload = join(directory, 'reload')
after(() => rmSync(directory, { recursive: true, force: true }))

mailServerStory({
  title: 'Posthorn behind a real OpenSMTPD that is told of new lists',
  kind: 'opensmtpd',
  sections: async () => {
    // As long as OpenSMTPD does not run there is nobody to tell.
    writeFileSync(reload, '#!/bin/sh\n', { mode: 0o755 })
    const configuration = join(directory, 'mail-server.cfg')
    writeFileSync(configuration, `[opensmtpd]\nreload_command: ${reload}\n`)
    return { mta: { incoming: 'opensmtpd', configuration } }
  },
  hookUp: async (lab, site) => {
    const facts = await factsOf(site)
    await lab.prepare({ domains: [storyDomain], maps: facts.dataDir })
    await writeHookup(opensmtpd, facts, lab)
    await lab.up()
    writeFileSync(reload, `#!/bin/sh\nexec ${lab.prefix.join(' ')} /usr/sbin/${reloadCommand}\n`)
  },
})
