import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CourierFolder, courierFolder } from '../../../test/support/courier-folder.ts'
import { exampleFacts } from '../../../test/support/example-facts.ts'
import type { HookupWay, HostFacts, MailServerHost } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { planChanges, writeChanges } from '../apply.ts'
import { courier } from './courier.ts'

const lists = exampleFacts.domains[0] as DirectoryDomain
const root = { user: 'root', group: 'root' }

/** The facts of a site whose lists live in that folder's home. */
const factsFor = ({ home }: CourierFolder, given: Partial<HostFacts> = {}): HostFacts => ({
  ...exampleFacts,
  account: root,
  incoming: ['courier'],
  mailServerFile: '/etc/posthorn/mail-servers.cfg',
  courier: { ...exampleFacts.courier, home },
  ...given,
})

/** By file, below `etc/courier`, the lines. */
async function linesOf(folder: CourierFolder, facts: HostFacts): Promise<Record<string, readonly string[]>> {
  const { files, refusals } = await courier.hookup(facts, folder.host)
  deepEqual(refusals, [])
  return Object.fromEntries(
    files.map(({ path, settings }) => [
      path.slice(folder.etc.length + 1),
      settings.flatMap(({ lines }) => lines),
    ]),
  )
}

const usual = {
  'aliases/posthorn': ['@lists.example.org: mailman'],
  'esmtpacceptmailfor.dir/posthorn': ['lists.example.org'],
  locallowercase: [],
}

test('a list-only domain is given to the account that has the home, accepted, and read without case', async () => {
  using folder = courierFolder()
  deepEqual(await linesOf(folder, factsFor(folder)), usual)
  const { afterwards, ours } = await courier.hookup(factsFor(folder), folder.host)
  deepEqual(
    afterwards.map(({ argv }) => argv.slice(2)),
    [['makealiases'], ['makeacceptmailfor']],
  )
  deepEqual(ours, [])
})

test('the manual has the very lines', async () => {
  using folder = courierFolder()
  const page = readFileSync(new URL('../../../docs/courier.md', import.meta.url), 'utf8')
  for (const line of Object.values(await linesOf(folder, factsFor(folder))).flat())
    ok(page.includes(`\n    ${line}\n`), line)
  ok(page.includes(`    |HOST=lists.example.org ${exampleFacts.courier.command} 8024 1\n`))
})

test('a second run changes nothing, and no copy lies in a folder that Courier reads', async () => {
  using folder = courierFolder({ locals: 'localhost\n.example.org\n' })
  const write = async (given: Partial<HostFacts>): Promise<number> => {
    const { files, refusals } = await courier.hookup(factsFor(folder, given), folder.host)
    deepEqual(refusals, [])
    const { changes } = await planChanges(files)
    await writeChanges(changes, 'stamp')
    return changes.length
  }
  equal(await write({}), 4)
  equal(await write({}), 0)
  const other = { ...lists, mailHost: 'lists.example.net' }
  equal(await write({ domains: [other] }), 2)
  deepEqual(readdirSync(join(folder.etc, 'aliases')), ['posthorn', 'system'])
  deepEqual(readdirSync(join(folder.etc, 'esmtpacceptmailfor.dir')), ['posthorn'])
  match(readFileSync(join(folder.etc, 'aliases/posthorn'), 'utf8'), /\n@lists\.example\.net: mailman\n$/)
})

test('two domains with a list of one name are given to two accounts', async () => {
  using folder = courierFolder()
  const other = { ...lists, mailHost: 'lists.example.net' }
  const homes = { 'lists.example.net': join(folder.root, 'home/lists2') }
  const facts = factsFor(folder, {
    domains: [lists, other],
    courier: { ...exampleFacts.courier, home: folder.home, homes },
  })
  deepEqual((await linesOf(folder, facts))['aliases/posthorn'], [
    '@lists.example.org: mailman',
    '@lists.example.net: lists2',
  ])
})

