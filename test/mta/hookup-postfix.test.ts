// A Postfix that knows nothing of lists, with users, a transport map and a relay domain of its own; then `posthorn hookup
// --write`, and lists in two domains of different classes work, and all that worked before still does.
// Needs root and Debian's postfix: `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Sink } from '../mta-lab/sink.mjs'
import { soundToTheDoctor } from '../support/doctor.ts'
import { handIn, post } from '../support/hand-in.ts'
import { type PostfixLab, postfixLab } from '../support/postfix-lab.ts'
import { eventually, freshSite, run, type Site } from '../support/server.ts'

const [lists, people, backup] = ['lists.example.test', 'people.example.test', 'backup.example.test']
const [ann, bob] = ['ann@one.example.test', 'bob@two.example.test']

describe('posthorn hookup postfix --write', { timeout: 240_000 }, () => {
  const ending = new AsyncDisposableStack()
  let lab: PostfixLab
  let site: Site
  let elsewhere: Sink
  let mainFile = ''
  const hookup = (...argv: string[]) =>
    site.posthorn(['hookup', 'postfix', '--config-dir', lab.configDir, ...argv])

  before(async () => {
    lab = ending.use(await postfixLab())
    mainFile = join(lab.configDir, 'main.cf')
    elsewhere = await new Sink({ port: 0, keep: true }).listen()
    ending.defer(() => elsewhere.close())
    const { smtpPort: relayPort, lmtpPort } = lab
    const configuration = join(lab.configDir, '..', '..', 'tables.cfg')
    writeFileSync(configuration, `[postfix]\nreload_command: /usr/sbin/postfix -c ${lab.configDir} reload\n`)
    const sections = { mta: { incoming: 'postfix', configuration } }
    site = ending.use(await freshSite({ relayPort, lmtpPort, sections }))
    const transport = join(site.directory, 'transport')
    writeFileSync(transport, `special.example.test smtp:[127.0.0.1]:${elsewhere.port}\n`)
    equal((await run(['/usr/sbin/postmap', `hash:${transport}`])).code, 0)
    const extra = `mydestination = ${people}
local_recipient_maps = proxy:unix:passwd.byname $alias_maps
transport_maps =
# the operator's own
    hash:${transport}
relay_domains = ${backup}
`
    await lab.start(site.directory, lists, extra, 'postfix-bare')
  })
  after(() => ending.disposeAsync())

  const asked = async (...to: string[]): Promise<readonly string[]> => {
    const { recipients } = await handIn({ port: lab.smtpPort, dialect: 'smtp', from: ann, to })
    return recipients.map((reply) => reply.slice(0, 9))
  }
  const sent = async (to: string, id: string): Promise<void> => {
    const message = post(ann, to, id)
    const { end } = await handIn({ port: lab.smtpPort, dialect: 'smtp', from: ann, to: [to], message })
    match(end[0] ?? '', /^250 /)
  }
  const copies = (sink: Sink, of: (to: readonly string[]) => boolean): number =>
    sink.messages.filter(({ to }) => of(to)).length

  test('without a domain there is nothing to write, and it says how to add one', async () => {
    const { code, err } = await hookup()
    equal(code, 1)
    match(err, /There is no domain yet.*posthorn domain add/)
  })

  test('without a terminal nothing is written unless --yes says so', async () => {
    await site.must(['domain', 'add', lists, '--list-only'])
    await site.must(['domain', 'add', people])
    await site.list(`tea@${lists}`, [ann, bob])
    await site.list(`cake@${people}`, [ann, bob])
    await site.start()
    const text = readFileSync(mainFile, 'utf8')
    const { code, out, err } = await hookup('--write')
    equal(code, 1)
    match(out, /^\+transport_maps =$/m)
    match(err, /Nothing was written.*--yes/)
    equal(readFileSync(mainFile, 'utf8'), text)
  })

  test('with --yes it is written, the file as it was is kept, and Postfix rereads', async () => {
    const text = readFileSync(mainFile, 'utf8')
    const { mode, uid } = statSync(mainFile)
    const { code, out, err } = await hookup('--write', '--yes')
    equal(`${code} ${err}`, '0 ')
    match(out, /reload: done/)
    const kept = readdirSync(lab.configDir).filter((name) => name.startsWith('main.cf.posthorn-'))
    equal(kept.length, 1)
    equal(readFileSync(join(lab.configDir, kept[0] ?? ''), 'utf8'), text)
    const now = statSync(mainFile)
    deepEqual([now.mode, now.uid], [mode, uid])
    const shown = await run(['/usr/sbin/postconf', '-c', lab.configDir, '-n'])
    ok(!/postfix_|_maps|relay_domains/.test(shown.err), shown.err)
  })

  test('a second run changes nothing', async () => {
    const text = readFileSync(mainFile, 'utf8')
    const names = readdirSync(lab.configDir)
    const { code, out } = await hookup('--write', '--yes')
    equal(code, 0)
    match(out, /Nothing to do/)
    equal(readFileSync(mainFile, 'utf8'), text)
    deepEqual(readdirSync(lab.configDir), names)
  })

  test('a post to the list-only domain and one to the shared domain go round', async () => {
    for (const [name, list] of [
      ['tea', `tea@${lists}`],
      ['cake', `cake@${people}`],
    ] as const) {
      await eventually(`${list} to be accepted`, async () => (await asked(list))[0] === '250 2.1.5', 30_000)
      await sent(list, name)
      const found = await eventually(
        `two copies of ${name}`,
        () => {
          const all = lab.world.messages.filter((one) =>
            lab.textOf(one).includes(`Message-ID: <${name}@client.example.test>`),
          )
          return all.length === 2 && all
        },
        30_000,
      )
      deepEqual(found.flatMap(({ to }) => to).sort(), [ann, bob])
      ok(found.every(({ from }) => from.startsWith(`${name}-bounces+`)))
    }
  })

  test('unknown lists and unknown people are refused; people and sub-addresses are taken', async () => {
    deepEqual(
      await asked(
        `nosuch@${lists}`,
        `tea-nosuch@${lists}`,
        `nosuch@${people}`,
        `root@${people}`,
        `anybody@${backup}`,
        `tea-bounces+x@${lists}`,
        `cake-confirm+x@${people}`,
        `cake-owner@${people}`,
      ),
      ['550 5.1.1', '550 5.1.1', '550 5.1.1', ...Array.from({ length: 5 }, () => '250 2.1.5')],
    )
  })

  for (const [name, domain] of [
    ['milk', lists],
    ['bread', people],
  ] as const)
    test(`the first post of a new list in ${domain} arrives at once`, async () => {
      await site.must(['create', `${name}@${domain}`])
      await sent(`${name}@${domain}`, name)
      await eventually('the post to be held', async () =>
        (await site.posthorn(['trace', `<${name}@client.example.test>`])).out.includes('nonmember'),
      )
    })

  test('the transport map and the relay domain of before work as before', async () => {
    await sent('somebody@special.example.test', 'special')
    await eventually('mail by the transport map', () => elsewhere.messages.length === 1, 30_000)
    await sent(`anybody@${backup}`, 'backup')
    await eventually(
      'mail for the relay domain',
      () => copies(lab.world, (to) => to.includes(`anybody@${backup}`)) === 1,
      30_000,
    )
    deepEqual(
      copies(lab.world, (to) => to.some((one) => one.endsWith(lists) || one.endsWith(people))),
      0,
    )
  })

  test('the doctor finds nothing to mend', () => soundToTheDoctor(site, lab))
})
