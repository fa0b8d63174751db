// `posthorn doctor --deep` behind a real Courier, broken at some hops.
import { after } from 'node:test'
import { courier } from '../../src/hookup/guides/courier.ts'
import { courierHome } from '../support/courier-home.ts'
import { type DeepBreakage, deepDomain, deepStory, replaced } from '../support/deep-story.ts'
import { factsOf, writeHookup } from '../support/hook-up.ts'

const place = courierHome()
after(() => place[Symbol.dispose]())

const line = `@${deepDomain}: mailman`

const breakages: readonly DeepBreakage[] = [
  {
    title: 'a Courier that does not run',
    wait: 2,
    code: 'no-mail-server',
    seen: /ECONNREFUSED|refused/i,
    last: null,
  },
  {
    title: 'another account',
    conf: replaced(line, `@${deepDomain}: list`),
    wait: 2,
    code: 'refused',
    seen: /RCPT TO:<posthorn-trial-\w+@\S+> 550/,
    last: null,
  },
  {
    title: 'a domain that goes elsewhere',
    conf: replaced(line, `@another.example.test: mailman`),
    wait: 3,
    code: 'not-handed-in',
    seen: /nothing came in 3 s/,
    last: 'smtp-in',
  },
]

deepStory({
  title: 'doctor --deep behind a real Courier',
  kind: 'courier',
  guide: 'courier',
  configDir: '/etc/courier',
  file: 'etc/courier/aliases/posthorn',
  sections: async () => ({ mta: { incoming: 'courier', configuration: place.configuration } }),
  hookUp: async (lab, site) => {
    await lab.prepare({ domains: [deepDomain], maps: place.home })
    await writeHookup(courier, await factsOf(site), lab)
  },
  isUp: async (lab) => {
    for (const program of ['makealiases', 'makeacceptmailfor']) await lab.exec([program])
  },
  breakages,
})
