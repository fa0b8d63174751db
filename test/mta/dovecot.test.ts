// Mail goes out by a real Dovecot's submission service, set up by the files that docs/other-mail-servers.md shows; it
// hands each message on to the sink. Needs root: `test/mta-lab/lab.sh install dovecot`.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { parseRule } from '../mta-lab/sink.mjs'
import { handIn, post } from '../support/hand-in.ts'
import { type MailServerLab, mailServerLab } from '../support/mail-server-lab.ts'
import { fileOfPage } from '../support/recipe-of-page.ts'
import { eventually, freshSite, type Site } from '../support/server.ts'

const page = 'docs/other-mail-servers.md'
const domain = 'lists.example.test'
const [tea, ann] = [`tea@${domain}`, 'ann@one.example.test']
const members = [ann, ...Array.from({ length: 29 }, (_, at) => `bob${at}@two.example.test`)]
const login = { smtp_user: 'posthorn', smtp_pass: 'a-long-password' }
const send = (port: number, id: string) => handIn({ port, from: ann, to: [tea], message: post(ann, tea, id) })

test('posts go out by Dovecot: an envelope sender of its own for each member, and one crash teaches us enough', async () => {
  await using lab = await startedLab()
  await using site = await freshSite({
    relayPort: lab.smtpPort,
    sections: { mta: login, bulk: { mode: 'individual' } },
  })
  await site.list(tea, members)
  const server = await site.start()
  await send(server.lmtpPort, 'first')
  const copies = await arrived(lab, 'first')
  deepEqual(copies.flatMap(({ to }) => to).sort(), [...members].sort())
  equal(new Set(copies.map(({ from }) => from)).size, members.length)
  for (const { from } of copies) match(from, /^tea-bounces\+[0-9a-z]+@lists\.example\.test$/)
  equal((await server.logged('relay.learnt')).envelopeBehindDot, 'refused')
  ok((await lab.ask('log')).includes('pending_rcpt_cmds == 0'), 'Dovecot no longer crashes: mend the page')
  // One copy was taken without an answer; all others had theirs.
  await done(site, 'first', { sent: members.length - 1, 'in doubt': 1 })
  equal(await server.stop(), 0)

  // Whoever starts again remembers.
  const again = await site.start()
  await send(again.lmtpPort, 'second')
  await done(site, 'second', { sent: members.length })
  equal((await arrived(lab, 'second')).length, members.length)
  equal(
    again.log.some(({ event }) => event === 'relay.learnt'),
    false,
  )

  // What the mail server behind Dovecot says of a member is heard; what it says of the transaction blames nobody.
  lab.world.o.rejectRcpt = [parseRule(`${ann}=550 5.1.1 no such user`, 550)]
  await send(again.lmtpPort, 'third')
  await done(site, 'third', { sent: members.length - 1, 'refused for good': 1 })
  lab.world.o.rejectFrom = [parseRule(`@${domain}=421 4.3.2 going down`, 421)]
  await send(again.lmtpPort, 'fourth')
  await done(site, 'fourth', { 'refused for now': members.length })
  equal(await again.stop(), 0)
})

test('by STARTTLS, with Dovecot’s certificate checked', async () => {
  await using lab = await startedLab()
  const mta = { ...login, smtp_host: 'localhost', smtp_secure_mode: 'starttls' }
  await using site = await freshSite({ relayPort: lab.smtpPort, sections: { mta } })
  await site.list(tea, [ann])
  const certificate = new URL('../mta-lab/tls/localhost.cert.pem', import.meta.url).pathname
  const server = await site.start({ environment: { NODE_EXTRA_CA_CERTS: certificate } })
  await send(server.lmtpPort, 'sealed')
  await done(site, 'sealed', { sent: 1 })
  match(await lab.ask('log'), /Login: user=<posthorn>, method=PLAIN, .*TLS/)
  equal(await server.stop(), 0)
})

async function startedLab(): Promise<MailServerLab> {
  const lab = await mailServerLab('dovecot')
  const file = (path: string): string => fileOfPage(page, `/etc/${path}`)
  await lab.start({
    domains: [domain],
    etc: Object.fromEntries(
      ['dovecot/conf.d/00-posthorn.conf', 'dovecot/posthorn.users'].map((path) => [path, file(path)]),
    ),
  })
  return lab
}

const arrived = (lab: MailServerLab, id: string) =>
  eventually(`all copies of ${id} at the sink`, () => {
    const found = lab.world.messages.filter((one) => lab.textOf(one).includes(`tea ${id}\r\n`))
    return found.length >= members.length && found
  })

/** Waits until the recipients of a post have these fates. */
async function done(site: Site, id: string, fates: Readonly<Record<string, number>>): Promise<void> {
  let last = ''
  const seen = async (): Promise<boolean> => {
    const { code, out } = await site.posthorn(['trace', '--json', `<${id}@client.example.test>`])
    if (code !== 0) return false // not judged yet
    const { posts } = JSON.parse(out) as {
      posts: { delivery: { recipients: Record<string, number> } | null }[]
    }
    const now = posts[0]?.delivery?.recipients ?? {}
    last = JSON.stringify(now)
    return isDeepStrictEqual(now, fates)
  }
  await eventually(`the fates of ${id}`, seen, 20_000).catch((fault) => {
    throw new Error(`${fault.message}: ${last}`)
  })
}
