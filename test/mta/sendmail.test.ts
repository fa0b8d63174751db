// The whole loop with a real Sendmail, hooked up by what `posthorn hookup sendmail` prints.
import { sendmail } from '../../src/hookup/guides/sendmail.ts'
import { factsOf, writeHookup } from '../support/hook-up.ts'
import { mailServerStory, type Story, storyDomain } from '../support/mail-server-story.ts'
import { freePort } from '../support/server.ts'

const hookUp: Story['hookUp'] = async (lab, site) => {
  const facts = await factsOf(site)
  await lab.prepare({ domains: [storyDomain], maps: facts.dataDir })
  await writeHookup(sendmail, facts, lab)
  await lab.up()
}

mailServerStory({
  title: 'Posthorn behind a real Sendmail that asks it by socketmap',
  kind: 'sendmail',
  sections: async () => ({ lookup: { socketmap: `127.0.0.1:${await freePort()}` } }),
  hookUp,
})

mailServerStory({
  title: 'Posthorn behind a real Sendmail that reads a table',
  kind: 'sendmail',
  sections: async () => ({ mta: { incoming: 'sendmail' } }),
  hookUp,
})