for (const { title, files = {}, given = {}, lines } of [
  {
    title: 'a name of the mail server that is not local is made so',
    files: { me: 'mx.example.org\n' },
    lines: { ...usual, locals: ['mx.example.org'] },
  },
  {
    title: 'a short name of the machine is the whole one in locals',
    given: { hostname: 'mail' },
    lines: usual,
  },
  {
    title: 'a file that makealiases leaves out is not read',
    files: { 'aliases/.old': '@lists.example.org: ann\n' },
    lines: usual,
  },
  {
    title: 'a wildcard in locals leaves the domain out',
    files: { locals: 'localhost\n.example.org\n' },
    lines: { ...usual, locals: ['!lists.example.org'] },
  },
  {
    title: 'a domain that is accepted already is not said twice',
    files: { 'esmtpacceptmailfor.dir/ours': 'Lists.example.org\n' },
    lines: { 'aliases/posthorn': usual['aliases/posthorn'], locallowercase: [] },
  },
  {
    title: 'an alias of the operator’s stays the only one',
    files: { 'aliases/system': '@lists.example.org: mailman\n' },
    lines: { 'esmtpacceptmailfor.dir/posthorn': ['lists.example.org'], locallowercase: [] },
  },
  {
    title: 'a locallowercase of the operator’s is left alone',
    files: { locallowercase: 'yes\n' },
    lines: {
      'aliases/posthorn': usual['aliases/posthorn'],
      'esmtpacceptmailfor.dir/posthorn': ['lists.example.org'],
    },
  },
  {
    title: 'Posthorn on another machine may relay',
    given: { lmtp: { host: '192.0.2.7', port: 8024, socket: null } },
    lines: { ...usual, 'smtpaccess/posthorn': ['192.0.2.7\tallow,RELAYCLIENT'] },
  },
  {
    title: 'Posthorn at an IPv6 address may relay',
    given: { lmtp: { host: '2001:db8::7', port: 8024, socket: null } },
    lines: {
      ...usual,
      'smtpaccess/posthorn': [':2001:0db8:0000:0000:0000:0000:0000:0007\tallow,RELAYCLIENT'],
    },
  },
  {
    title: 'who may relay already needs no line',
    given: { lmtp: { host: '10.1.2.3', port: 8024, socket: null } },
    lines: usual,
  },
] as {
  title: string
  files?: Record<string, string>
  given?: Partial<HostFacts>
  lines: Record<string, readonly string[]>
}[])
  test(title, async () => {
    using folder = courierFolder(files)
    deepEqual(await linesOf(folder, factsFor(folder, given)), lines)
  })

for (const { title, files = {}, given = {}, way, words } of [
  { title: 'another way', way: 'lookup', words: /--way lookup/ },
  { title: 'no domain', given: { domains: [] }, words: /no domain yet/ },
  {
    title: 'a list-only domain in locals',
    files: { locals: 'localhost\nlists.example.org\n' },
    words: /locals:2 \('lists\.example\.org'\), so every account .* --shared/,
  },
  {
    title: 'a list-only domain in hosteddomains',
    files: { 'hosteddomains/people': 'lists.example.org\n' },
    words: /people:1 .* cut off: take it out of hosteddomains/,
  },
  {
    title: 'a domain that is given to somebody else',
    files: { 'aliases/system': '@lists.example.org: ann\n' },
    words: /system:1 .* gives the whole domain to ann/,
  },
  {
    title: 'a domain that is left out of what is accepted',
    files: { esmtpacceptmailfor: '!lists.example.org\n.example.org\n' },
    words: /esmtpacceptmailfor:1 .* refuse mail for lists\.example\.org/,
  },
  {
    title: 'a shared domain of which Courier knows nobody',
    given: { domains: [{ ...lists, listOnly: false }] },
    words: /knows nobody in lists\.example\.org.*--list-only/,
  },
  {
    title: 'a list that is called like an account, in a shared domain',
    given: {
      domains: [{ ...lists, mailHost: 'mail.example.org', listOnly: false, listNames: ['mail-order'] }],
    },
    words: /mail-order@mail\.example\.org \(account mail\)/,
  },
  {
    title: 'two lists of one name in one home',
    given: { domains: [lists, { ...lists, mailHost: 'lists.example.net' }] },
    words: /would need the same file .*\.courier-tea: make an account for lists\.example\.net/,
  },
  {
    title: 'a home that is not there',
    given: { courier: { ...exampleFacts.courier, home: '/var/empty/nowhere' } },
    words: /nowhere, which \[courier\] names for lists\.example\.org, is not there/,
  },
  {
    title: 'a home where Posthorn may not write',
    given: { account: { user: 'list', group: 'list' } },
    words: /runs as list, who may not write .* 'chgrp list \S+'/,
  },
  {
    title: 'files of another name',
    files: { dotextension: 'qmail\n' },
    words: /dotextension:1 .* reads? \.qmail files/,
  },
  {
    title: 'a line of the operator’s for our address',
    files: { 'smtpaccess/default': '127.0.0.1\tallow\n' },
    words: /default:1 .* write '127\.0\.0\.1<TAB>allow,RELAYCLIENT' there/,
  },
] as {
  title: string
  files?: Record<string, string>
  given?: Partial<HostFacts>
  way?: HookupWay
  words: RegExp
}[])
  test(`what cannot be is refused with words, and no line is given: ${title}`, async () => {
    using folder = courierFolder(files)
    const made = await courier.hookup(factsFor(folder, given), folder.host, way)
    match(made.refusals.join('\n'), words)
    deepEqual(made.files, [])
  })

