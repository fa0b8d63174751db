// A real Courier starts posthorn-qmail for each message, as docs/qmail.md says. Needs root and Debian's courier-mta:
// `test/mta-lab/lab.sh install courier`.
import { deepEqual, equal, match } from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Sink } from '../mta-lab/sink.mjs'
import { handIn } from '../support/hand-in.ts'
import { eventually, freePort, freshSite, run } from '../support/server.ts'

const lab = new URL('../mta-lab/lab.sh', import.meta.url).pathname
const root = new URL('../..', import.meta.url).pathname
const domain = 'lists.example.test'

test('Courier hands mail to posthorn-qmail, bounces what it refuses, and keeps the rest', async () => {
  await using ending = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-courier-'))
  chmodSync(directory, 0o755)
  ending.defer(() => rmSync(directory, { recursive: true, force: true }))
  const [instance, home] = [join(directory, 'courier'), join(directory, 'home')]
  const world = await new Sink({ port: 0, keep: true, dir: join(directory, 'world') }).listen()
  ending.defer(() => world.close())
  const [smtpPort, lmtpPort] = [await freePort(), await freePort()]
  // The list user's home is what the chroot of the laboratory shows of us, so the program lies there too.
  mkdirSync(home)
  for (const part of ['bin', 'src'])
    cpSync(join(root, part), join(home, 'posthorn', part), { recursive: true })
  writeFileSync(join(home, 'posthorn', 'package.json'), '{ "type": "module" }')
  chownSync(home, 7832, 7832)
  chmodSync(home, 0o755)
  await using site = await freshSite({
    relayPort: smtpPort,
    lmtpPort,
    sections: { mta: { incoming: 'courier', configuration: './mta.cfg' } },
  })
  const program = 'POSTHORN_NODE=/opt/node /maps/posthorn/bin/posthorn-qmail --sysexits'
  writeFileSync(join(site.directory, 'mta.cfg'), `[courier]\nhome: ${home}\ncommand: ${program}\n`)
  await site.list(`tea@${domain}`, [])
  // A name that Posthorn does not know is the operator's own.
  writeFileSync(join(home, '.courier-milk'), `|HOST=${domain} ${program} ${lmtpPort} 1\n`, { mode: 0o644 })
  chownSync(join(home, '.courier-milk'), 7832, 7832)
  const ports = ['--smtp-port', smtpPort, '--lmtp-port', lmtpPort, '--sink-port', world.port].map(String)
  const started = await run([
    lab,
    'start',
    'courier',
    '--dir',
    instance,
    ...ports,
    '--domain',
    domain,
    '--maps',
    home,
  ])
  equal(started.code, 0, started.err)
  ending.defer(async () => void (await run([lab, 'stop', '--dir', instance])))
  const send = (to: string, id: string) =>
    handIn({
      port: smtpPort,
      dialect: 'smtp',
      from: 'ann@one.example.test',
      to: [`${to}@${domain}`],
      message: `From: ann@one.example.test\r\nMessage-ID: <${id}@one.example.test>\r\nSubject: tea\r\n\r\n.hot\r\n`,
    })

  // Posthorn is down: the mail waits.
  const early = await send('Tea', 'early')
  match(early.end[0] ?? '', /^250/)
  const said = async () => (await run([lab, 'log', '--dir', instance])).out
  await eventually('a deferral in the log', async () => /deferred/i.test(await said()), 30_000)
  const server = await site.start()
  await server.logged('lmtp.accepted', ({ recipients }) => String(recipients) === `tea@${domain}`, 60_000)

  deepEqual(
    (await send('nosuch', 'nosuch')).recipients.map((text) => text.slice(0, 3)),
    ['550'],
  )
  await send('tea-bounces+ann=x.test', 'bounce')
  await server.logged(
    'lmtp.accepted',
    ({ recipients }) => String(recipients) === `tea-bounces+ann=x.test@${domain}`,
    30_000,
  )
  await send('milk', 'milk')
  // Posthorn's own notices have a null sender too.
  const refused = /posthorn-qmail: .*550 5\.1\.1 no such list/
  await eventually('milk to be refused', async () => refused.test(await said()), 30_000)
  const letters = join(directory, 'world')
  const texts = () =>
    world.messages
      .filter(({ from }) => from === '')
      .map(({ id }) => readFileSync(join(letters, `${String(id).padStart(8, '0')}.eml`), 'utf8'))
  await eventually(
    'a bounce for milk',
    () => texts().some((text) => text.includes('<milk@one.example.test>')),
    30_000,
  )

  // A list that is made while Courier runs counts at once, and is refused at once when it is gone.
  const asked = async () => ((await send('rice.milk', 'rice')).recipients[0] ?? '').slice(0, 3)
  equal(await asked(), '550')
  await site.must(['create', `rice.milk@${domain}`])
  equal(await asked(), '250')
  await server.logged(
    'lmtp.accepted',
    ({ recipients }) => String(recipients) === `rice.milk@${domain}`,
    60_000,
  )
  await site.must(['remove', `rice.milk@${domain}`])
  equal(await asked(), '550')
  deepEqual(
    readdirSync(home).filter((name) => name.startsWith('.courier')),
    ['.courier-milk', '.courier-tea', '.courier-tea-default'],
  )
  equal(await server.stop(), 0)
})
