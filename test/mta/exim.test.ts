// The whole loop with a real Exim that looks at the markers, hooked up by what `posthorn hookup exim` prints.
import { hookUpExim, plainExim } from '../support/exim-lab.ts'
import { mailServerStory, storyDomain } from '../support/mail-server-story.ts'

mailServerStory({
  title: 'Posthorn behind a real Exim that looks at the markers',
  kind: 'exim',
  sections: async () => ({ mta: { incoming: 'exim4' } }),
  hookUp: async (lab, site) => {
    await lab.prepare({ domains: [storyDomain], maps: site.varDir, etc: plainExim(lab) })
    await hookUpExim(lab, site, 'tables')
    await lab.up()
  },
})
