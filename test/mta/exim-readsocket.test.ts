// The whole loop with a real Exim that asks the look-up service, hooked up by what `posthorn hookup exim` prints; and the
// founding document's advice about the Message-ID.
import { deepEqual, equal, match } from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hookUpExim, plainExim } from '../support/exim-lab.ts'
import { post } from '../support/hand-in.ts'
import { mailServerStory, storyDomain } from '../support/mail-server-story.ts'
import { freePort } from '../support/server.ts'

/** As the founding document has it. */
const advice = `  headers_remove = message-id
  headers_add = "Message-ID: \${if def:header_message-id:{$h_message-id:}{<E\${message_exim_id}@\${qualify_domain}>}}"
`

mailServerStory({
  title: 'Posthorn behind a real Exim that asks the look-up service',
  kind: 'exim',
  sections: async () => ({
    mta: { incoming: 'exim4' },
    lookup: { readsocket: `127.0.0.1:${await freePort()}` },
  }),
  hookUp: async (lab, site) => {
    await lab.prepare({ domains: [storyDomain], etc: plainExim(lab) })
    await hookUpExim(lab, site, 'lookup')
    await lab.up()
  },
  more: ({ lab, tea, ann, bySmtp, arrived }) => {
    test('by the advice about the Message-ID a post without one gets one, and another keeps its own', async () => {
      // A delivery reads the configuration anew.
      const file = join(lab().root, 'etc/exim4/exim4.conf')
      const text = readFileSync(file, 'utf8')
      const at = /^ {2}rcpt_include_affixes = true\n/m
      match(text, at)
      writeFileSync(
        file,
        text.replace(at, (line) => line + advice),
      )
      const bare = post(ann, tea, 'bare').replace(/^Message-ID: .*\r\n/m, '')
      equal(/^Message-ID/m.test(bare), false)
      await bySmtp(ann, tea, bare)
      await bySmtp(ann, tea, post(ann, tea, 'own'))
      const idsOf = async (id: string): Promise<readonly string[]> =>
        (await arrived(id, 2)).map(
          (copy) => /^Message-ID: (.*)\r$/im.exec(lab().textOf(copy).toString('latin1'))?.[1] ?? '',
        )
      for (const id of await idsOf('bare')) match(id, /^<E[\w-]+@mta\.lab\.test>$/)
      deepEqual(await idsOf('own'), ['<own@client.example.test>', '<own@client.example.test>'])
    })
  },
})
