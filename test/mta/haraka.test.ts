// The whole loop with a real Haraka, hooked up by the files that docs/other-mail-servers.md shows. Needs root and npm:
// `test/mta-lab/lab.sh install haraka`.
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { parseEmailAddress } from '../../src/mail/address.ts'
import { parseRule } from '../mta-lab/sink.mjs'
import { handIn, post } from '../support/hand-in.ts'
import { type MailServerLab, mailServerLab } from '../support/mail-server-lab.ts'
import { mailServerStory, storyDomain } from '../support/mail-server-story.ts'
import { fileOfPage } from '../support/recipe-of-page.ts'
import { eventually, freePort, freshSite } from '../support/server.ts'
import { deliverAll, opened, relayAt, transaction } from '../support/smtp-client.ts'

const page = 'docs/other-mail-servers.md'
const example = 'lists.example.org'
const lookupPort = await freePort()
const login = { smtp_user: 'posthorn', smtp_pass: 'a-long-password' }
const credentials = { user: login.smtp_user, password: login.smtp_pass }

/** Haraka has its plugins beside its config folder, which is all that the laboratory gives it. */
function givePlugin(lab: MailServerLab): void {
  const file = join(dirname(lab.root), 'plugins/posthorn.js')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, fileOfPage(page, 'plugins/posthorn.js'))
}

mailServerStory({
  title: 'Posthorn behind a real Haraka that asks the look-up service',
  kind: 'haraka',
  sections: async () => ({ mta: login, lookup: { readsocket: `127.0.0.1:${lookupPort}` } }),
  hookUp: async (lab) => {
    await lab.prepare({
      domains: [storyDomain],
      etc: {
        plugins: `${fileOfPage(page, 'config/plugins')}rcpt_to.in_host_list\n`,
        host_list: 'people.example.test\n',
        'posthorn.domains': fileOfPage(page, 'config/posthorn.domains', { [example]: storyDomain }),
        'posthorn.ini': fileOfPage(page, 'config/posthorn.ini', { 8024: lab.lmtpPort, 8028: lookupPort }),
        'auth_flat_file.ini': fileOfPage(page, 'config/auth_flat_file.ini'),
      },
    })
    givePlugin(lab)
    await lab.up()
  },
  more: ({ lab, site, tea, ann, bob, asked, arrived }) => {
    test('a post of somebody who has logged in goes the same way, together with mail for the world', async () => {
      const connection = await opened(relayAt(lab().smtpPort, { credentials }))
      const [from, list, other] = [ann, tea, 'carol@three.example.test'].map(parseEmailAddress)
      if (!from || !list || !other) throw new Error('no addresses')
      const bytes = Buffer.from(post(ann, tea, 'inside').replace(/^\./gm, '..'))
      const recipients = [list, other]
      const [told] = await deliverAll(connection, [
        transaction(1, { from, recipients, pieces: [bytes], size: bytes.length }),
      ])
      equal(told?.result.end?.code, 250)
      await connection.quit()
      deepEqual((await arrived('inside', 3)).flatMap(({ to }) => to).sort(), [ann, bob, other].sort())
    })

    test('people and lists are put off to transactions of their own', async () => {
      const carol = 'carol@people.example.test'
      deepEqual(await asked(carol, tea), ['250', '450'])
      deepEqual(await asked(tea, carol), ['250', '450'])
    })

    test('while Posthorn is down its mail is put off, and nobody else’s', async () => {
      equal((await site().posthorn(['stop'])).code, 0)
      deepEqual(await asked(tea), ['450'])
      deepEqual(await asked(`nosuch@${storyDomain}`), ['450'])
      deepEqual(await asked('carol@people.example.test'), ['250'])
    })
  },
})

test('by Haraka’s own settings: SMTP to our intake, unknown lists refused at the end of the data', async () => {
  await using lab = await mailServerLab('haraka')
  const intake = await freePort()
  await using site = await freshSite({
    relayPort: lab.smtpPort,
    lmtpPort: lab.lmtpPort,
    sections: { mta: login, lmtp: { smtp_intake: `127.0.0.1:${intake}` } },
  })
  const [tea, ann, bob] = [`tea@${storyDomain}`, 'ann@one.example.test', 'bob@two.example.test']
  await site.list(tea, [ann, bob])
  await lab.start({
    domains: [storyDomain],
    etc: {
      plugins: fileOfPage(page, 'config/plugins', { posthorn: 'queue/smtp_forward' }),
      'smtp_forward.ini': fileOfPage(page, 'config/smtp_forward.ini', {
        [example]: storyDomain,
        8525: intake,
      }),
      'auth_flat_file.ini': fileOfPage(page, 'config/auth_flat_file.ini'),
      plugin_timeout: '2\n', // how long it waits for a server that is not there
    },
  })
  const send = async (to: string, id: string): Promise<string> =>
    (
      await handIn({
        port: lab.smtpPort,
        dialect: 'smtp',
        from: ann,
        to: [to],
        message: post(ann, to, id),
      })
    ).end.join()

  match(await send(tea, 'early'), /^4/) // Posthorn is down
  const server = await site.start()
  match(await send(`nosuch@${storyDomain}`, 'nosuch'), /^550 .*no such list/)
  lab.world.o.rejectRcpt = [parseRule(ann, 550)]
  match(await send(tea, 'one'), /^250/)
  await eventually('the copy for bob', () => lab.world.messages.some(({ to }) => to.includes(bob)))
  // The bounce for ann is Haraka's own, and knows the way.
  await server.logged('lmtp.accepted', ({ recipients }) => String(recipients).startsWith('tea-bounces+'))
  await site.must(['create', `milk@${storyDomain}`])
  match(await send(`milk@${storyDomain}`, 'milk'), /^250/)
  await site.must(['remove', `milk@${storyDomain}`])
  match(await send(`milk@${storyDomain}`, 'late'), /^550/)
  equal(await server.stop(), 0)
})
