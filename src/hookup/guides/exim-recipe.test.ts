import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { FileFacts, Hookup, HookupWay, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { planChanges, writeChanges } from '../apply.ts'
import { exim } from './exim.ts'

const facts: HostFacts = {
  hostname: 'mail.example.org',
  configFile: null,
  lmtp: { host: '127.0.0.1', port: 8024, socket: null },
  smtpIntake: null,
  relay: { host: 'localhost', port: 25, secureMode: 'smtp', user: null },
  varDir: '/var/lib/posthorn',
  dataDir: '/var/lib/posthorn/data',
  listDataDir: '/var/lib/posthorn/lists',
  delimiter: '+',
  incoming: ['exim4'],
  postfix: { tableType: 'hash', postmapCommand: '/usr/sbin/postmap' },
  lookup: { socketmap: null, tcpTable: null, readsocket: null },
  domains: [{ mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames: ['tea'] }],
  opensmtpd: { reloadCommand: [] },
  mailServerFile: null,
  courier: { home: null, homes: {}, command: '/usr/local/bin/posthorn-qmail --sysexits' },
  qmail: { home: null, homes: {}, command: '/usr/local/bin/posthorn-qmail' },
  maxMessageSize: 33_554_432,
  account: { user: 'posthorn', group: 'posthorn' },
  pipeProgram: '/opt/posthorn/bin/posthorn-qmail',
}

/** A folder of Exim's with these files, and no Exim to ask; Posthorn's own folders are there, closed or open. */
function machine(files: Readonly<Record<string, string>>, { closed = false } = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-exim-recipe-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  const folder: FileFacts = {
    kind: 'directory',
    user: 'posthorn',
    group: 'posthorn',
    mode: closed ? 0o770 : 0o771,
    size: 0,
    changed: 0,
  }
  const read = (path: string): string | null => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return null
    }
  }
  const host: MailServerHost = {
    configDir: directory,
    readText: async (path) => read(path),
    list: async () => null,
    stat: async (path) =>
      '/var/lib/posthorn/lists'.startsWith(path)
        ? path.includes('posthorn')
          ? folder
          : { ...folder, mode: 0o755 }
        : null,
    run: async () => null,
    listens: async () => null,
  }
  return { directory, host, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) }
}

const plain = {
  'exim.conf': `domainlist local_domains = @ : \\
    example.org
acl_smtp_rcpt = check
begin acl
check:
  require verify = recipient
  accept
begin routers
begin transports
begin retry
`,
}

const linesOf = ({ files }: Hookup): readonly string[] =>
  files.flatMap(({ settings }) => settings.flatMap(({ lines }) => lines))

