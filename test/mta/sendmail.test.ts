// The whole loop with a real Sendmail, hooked up by what `posthorn hookup sendmail` prints.
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { sendmail } from '../../src/hookup/guides/sendmail.ts'
import { handIn, post } from '../support/hand-in.ts'
import { factsOf, writeHookup } from '../support/hook-up.ts'
import { mailServerLab } from '../support/mail-server-lab.ts'
import { mailServerStory, type Story, storyDomain } from '../support/mail-server-story.ts'
import { eventually, freePort, freshSite } from '../support/server.ts'

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

test('while Posthorn is down its mail is deferred, and nobody else’s waits', async () => {
  await using lab = await mailServerLab('sendmail')
  const { smtpPort, lmtpPort, world } = lab
  const people = 'people.example.test'
  const lookup = { socketmap: `127.0.0.1:${await freePort()}` }
  await using site = await freshSite({
    relayPort: smtpPort,
    lmtpPort,
    sections: { lookup, mta: { incoming: 'sendmail' } },
  })
  await site.must(['domain', 'add', storyDomain, '--list-only'])
  await site.must(['domain', 'add', people])
  await site.must(['create', `tea@${storyDomain}`])
  await site.must(['create', `milk@${people}`])
  const facts = await factsOf(site)
  await lab.prepare({ domains: [storyDomain, people], maps: facts.dataDir })
  await writeHookup(sendmail, facts, lab, null, 'lookup')
  await lab.exec(['/bin/sh', '-c', `echo ${people} > /etc/mail/local-host-names`])
  await lab.exec(['/bin/sh', '-c', 'echo "ann: ann@one.example.test" > /etc/mail/aliases'])
  await lab.exec(['/usr/libexec/sendmail/sendmail', '-bi', '-C', '/etc/mail/sendmail.cf'])
  await lab.up()
  const codes = async (...to: string[]): Promise<readonly string[]> => {
    const { recipients } = await handIn({ port: smtpPort, dialect: 'smtp', from: 'bob@two.example.test', to })
    return recipients.map((reply) => reply.slice(0, 3))
  }
  // Who is known in a shared domain stands in the table, so only the list-only domain has to wait.
  deepEqual(
    await codes(
      `tea@${storyDomain}`,
      `nosuch@${storyDomain}`,
      `milk@${people}`,
      `ann@${people}`,
      `unheard-of@${people}`,
    ),
    ['451', '451', '250', '250', '550'],
  )
  const other = await handIn({
    port: smtpPort,
    dialect: 'smtp',
    from: 'bob@two.example.test',
    to: ['carol@three.example.test'],
    message: post('bob@two.example.test', 'carol@three.example.test', 'other'),
  })
  match(other.end[0] ?? '', /^250/)
  await eventually('the other mail', () =>
    world.messages.some(({ to }) => to.includes('carol@three.example.test')),
  )

  const server = await site.start()
  deepEqual(await codes(`tea@${storyDomain}`, `nosuch@${storyDomain}`), ['250', '550'])
  const shared = await handIn({
    port: smtpPort,
    dialect: 'smtp',
    from: 'bob@two.example.test',
    to: [`milk@${people}`],
    message: post('bob@two.example.test', `milk@${people}`, 'shared'),
  })
  match(shared.end[0] ?? '', /^250/)
  await server.logged('lmtp.accepted', ({ recipients }) => String(recipients) === `milk@${people}`)
  equal(await server.stop(), 0)
})