for (const { title, groups, acl, refused } of [
  { title: 'another group', groups: 'list', acl: '', refused: true },
  { title: 'a group of its own', groups: 'list lists', acl: '', refused: false },
  { title: 'an access control list', groups: 'list', acl: 'user::rwx\nuser:list:rwx\n', refused: false },
  { title: 'an access control list for reading', groups: 'list', acl: 'user:list:r-x\n', refused: true },
])
  test(`who may write in a home is known by ${title}`, async () => {
    using folder = courierFolder()
    const home = {
      kind: 'directory',
      user: 'mailman',
      group: 'lists',
      mode: 0o775,
      size: 0,
      changed: 0,
    } as const
    const host: MailServerHost = {
      ...folder.host,
      stat: async (path) => (path === folder.home ? home : folder.host.stat(path)),
      run: async ([program]) => ({ code: 0, out: program === 'id' ? groups : acl, err: '' }),
    }
    const facts = factsFor(folder, { account: { user: 'list', group: 'list' } })
    equal((await courier.hookup(facts, host)).refusals.length > 0, refused)
  })

test('a folder that is not Courier’s is refused, and not taken for it', async () => {
  using folder = courierFolder()
  const host = { ...folder.host, configDir: join(folder.root, 'etc') }
  equal(await courier.isInstalled(host), false)
  match((await courier.hookup(factsFor(folder), host)).refusals.join(), /has no file courierd/)
})

test('what our own configuration lacks is said, with the file it belongs into', async () => {
  using folder = courierFolder({ 'hosteddomains/people': 'example.net\n' })
  const facts = factsFor(folder, {
    incoming: ['postfix'],
    mailServerFile: null,
    courier: { ...exampleFacts.courier, command: '/nowhere/posthorn-qmail --sysexits' },
    pipeProgram: '/opt/posthorn/bin/posthorn-qmail',
    domains: [
      lists,
      { ...lists, mailHost: 'mail.example.org', listOnly: false, listNames: [] },
      { ...lists, mailHost: 'example.net', listOnly: false, listNames: [] },
    ],
  })
  const { ours, notes } = await courier.hookup(facts, folder.host)
  deepEqual(
    ours.map(
      ({ section, line, inMailServerFile }) => `${inMailServerFile ? '2 ' : '1 '}[${section}] ${line}`,
    ),
    [
      '1 [mta] incoming: postfix courier',
      '1 [mta] configuration: /etc/mail-servers.cfg',
      '2 [courier] home: /home/mailman',
      `2 [courier] mail.example.org: ${folder.etc}/aliasdir`,
      '2 [courier] example.net: HOME',
    ],
  )
  match(notes.join('\n'), /nowhere.posthorn-qmail is not there: ln -s \/opt/)
  match(notes.join('\n'), /run as Courier's own user/)
  match(notes.join('\n'), /dpkg-statoverride .* root courier 0750/)
})

test('the folder of a local domain’s lists becomes Posthorn’s', async () => {
  using folder = courierFolder()
  const aliasdir = join(folder.etc, 'aliasdir')
  const facts = factsFor(folder, {
    account: { user: 'list', group: 'list' },
    courier: { ...exampleFacts.courier, homes: { 'mail.example.org': aliasdir } },
    domains: [{ ...lists, mailHost: 'mail.example.org', listOnly: false }],
  })
  const { afterwards, refusals, files } = await courier.hookup(facts, folder.host)
  deepEqual(refusals, [])
  deepEqual(afterwards[0]?.argv, ['chown', 'list', aliasdir])
  ok(!files.some(({ path }) => path.includes('/aliases')))
})