for (const way of ['tables', 'lookup', 'verify'] as const)
  test(`written twice, the hook-up by ${way} is the same, and our lines are where Exim reads them`, async () => {
    using one = machine(plain)
    const write = async (): Promise<string> => {
      const { changes, refusals } = await planChanges((await exim.hookup(facts, one.host, way)).files)
      deepEqual(refusals, [])
      await writeChanges(changes, `${way}-${changes.length}`)
      return readFileSync(join(one.directory, 'exim.conf'), 'utf8')
    }
    const first = await write()
    equal(await write(), first)
    match(first, /domainlist local_domains = @ : example\.org : \+mm_domains/)
    match(first, /^# posthorn was: {5}example\.org$/m)
    const order = [
      'mm_domains = lists',
      'begin acl',
      'check:',
      '!verify = recipient',
      '  require verify',
      'begin routers',
      'posthorn_router:',
      'begin transports',
      'posthorn_transport:',
    ]
    const places = order.map((text) => first.indexOf(text))
    ok(
      places.every((place) => place >= 0),
      String(places),
    )
    deepEqual(
      places,
      [...places].sort((a, b) => a - b),
    )
  })

test('without a way, the look-up service is asked when it is on, markers when they are seen, else the door', async () => {
  using one = machine(plain)
  const chosen = async (some: Partial<HostFacts>, host = one.host): Promise<string> => {
    const text = linesOf(await exim.hookup({ ...facts, ...some }, host)).join('\n')
    return text.includes('readsocket') ? 'lookup' : text.includes('callout') ? 'verify' : 'tables'
  }
  equal(await chosen({}), 'tables')
  equal(await chosen({ lookup: { ...facts.lookup, readsocket: '127.0.0.1:8028' } }), 'lookup')
  const elsewhere = { ...one.host, stat: async () => null }
  equal(await chosen({}, elsewhere), 'verify')
  const shared = facts.domains.map((domain) => ({ ...domain, listOnly: false }))
  equal(await chosen({ domains: shared }, elsewhere), 'lookup')
})

for (const { title, some, way, words } of [
  { title: 'no domain', some: { domains: [] }, way: 'tables', words: /posthorn domain add/ },
  {
    title: 'a callout for a domain where people live too',
    some: { domains: facts.domains.map((domain) => ({ ...domain, listOnly: false })) },
    way: 'verify',
    words: /people in lists\.example\.org would get no mail/,
  },
  {
    title: 'markers that Exim does not see',
    some: { listDataDir: '/srv/lists' },
    way: 'tables',
    words: /has no \/srv\/lists/,
  },
] as const)
  test(`refused with words, and without files: ${title}`, async () => {
    using one = machine(plain)
    const { files, refusals } = await exim.hookup({ ...facts, ...some }, one.host, way)
    deepEqual(files, [])
    match(refusals.join('\n'), words)
  })

test('folders that Exim’s account cannot pass are opened for passing alone', async () => {
  using one = machine(plain, { closed: true })
  const { afterwards } = await exim.hookup(facts, one.host, 'tables')
  deepEqual(afterwards[0]?.argv, ['chmod', 'o+x', '/var/lib/posthorn', '/var/lib/posthorn/lists'])
})

test('an IPv6 address, another delimiter and a Unix socket are written as Exim wants them', async () => {
  using one = machine(plain)
  const odd = {
    ...facts,
    lmtp: { host: '::1', port: 24, socket: null },
    delimiter: '-',
    lookup: { ...facts.lookup, readsocket: '/run/posthorn/lookup.sock' },
  }
  const tables = linesOf(await exim.hookup(odd, one.host, 'tables')).join('\n')
  match(tables, /hosts = <; ::1/)
  match(tables, /-bounces-\*/)
  match(
    linesOf(await exim.hookup(odd, one.host, 'lookup')).join('\n'),
    /readsocket\{\/run\/posthorn\/lookup\.sock\}/,
  )
})

test('a hook-up of the founding document stays, and only wrong values of its macros are changed', async () => {
  const founding = plain['exim.conf']
    .replace(
      'begin acl',
      'domainlist mm_domains=list.example.net\nMM3_LMTP_PORT=8042\nMM3_HOME=/opt/mailman/var\nbegin acl',
    )
    .replace(
      'begin routers\n',
      'begin routers\nmailman3_router:\n  driver = accept\n  domains = +mm_domains\n  transport = mailman3_transport\n',
    )
    .replace(
      'begin transports\n',
      'begin transports\nmailman3_transport:\n  driver = smtp\n  protocol = lmtp\n  port = MM3_LMTP_PORT\n',
    )
  using one = machine({ 'exim.conf': founding })
  const made = await exim.hookup(facts, one.host, 'tables')
  deepEqual(linesOf(made), [
    'domainlist mm_domains = list.example.net : lists.example.org',
    'MM3_LMTP_PORT = 8024',
    'MM3_HOME = /var/lib/posthorn',
  ])
  match(made.notes.join('\n'), /mailman3_router/)
  const { changes, refusals } = await planChanges(made.files)
  deepEqual(refusals, [])
  match(changes[0]?.after ?? '', /^# posthorn was: MM3_LMTP_PORT=8042$/m)
})

// docs/exim.md is what an operator copies: its lines are those of the recipe, which the laboratory runs on.
const page = readFileSync(new URL('../../../docs/exim.md', import.meta.url), 'utf8')
const onPage = page.split('\n').map((line) => line.trim())

const answers = "dc_use_split_config='true'\ndc_other_hostnames='mail.example.org'\ndc_relay_domains=''\n"

for (const { title, files, way } of [
  { title: "Debian's conf.d, markers", files: { 'update-exim4.conf.conf': answers }, way: 'tables' },
  { title: "Debian's conf.d, look-up service", files: { 'update-exim4.conf.conf': answers }, way: 'lookup' },
  { title: "Debian's conf.d, callout", files: { 'update-exim4.conf.conf': answers }, way: 'verify' },
  {
    title: 'one exim.conf, callout',
    files: { 'exim.conf': plain['exim.conf'].replace(' \\\n    example.org', ' localhost') },
    way: 'verify',
  },
] as const satisfies readonly { title: string; files: Readonly<Record<string, string>>; way: HookupWay }[])
  test(`docs/exim.md has the lines that hookup writes: ${title}`, async () => {
    using one = machine(files)
    const some =
      way === 'lookup' ? { ...facts, lookup: { ...facts.lookup, readsocket: '127.0.0.1:8028' } } : facts
    const missing = linesOf(await exim.hookup(some, one.host, way)).filter(
      (line) => !onPage.includes(line.trim()),
    )
    deepEqual(missing, [])
  })
