// `posthorn doctor --deep` behind a real Postfix: the whole way round when all is sound, and the right hop when it is not.
// Needs root and Debian's postfix: `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type PostfixLab, postfixLab } from '../support/postfix-lab.ts'
import { freshSite, run, type Server, type Site } from '../support/server.ts'

const domain = 'lists.example.test'
const allHops = [
  'known',
  'smtp-in',
  'lmtp-in',
  'judged',
  'smtp-out',
  'home',
  'bounce-smtp',
  'bounce-lmtp',
  'unknown-refused',
]

interface Report {
  readonly findings: readonly {
    readonly code: string
    readonly severity: string
    readonly seen: string
    readonly change: string
  }[]
  readonly unavailable: readonly string[]
  readonly deep: {
    readonly domain: string
    readonly hops: readonly { readonly hop: string; readonly milliseconds: number }[]
  }
}

describe('doctor --deep behind a real Postfix', { timeout: 300_000 }, () => {
  const ending = new AsyncDisposableStack()
  let lab: PostfixLab
  let site: Site
  let server: Server

  before(async () => {
    lab = ending.use(await postfixLab())
    const { smtpPort: relayPort, lmtpPort } = lab
    site = ending.use(await freshSite({ relayPort, lmtpPort, sections: { mta: { incoming: 'postfix' } } }))
    await site.must(['domain', 'add', domain, '--list-only'])
    server = await site.start()
    await lab.start(join(site.varDir, 'data'), domain)
    await site.list(`tea@${domain}`, ['ann@one.example.test'])
  })
  after(() => ending.disposeAsync())

  const doctor = (
    wait: number,
  ): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> =>
    site.posthorn([
      'doctor',
      '--deep',
      '--json',
      '--wait',
      String(wait),
      '--config-dir',
      lab.configDir,
      'postfix',
    ])
  const inTables = (): string => readFileSync(join(site.varDir, 'data', 'postfix_lmtp'), 'utf8')

  let sound: string | null = null
  /** main.cf as it was, with these lines over it. One reload a test: two right after each other hang in master(8). */
  async function mainCf(lines: readonly string[]): Promise<void> {
    const path = join(lab.configDir, 'main.cf')
    sound ??= readFileSync(path, 'utf8')
    writeFileSync(path, `${sound}\n${lines.join('\n')}\n`)
    const { code, err } = await run(['/usr/sbin/postfix', '-c', lab.configDir, 'reload'])
    equal(code, 0, err)
  }

  test('a sound one is gone round in times, with nothing to mend, and no member gets mail', async () => {
    const { code, out, err } = await doctor(60)
    const { findings, unavailable, deep } = JSON.parse(out) as Report
    deepEqual([findings.filter(({ severity }) => severity !== 'info'), unavailable, err], [[], [], ''])
    equal(code, 0)
    equal(deep.domain, domain)
    deepEqual(
      deep.hops.map(({ hop }) => hop),
      allHops,
    )
    ok(deep.hops.every(({ milliseconds }) => milliseconds >= 0))
    deepEqual(lab.world.messages, [])
    doesNotMatch(inTables(), /posthorn-trial/)
    doesNotMatch(await site.must(['lists']), /posthorn-trial/)
  })

  test('a person reads each hop with its time', async () => {
    const { code, out } = await site.posthorn(['doctor', '--deep', '--config-dir', lab.configDir, 'postfix'])
    equal(code, 0)
    match(out, new RegExp(`^Round trip in ${domain}, through 127\\.0\\.0\\.1:${lab.smtpPort}:$`, 'm'))
    match(out, /^ +\d+\.\d\d s {2}it took the trial post: {2}250 2\.0\.0 Ok: queued as \w+$/m)
    match(out, /^ +\d+\.\d\d s {2}and came home by LMTP$/m)
    match(out, /^ +\d+\.\d\d s {2}an unknown list is refused at RCPT: {2}550 5\.1\.1/m)
  })

  /** Why it waits is said, and the command that is named removes it. */
  async function removedFromQueue(
    found: Report['findings'][number] | undefined,
    stuck: RegExp,
  ): Promise<void> {
    match(found?.seen ?? '', stuck)
    const removal = (found?.change ?? '').split('\n').find((line) => line.startsWith('postsuper '))
    const { code, err } = await run(['/bin/sh', '-c', `/usr/sbin/${removal}`])
    equal(code, 0, err)
    const { out } = await run(['/usr/sbin/postqueue', '-c', lab.configDir, '-p'])
    doesNotMatch(out, /posthorn-trial/)
  }

  for (const { title, lines, wait, code, seen, last, stuck } of [
    { title: 'no transport for the lists', lines: ['transport_maps ='], wait: 15, code: 'deep.not-handed-in', seen: /nothing came in 15 s/, last: 'smtp-in' },
    { title: 'a transport to another port', lines: [`transport_maps = inline:{ ${domain}=lmtp:[127.0.0.1]:1 }`], wait: 15, code: 'deep.not-handed-in', seen: /nothing came in 15 s/, last: 'smtp-in', stuck: /^\w+ to posthorn-trial-\w+@lists\.example\.test: .*Connection refused/ },
    { title: 'a list domain that belongs to mailboxes', lines: ['relay_domains =', `virtual_mailbox_domains = ${domain}`, 'virtual_mailbox_maps = inline:{ ann@x.example.test=ann }'], wait: 2, code: 'deep.refused', seen: /User unknown in virtual mailbox table/, last: null },
    { title: 'a relay that refuses our envelope senders', lines: ['smtpd_sender_restrictions = check_sender_access regexp:{ { /-bounces\\+/ REJECT not from here } }'], wait: 60, code: 'deep.not-relayed', seen: /not from here/, last: 'judged' },
    { title: 'no extensions of addresses', lines: ['recipient_delimiter ='], wait: 60, code: 'deep.bounce-refused', seen: /-bounces\+\S+> 550 5\.1\.1/, last: 'home' },
    { title: 'no recipient map of the list domain', lines: ['relay_recipient_maps ='], wait: 60, code: 'deep.unknown-accepted', seen: /nosuchlist-\S+> 250/, last: 'bounce-lmtp' },
  ] satisfies readonly { title: string; lines: readonly string[]; wait: number; code: string; seen: RegExp; last: string | null; stuck?: RegExp }[]) // biome-ignore format: a table
    test(`broken by ${title}: the right hop is named, and all is cleaned up`, async () => {
      await mainCf(lines)
      const ran = await doctor(wait)
      const { findings, deep } = JSON.parse(ran.out) as Report
      const [found, ...others] = findings.filter((one) => one.code.startsWith('deep.'))
      deepEqual(
        [found?.code, others.map((one) => one.code)],
        [code, stuck === undefined ? [] : ['deep.left-in-queue']],
      )
      if (stuck !== undefined) await removedFromQueue(others[0], stuck)
      match(found?.seen ?? '', seen)
      equal(deep.hops.at(-1)?.hop ?? null, last)
      equal(ran.code, 1)
      if (code === 'deep.not-handed-in')
        match(found?.change ?? '', /'postqueue -p' and the mail log say where it is/)
      doesNotMatch(inTables(), /posthorn-trial/)
      doesNotMatch(await site.must(['lists']), /posthorn-trial/)
    })

  test('mended, it is sound again', async () => {
    await mainCf([])
    const { code, out } = await doctor(60)
    deepEqual(
      (JSON.parse(out) as Report).deep.hops.map(({ hop }) => hop),
      allHops,
    )
    equal(code, 0)
  })

  test('without a server it says so and ends with 2', async () => {
    await server.stop()
    const { code, out } = await doctor(5)
    equal(code, 2)
    match(
      (JSON.parse(out) as Report).unavailable.join(),
      /--deep needs the server, which does not run: posthorn start/,
    )
  })
})
