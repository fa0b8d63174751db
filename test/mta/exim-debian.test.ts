// The whole loop with Debian's own configuration of Exim, split as it comes, with what `posthorn hookup exim` writes into it.
import { askedFromTheWorld, debianExim, hookUpExim } from '../support/exim-lab.ts'
import { mailServerStory, storyDomain } from '../support/mail-server-story.ts'

for (const { title, way } of [
  { title: 'with markers', way: 'tables' },
  { title: 'with callouts', way: 'verify' },
] as const)
  mailServerStory({
    title: `Posthorn behind Debian's Exim, ${title}`,
    kind: 'exim',
    sections: async () => ({ mta: { incoming: 'exim4' } }),
    hookUp: async (lab, site) => {
      await lab.prepare({ domains: [storyDomain], maps: site.varDir, etc: debianExim(lab) })
      await hookUpExim(lab, site, way)
      await lab.up()
    },
    asked: askedFromTheWorld,
  })
