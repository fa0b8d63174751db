// The whole loop with a real Exim that asks our LMTP door at RCPT, hooked up by what `posthorn hookup exim` prints.
import { hookUpExim, plainExim } from '../support/exim-lab.ts'
import { mailServerStory, storyDomain } from '../support/mail-server-story.ts'

mailServerStory({
  title: 'Posthorn behind a real Exim that makes callouts',
  kind: 'exim',
  sections: async () => ({ mta: { incoming: 'exim4' } }),
  hookUp: async (lab, site) => {
    // It does not see our folder at all.
    await lab.prepare({ domains: [storyDomain], etc: plainExim(lab) })
    await hookUpExim(lab, site, 'verify')
    await lab.up()
  },
})
