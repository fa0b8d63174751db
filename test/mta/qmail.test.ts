// The whole loop through a qmail that is hooked up by what `posthorn hookup qmail --write` writes: lists in a domain of
// their own, lists beside people, and a domain for whose lists Posthorn writes the files. There is no qmail in Debian, so
// its programs are stood in for by test/support/qmail-by-the-rules.ts and qmail-local-sim.sh; the commands of the .qmail
// files are really run. Where QMAIL_DIR names a build of notqmail (test/mta-lab/README.md), the first part is done with it.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { withBlocks } from '../../src/hookup/blocks.ts'
import { inOrder, needsMending } from '../../src/hookup/doctor.ts'
import { qmail } from '../../src/hookup/guides/qmail.ts'
import type { Finding } from '../../src/model/hookup.ts'
import { type Envelope, Sink } from '../mta-lab/sink.mjs'
import { newUsers } from '../support/cdb.ts'
import { handIn } from '../support/hand-in.ts'
import { factsOf } from '../support/hook-up.ts'
import { type Fate, QmailByTheRules } from '../support/qmail-by-the-rules.ts'
import { eventually, freePort, freshSite, run, type Server, type Site } from '../support/server.ts'

const [ownDomain, people, written] = ['lists.example.test', 'people.example.test', 'more.example.test']
const [ann, bob] = ['ann@one.example.test', 'bob@two.example.test']
const tea = `tea@${ownDomain}`
const post = (id: string, to: string): string =>
  `From: ${ann}\nTo: ${to}\nMessage-ID: <${id}@one.example.test>\nSubject: ${id}\n\n.hot\n`

