// The whole loop with a real Courier, hooked up by what `posthorn hookup courier` prints. It starts posthorn-qmail for each
// message, from files that Posthorn keeps.
import { deepEqual, equal, match } from 'node:assert/strict'
import { chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { planChanges, writeChanges } from '../../src/hookup/apply.ts'
import { courier } from '../../src/hookup/guides/courier.ts'
import { courierHome, mailman } from '../support/courier-home.ts'
import { handIn, post } from '../support/hand-in.ts'
import { factsOf, writeHookup } from '../support/hook-up.ts'
import { type MailServerLab, mailServerLab } from '../support/mail-server-lab.ts'
import { mailServerStory, storyDomain } from '../support/mail-server-story.ts'
import { eventually, freshSite, type Site } from '../support/server.ts'

/** Does what hookup says between `prepare` and `up`; Courier does not run yet, so nothing is to be restarted. */
async function hookUp(lab: MailServerLab, site: Site): Promise<void> {
  const { afterwards } = await writeHookup(courier, await factsOf(site), lab)
  for (const { argv } of afterwards)
    if (argv[0] !== 'courier') equal((await lab.exec(argv)).code, 0, argv.join(' '))
}

const place = courierHome()
after(() => place[Symbol.dispose]())

mailServerStory({
  title: 'Posthorn behind a real Courier that starts posthorn-qmail',
  kind: 'courier',
  sections: async () => ({ mta: { incoming: 'courier', configuration: place.configuration } }),
  hookUp: async (lab, site) => {
    await lab.prepare({ domains: [storyDomain], maps: place.home })
    await hookUp(lab, site)
    await lab.up()
  },
  // A -default file takes whatever follows the list's name and a dash.
  bouncedTails: ['nosuch'],
})

const ann = 'ann@one.example.test'

test('what Posthorn refuses bounces, what it cannot take waits, and no list is closed by one bad message', async () => {
  using own = courierHome()
  await using lab = await mailServerLab('courier')
  const { smtpPort: relayPort, lmtpPort, world } = lab
  await using site = await freshSite({
    relayPort,
    lmtpPort,
    sections: {
      mta: { incoming: 'courier', configuration: own.configuration },
      lmtp: { max_message_size: '64 KiB' },
    },
  })
  const [tea, milk] = [`tea@${storyDomain}`, `milk@${storyDomain}`]
  await site.must(['domain', 'add', storyDomain, '--list-only'])
  await site.list(tea, [])
  // A file that Posthorn did not write is the operator's own.
  const line = `|HOST=${storyDomain} ${own.command} ${lmtpPort} 1\n`
  writeFileSync(join(own.home, '.courier-milk'), line)
  chownSync(join(own.home, '.courier-milk'), mailman, mailman)
  await lab.prepare({ domains: [storyDomain], maps: own.home })
  await hookUp(lab, site)
  await lab.up()
  const send = (to: string, id: string, body = 'hot\n') =>
    handIn({ port: relayPort, dialect: 'smtp', from: ann, to: [to], message: post(ann, to, id, { body }) })
  const said = (what: RegExp): Promise<unknown> =>
    eventually(`${what} in the log`, async () => what.test(await lab.ask('log')), 30_000)
  const bounced = (id: string): Promise<unknown> =>
    eventually(`a bounce for ${id}`, () =>
      world.messages.some(
        (one) => one.from === '' && lab.textOf(one).includes(`<${id}@client.example.test>`),
      ),
    )

  match((await send(tea.replace('t', 'T'), 'early')).end[0] ?? '', /^250/)
  await said(/cannot reach the LMTP server.*\n.*deferred/)
  const server = await site.start()
  await server.logged('lmtp.accepted', ({ recipients }) => String(recipients) === tea, 60_000)

  await send(milk, 'unknown')
  await said(/posthorn-qmail: .*550 5\.1\.1 no such list/)
  await bounced('unknown')

  // A stranger, for whom a refusal could close the address (courier(8), BOFHSUPPRESSBACKSCATTER).
  const localAddress = '127.0.0.2'
  const large = post(ann, tea, 'large', { body: 'x\n'.repeat(50_000) })
  const handed = await handIn({
    port: relayPort,
    localAddress,
    dialect: 'smtp',
    from: ann,
    to: [tea],
    message: large,
  })
  match(handed.end[0] ?? '', /^250/)
  await said(/posthorn-qmail: .* 552 /)
  const again = await handIn({ port: relayPort, localAddress, dialect: 'smtp', from: ann, to: [tea] })
  match(again.recipients[0] ?? '', /^250/)

  await site.must(['remove', tea])
  deepEqual(
    readdirSync(own.home).filter((name) => name.startsWith('.courier')),
    ['.courier-milk'],
  )
  equal(await server.stop(), 0)
})

test('lists live beside people in a local domain and in a hosted one', async () => {
  using own = courierHome()
  await using lab = await mailServerLab('courier')
  const { smtpPort: relayPort, lmtpPort } = lab
  const [local, hosted] = ['mta.lab.test', 'hosted.example.test']
  await lab.prepare({ domains: [hosted], maps: own.home })
  const etc = join(lab.root, 'etc/courier')
  const shelf = join(own.home, 'hosted')
  mkdirSync(shelf)
  chownSync(shelf, mailman, mailman)
  const account = (name: string, home: string): string =>
    `${name}@${hosted}\tuid=${mailman}|gid=${mailman}|home=${home}|shell=/bin/sh\n`
  writeFileSync(join(etc, 'hosteddomains/people'), `${hosted}\n`)
  writeFileSync(join(etc, 'userdb'), account('alias', shelf) + account('ann', own.home), { mode: 0o600 })
  for (const argv of [['makehosteddomains'], ['makeuserdb']]) equal((await lab.exec(argv)).code, 0)
  const homes = `${local}: ${etc}/aliasdir\n${hosted}: ${shelf}\n`
  writeFileSync(own.configuration, `[courier]\n${homes}command: ${own.command}\n`)
  await using site = await freshSite({
    relayPort,
    lmtpPort,
    sections: { mta: { incoming: 'courier', configuration: own.configuration } },
  })
  for (const domain of [local, hosted]) {
    await site.must(['domain', 'add', domain])
    await site.list(`${domain.split('.')[0]}-tea@${domain}`, [])
  }
  // From outside of the chroot, as with --config-dir.
  const host = mailServerHost({ configDir: etc, commandPrefix: [] })
  const made = await courier.hookup(await factsOf(site), host)
  deepEqual([made.refusals, made.ours], [[], []])
  await writeChanges((await planChanges(made.files)).changes, 'before')
  for (const { argv } of made.afterwards) {
    deepEqual(argv.slice(0, 2), ['chroot', lab.root])
    equal((await lab.exec(argv.slice(2))).code, 0, argv.join(' '))
  }
  await lab.up()
  const server = await site.start()
  const codes = async (...to: string[]): Promise<readonly string[]> =>
    (
      await handIn({ port: relayPort, localAddress: '127.0.0.2', dialect: 'smtp', from: ann, to })
    ).recipients.map((reply) => reply.slice(0, 3))
  deepEqual(
    await codes(`mailman@${local}`, `MTA-tea@${local}`, `mta-tea-bounces+x@${local}`, `nosuch@${local}`),
    ['250', '250', '250', '550'],
  )
  deepEqual(
    await codes(
      `ann@${hosted}`,
      `Hosted-Tea@${hosted}`,
      `hosted-tea-confirm+x@${hosted}`,
      `nosuch@${hosted}`,
    ),
    ['250', '250', '250', '550'],
  )
  for (const to of [`mta-tea@${local}`, `hosted-tea-owner@${hosted}`]) {
    await handIn({ port: relayPort, dialect: 'smtp', from: ann, to: [to], message: post(ann, to, to) })
    await server.logged('lmtp.accepted', ({ recipients }) => String(recipients) === to, 30_000)
  }
  equal(await server.stop(), 0)
})
