// A real Courier starts posthorn-qmail for each message, as docs/qmail.md says. Needs root and Debian's courier-mta:
// `test/mta-lab/lab.sh install courier`.
import { deepEqual, equal, match } from 'node:assert/strict'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
  await using site = await freshSite({ relayPort: smtpPort, lmtpPort })
  await site.list(`tea@${domain}`, [])

  // The list user's home is what the chroot of the laboratory shows of us, so the program lies there too.
  mkdirSync(home)
  for (const part of ['bin', 'src'])
    cpSync(join(root, part), join(home, 'posthorn', part), { recursive: true })
  writeFileSync(join(home, 'posthorn', 'package.json'), '{ "type": "module" }')
  const line = `|HOST=${domain} POSTHORN_NODE=/opt/node /maps/posthorn/bin/posthorn-qmail --sysexits ${lmtpPort} 1\n`
  for (const name of ['.courier-tea', '.courier-tea-default', '.courier-milk']) {
    writeFileSync(join(home, name), line, { mode: 0o644 })
    chownSync(join(home, name), 7832, 7832)
  }
  chownSync(home, 7832, 7832)
  chmodSync(home, 0o755)
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
  await eventually('a bounce for milk', () => world.messages.find(({ from }) => from === ''), 30_000)
  match(await said(), /posthorn-qmail: .*550 5\.1\.1 no such list/)
  equal(await server.stop(), 0)
})