describe('Posthorn behind a qmail, by the rules of qmail', { timeout: 240_000 }, () => {
  const ending = new AsyncDisposableStack()
  let directory = ''
  let home = ''
  let world: Sink
  let site: Site
  let server: Server
  let mail: QmailByTheRules

  const hookup = (...argv: readonly string[]) =>
    site.posthorn(['hookup', 'qmail', '--config-dir', home, ...argv])
  const take = (id: string, recipient: string, sender = ann): Promise<Fate> =>
    mail.take({ sender, recipient, text: post(id, recipient) })
  const said = (fate: Fate): string => ('said' in fate ? fate.said : '')
  const copiesOf = (id: string, count: number): Promise<readonly Envelope[]> =>
    eventually(`${count} copies of ${id}`, () => {
      const found = world.messages.filter((one) =>
        readFileSync(join(directory, 'world', `${String(one.id).padStart(8, '0')}.eml`), 'latin1').includes(
          `Message-ID: <${id}@`,
        ),
      )
      return found.length >= count && found
    })

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'posthorn-qmail-'))
    chmodSync(directory, 0o755)
    ending.defer(() => rmSync(directory, { recursive: true, force: true }))
    home = join(directory, 'qmail')
    const { username, uid, gid } = userInfo()
    const user = (name: string, folder: string): string =>
      [
        `+${name}-:${username}:${uid}:${gid}:${folder}:-::`,
        `=${name}:${username}:${uid}:${gid}:${folder}:::`,
      ].join('\n')
    for (const folder of ['qmail/control', 'qmail/users', 'qmail/alias', 'mailman', 'more', 'ann'])
      mkdirSync(join(directory, folder), { recursive: true })
    for (const [path, text] of Object.entries({
      'control/me': 'mail.example.test\n',
      'control/locals': `localhost\nmail.example.test\n${people}\n`,
      'control/rcpthosts': `localhost\nmail.example.test\n${people}\n`,
      'alias/.qmail-postmaster': 'ann\n',
      'users/assign': [
        user('mailman', join(directory, 'mailman')),
        user('more', join(directory, 'more')),
        user('ann', join(directory, 'ann')),
        `+:${username}:${uid}:${gid}:${home}/alias:-::`,
        '.\n',
      ].join('\n'),
    }))
      writeFileSync(join(home, path), text)
    newUsers(home)
    world = await new Sink({ port: 0, keep: true, dir: join(directory, 'world') }).listen()
    ending.defer(() => world.close())
    const configuration = join(directory, 'mail-server.cfg')
    const program = new URL('../../bin/posthorn-qmail', import.meta.url).pathname
    writeFileSync(configuration, `[qmail]\ncommand: ${program}\n${written}: ${join(directory, 'more')}\n`)
    site = ending.use(
      await freshSite({
        relayPort: world.port,
        lmtpPort: await freePort(),
        sections: { bulk: { mode: 'individual' }, mta: { incoming: 'qmail', configuration } },
      }),
    )
    await site.must(['domain', 'add', ownDomain, '--list-only'])
    await site.must(['domain', 'add', people])
    await site.must(['domain', 'add', written, '--list-only'])
    for (const list of [tea, `rice@${people}`, `corn@${written}`]) await site.list(list, [ann, bob])
  })
  after(() => ending.disposeAsync())

  test('hookup writes the files of qmail and of users; a second run has nothing to do; the doctor is content', async () => {
    const { code, out, err } = await hookup('--write', '--yes')
    equal(code, 0, err)
    match(out, /control\/virtualdomains is written/)
    match((await hookup('--write', '--yes')).out, /Nothing to do/)
    const looked = await site.posthorn(['doctor', 'qmail', '--json', '--config-dir', home])
    const { findings } = JSON.parse(looked.out) as { findings: readonly { code: string; severity: string }[] }
    deepEqual(
      findings.filter(({ code: found, severity }) => found.startsWith('qmail.') && severity !== 'info'),
      [],
    )
    mail = new QmailByTheRules({ home, accounts: [] })
  })

  test('while Posthorn is down mail is kept by qmail, and it comes when Posthorn is up', async () => {
    const fate = await take('first', tea)
    equal(fate.kind, 'deferred', said(fate))
    match(said(fate), /"exit":111.*cannot reach the LMTP server/)
    equal(mail.queue.length, 1)
    server = await site.start()
    deepEqual(
      (await mail.alarm()).map(({ kind }) => kind),
      ['delivered'],
    )
    equal(mail.queue.length, 0)
    const copies = await copiesOf('first', 2)
    deepEqual(copies.map(({ to }) => to).sort(), [[ann], [bob]])
    equal(new Set(copies.map(({ from }) => from)).size, 2)
    for (const { from } of copies) match(from, /^tea-bounces\+[0-9a-z]+@lists\.example\.test$/)
  })

  test('a bounce comes home to its VERP address, under the null sender', async () => {
    const [copy] = await copiesOf('first', 2)
    ok(copy !== undefined)
    // Postfix and others keep the case; somebody on the way may not.
    const recipient = copy.from.replace('tea-bounces', 'Tea-Bounces')
    const fate = await mail.take({ sender: '', recipient, text: post('bounce', recipient) })
    equal(fate.kind, 'delivered', said(fate))
    await server.logged(
      'lmtp.accepted',
      ({ recipients }) => String(recipients).toLowerCase() === copy.from.toLowerCase(),
    )
  })

  test('an unknown list bounces with what Posthorn said; a domain that is not ours is refused at RCPT', async () => {
    const fate = await take('lost', `no-such@${ownDomain}`)
    equal(fate.kind, 'bounced')
    match(mail.bounces.at(-1)?.words ?? '', /550 5\.1\.1 no such list/)
    equal((await take('away', 'tea@elsewhere.example.test')).kind, 'refused')
  })

  test('a list counts from the moment that it is made to the moment that it is removed', async () => {
    const milk = `old.milk-tea@${ownDomain}`
    equal((await take('before', milk)).kind, 'bounced')
    await site.must(['create', milk])
    equal((await take('made', milk)).kind, 'delivered')
    await site.must(['remove', milk])
    equal((await take('after', milk)).kind, 'bounced')
  })

  test('lists beside people: each has its files, a new one after another run of hookup, and people keep their mail', async () => {
    equal((await take('rice', `rice@${people}`)).kind, 'delivered')
    await copiesOf('rice', 2)
    equal((await take('rice-help', `rice-request@${people}`)).kind, 'delivered')
    match(said(await take('letter', `ann@${people}`)), /"file":"\.\/Mailbox"/)
    match(said(await take('nobody', `nobody@${people}`)), /no mailbox here by that name/)
    await site.must(['create', `milk@${people}`])
    equal((await take('early', `milk@${people}`)).kind, 'bounced')
    equal((await hookup('--write', '--yes')).code, 0)
    equal((await take('milk', `milk@${people}`)).kind, 'delivered')
  })

  test('where Posthorn writes the files, qmail itself knows which lists there are', async () => {
    equal((await take('corn', `corn@${written}`)).kind, 'delivered')
    await copiesOf('corn', 2)
    match(said(await take('unknown', `no-such@${written}`)), /no mailbox here by that name/)
    await site.must(['create', `hot.milk@${written}`])
    equal((await take('hot', `hot.milk-request@${written}`)).kind, 'delivered')
    await site.must(['remove', `hot.milk@${written}`])
    match(said(await take('cold', `hot.milk@${written}`)), /no mailbox here by that name/)
    equal(await server.stop(), 0)
  })
})

const qmailDir = process.env.QMAIL_DIR ?? ''
const skip =
  qmailDir === '' &&
  'there is no qmail in Debian: build notqmail, and name the folder of its bin/ in QMAIL_DIR'

test('the same behind a real qmail', { skip, timeout: 120_000 }, async () => {
  await using ending = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-notqmail-'))
  chmodSync(directory, 0o755)
  ending.defer(() => rmSync(directory, { recursive: true, force: true }))
  const instance = join(directory, 'instance')
  const lab = new URL('../mta-lab/lab.sh', import.meta.url).pathname
  const world = await new Sink({ port: 0, keep: true, dir: join(directory, 'world') }).listen()
  ending.defer(() => world.close())
  const [smtpPort, lmtpPort] = [await freePort(), await freePort()]
  await using site = await freshSite({
    relayPort: smtpPort,
    lmtpPort,
    sections: { bulk: { mode: 'individual' } },
  })
  await site.must(['domain', 'add', ownDomain, '--list-only'])
  await site.list(tea, [ann, bob])
  const ports = Object.entries({ smtp: smtpPort, lmtp: lmtpPort, sink: world.port })
  const words = ports.flatMap(([name, port]) => [`--${name}-port`, String(port)])
  const asked = async (...argv: readonly string[]): Promise<string> => {
    const ran = await run([lab, ...argv])
    if (ran.code !== 0) throw new Error(`lab.sh ${argv.join(' ')}: ${ran.err}`)
    return ran.out
  }
  await asked(
    'start',
    'qmail',
    '--dir',
    instance,
    ...words,
    '--domain',
    ownDomain,
    '--qmail-dir',
    qmailDir,
    '--lmtp-command',
    'false',
  )
  ending.defer(async () => void (await asked('stop', '--dir', instance)))
  // The laboratory's own hook-up goes, and ours comes in its place.
  const home = join(instance, 'qmail')
  for (const name of ['rcpthosts', 'virtualdomains']) writeFileSync(join(home, 'control', name), '')
  for (const name of ['.qmail', '.qmail-default']) rmSync(join(instance, 'home', name), { force: true })
  const real = mailServerHost({ configDir: home, commandPrefix: [] })
  const inside = (path: string): string => (path === '/etc/passwd' ? join(instance, 'passwd') : path)
  const host = { ...real, readText: (path: string) => real.readText(inside(path)) }
  const facts = await factsOf(site)
  const hookup = await qmail.hookup(facts, host)
  deepEqual(hookup.refusals, [])
  for (const file of hookup.files) {
    const before = await host.readText(file.path)
    const joined = withBlocks(before, [file])
    ok('text' in joined)
    mkdirSync(dirname(file.path), { recursive: true })
    writeFileSync(file.path, joined.text, { mode: file.mode })
  }
  await asked('reload', '--dir', instance)
  const findings: Finding[] = []
  for await (const found of qmail.diagnose(facts, host)) findings.push(found)
  equal(needsMending(inOrder(findings)), false, JSON.stringify(findings, null, 1))

  const server = await site.start()
  const send = (to: string, id: string) =>
    handIn({
      port: smtpPort,
      dialect: 'smtp',
      from: ann,
      to: [to],
      message: post(id, to).replaceAll('\n', '\r\n'),
    })
  match((await send(tea, 'real')).end[0] ?? '', /^250 /)
  await eventually(
    'two copies',
    () => world.messages.filter(({ from }) => from.startsWith('tea-bounces+')).length === 2,
  )
  const [copy] = world.messages.filter(({ from }) => from.startsWith('tea-bounces+'))
  await send(copy?.from ?? '', 'bounce')
  await server.logged('lmtp.accepted', ({ recipients }) => String(recipients) === copy?.from)
  await send(`no-such@${ownDomain}`, 'lost')
  await eventually('a bounce', () => world.messages.some(({ from, to }) => from === '' && to.includes(ann)))
  equal(await server.stop(), 0)
})
