// What `hookup qmail` writes into the files of a qmail, and where that leads mail by the rules of qmail's own programs.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lists, people, type QmailHome, qmailHome } from '../../../test/support/qmail-home.ts'
import type { Hookup, HostFacts } from '../../model/hookup.ts'
import { withoutBlocks } from '../blocks.ts'
import { qmail } from './qmail.ts'

const program = '/opt/posthorn/bin/posthorn-qmail'
const control = 'var/qmail/control'

/** By file below the root, the lines that come in. */
function linesOf({ files }: Hookup, { root }: QmailHome): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    files.map(({ path, settings }) => [
      path.slice(root.length + 1),
      settings.flatMap(({ lines, replaces }) => [...lines, ...replaces.map((line) => `- ${line}`)]),
    ]),
  )
}

const only = (facts: HostFacts): HostFacts => ({
  ...facts,
  domains: facts.domains.filter(({ listOnly }) => listOnly),
})
const shared = (facts: HostFacts, ...listNames: readonly string[]): HostFacts => ({
  ...facts,
  domains: facts.domains.filter(({ listOnly }) => !listOnly).map((domain) => ({ ...domain, listNames })),
})

test('a domain for lists is taken, given to mailman, and handed over', async () => {
  using one = qmailHome()
  const made = await qmail.hookup(only(one.facts), one.host)
  deepEqual(linesOf(made, one), {
    [`${control}/rcpthosts`]: [lists],
    [`${control}/virtualdomains`]: [`${lists}:mailman`],
    'home/mailman/.qmail-default': [`|${program} 8024 1`],
  })
  deepEqual(
    made.afterwards.map(({ argv }) => argv),
    [['svc', '-h', join(one.root, 'service/qmail-send')]],
  )
  deepEqual([made.ours, made.refusals], [[], []])
})

interface Row {
  readonly title: string
  readonly edit?: (one: QmailHome) => void
  readonly facts?: (facts: HostFacts) => HostFacts
  readonly lines: Readonly<Record<string, readonly string[]>>
}

const rows: readonly Row[] = [
  {
    title: 'without an account mailman a corner of alias gets them',
    edit: (one) => one.write('etc/passwd', one.read('etc/passwd').replace(/^mailman:.*\n/m, '')),
    lines: {
      [`${control}/rcpthosts`]: [lists],
      [`${control}/virtualdomains`]: [`${lists}:alias-posthorn`],
      'var/qmail/alias/.qmail-posthorn-default': [`|${program} 8024 2`],
    },
  },
  {
    title: 'a line that is there keeps its prefix, and PARTS fits it',
    edit: (one) => one.write(`${control}/virtualdomains`, `${lists}:ann-a-b\n`),
    lines: {
      [`${control}/rcpthosts`]: [lists],
      'home/ann/.qmail-a-b-default': [`|${program} 8024 3`],
    },
  },
  {
    title: 'a prefix with many dashes is taken off by DEFAULT',
    edit: (one) => one.write(`${control}/virtualdomains`, `${lists}:ann-a-b-c-d\n`),
    lines: {
      [`${control}/rcpthosts`]: [lists],
      'home/ann/.qmail-a-b-c-d-default': [`|${program} 8024 default`],
    },
  },
  {
    title: 'lines that stand in the way go out: an exception, a misspelt one, deliveries to others',
    edit: (one) => {
      one.write(`${control}/virtualdomains`, `# ours\n${lists}:\n@${lists}:ann\n`)
      one.write('home/mailman/.qmail-default', '# old\n|/usr/lib/mailman/bin/qmail-lmtp 8042 1\n./Mailbox\n')
    },
    lines: {
      [`${control}/rcpthosts`]: [lists],
      [`${control}/virtualdomains`]: [`${lists}:mailman`, '- 2', '- 3'],
      'home/mailman/.qmail-default': [`|${program} 8024 1`, '- 2', '- 3'],
    },
  },
  {
    title: 'what works in another way is left as it is',
    edit: (one) => {
      one.write(`${control}/rcpthosts`, `.example.test\n`)
      one.write(`${control}/virtualdomains`, `${lists.toUpperCase()}:mailman\n`)
      one.write('home/mailman/.qmail-default', '|/usr/local/bin/posthorn-qmail 8024 default 127.0.0.1\n')
    },
    lines: {},
  },
  {
    title: 'many rcpthosts, and a morercpthosts: it goes there',
    edit: (one) => {
      const hosts = Array.from({ length: 50 }, (_, number) => `d${number}.example.com\n`)
      one.write(`${control}/rcpthosts`, hosts.join(''))
      one.write(`${control}/morercpthosts`, 'example.net\n')
    },
    lines: {
      [`${control}/morercpthosts`]: [lists],
      [`${control}/virtualdomains`]: [`${lists}:mailman`],
      'home/mailman/.qmail-default': [`|${program} 8024 1`],
    },
  },
  {
    title: 'without rcpthosts everything is taken, and none is made',
    edit: (one) => rmSync(join(one.home, 'control/rcpthosts')),
    lines: {
      [`${control}/virtualdomains`]: [`${lists}:mailman`],
      'home/mailman/.qmail-default': [`|${program} 8024 1`],
    },
  },
  {
    title: 'users/assign is heard before the accounts',
    edit: (one) => {
      one.write('var/qmail/users/assign', '+mailman-:ann:1001:1001:/home/ann:-:l-:\n.\n')
      one.compile()
    },
    lines: {
      [`${control}/rcpthosts`]: [lists],
      [`${control}/virtualdomains`]: [`${lists}:mailman`],
      'home/ann/.qmail-l-default': [`|${program} 8024 2`],
    },
  },
  {
    title: 'where Posthorn writes the files, the user with that home gets the domain',
    facts: (facts) => ({ ...facts, incoming: ['qmail'], qmail: { ...facts.qmail, home: '/home/ann' } }),
    lines: { [`${control}/rcpthosts`]: [lists], [`${control}/virtualdomains`]: [`${lists}:ann`] },
  },
  {
    title: 'a rule of tcpserver for this machine gets RELAYCLIENT, and keeps the rest',
    edit: (one) => {
      one.write('etc/tcp.smtp', '127.:allow\n127.0.0.1:deny,RBLSMTPD=""\n:allow\n')
      one.write(`${control}/rcpthosts`, `${lists}\n`)
      one.write(`${control}/virtualdomains`, `${lists}:mailman\n`)
      one.write('home/mailman/.qmail-default', `|${program} 8024 1\n`)
    },
    lines: { 'etc/tcp.smtp': ['127.0.0.1:allow,RELAYCLIENT="",RBLSMTPD=""', '- 2'] },
  },
  {
    title: 'another machine gets a rule, and is named in the line',
    facts: (facts) => ({ ...facts, lmtp: { ...facts.lmtp, host: '2001:db8::7' } }),
    edit: (one) => {
      one.write(`${control}/rcpthosts`, `${lists}\n`)
      one.write(`${control}/virtualdomains`, `${lists}:mailman\n`)
    },
    lines: {
      'home/mailman/.qmail-default': [`|${program} 8024 1 2001:db8::7`],
      'etc/tcp.smtp': ['2001:db8::7:allow,RELAYCLIENT=""'],
    },
  },
  {
    title: 'a program with blanks in its path is quoted',
    facts: (facts) => ({ ...facts, pipeProgram: "/opt/our posthorn's/posthorn-qmail" }),
    edit: (one) => {
      one.write(`${control}/rcpthosts`, `${lists}\n`)
      one.write(`${control}/virtualdomains`, `${lists}:mailman\n`)
    },
    lines: { 'home/mailman/.qmail-default': [`|'/opt/our posthorn'\\''s/posthorn-qmail' 8024 1`] },
  },
]

for (const { title, edit, facts, lines } of rows)
  test(title, async () => {
    using one = qmailHome()
    edit?.(one)
    const given = only(facts?.(one.facts) ?? one.facts)
    const made = await qmail.hookup(given, one.host)
    deepEqual(made.refusals, [])
    deepEqual(linesOf(made, one), lines)
    await one.hookUp(given)
    deepEqual(linesOf(await qmail.hookup(given, one.host), one), lines, 'a second run says the same')
  })

test('a shared domain has two files for each list beside those of people, in the home of who gets the rest', async () => {
  using one = qmailHome()
  const given = shared(one.facts, 'tea', 'rice.milk')
  deepEqual(linesOf(await qmail.hookup(given, one.host), one), {
    'var/qmail/alias/.qmail-tea': [`|${program} 8024 0`],
    'var/qmail/alias/.qmail-tea-default': [`|${program} 8024 0`],
    'var/qmail/alias/.qmail-rice:milk': [`|${program} 8024 0`],
    'var/qmail/alias/.qmail-rice:milk-default': [`|${program} 8024 0`],
  })
  // As vpopmail has it: a virtual domain of people, in a home of its own.
  one.write(`${control}/locals`, 'localhost\n')
  one.write(`${control}/virtualdomains`, `${people}:${people}\n`)
  one.write('var/qmail/users/assign', `+${people}-:ann:1001:1001:/home/ann:-:v-:\n.\n`)
  one.compile()
  deepEqual(linesOf(await qmail.hookup(shared(one.facts, 'tea'), one.host), one), {
    'home/ann/.qmail-v-tea': [`|${program} 8024 2`],
    'home/ann/.qmail-v-tea-default': [`|${program} 8024 2`],
  })
})

for (const { title, edit, facts, words } of [
  {
    title: 'a domain for lists that is in locals',
    edit: (one: QmailHome) => one.write(`${control}/locals`, `localhost\n${lists.toUpperCase()}\n`),
    facts: only,
    words:
      /but it is in .*control\/locals:2, so each account of this machine has an address there: take the line out/,
  },
  {
    title: 'a domain for lists that is the name of the machine, without locals',
    edit: (one: QmailHome) => {
      rmSync(join(one.home, 'control/locals'))
      one.write(`${control}/me`, `${lists}\n`)
    },
    facts: only,
    words: /it is control\/me, and there is no control\/locals/,
  },
  {
    title: 'a shared domain that is not delivered here',
    edit: (one: QmailHome) => one.write(`${control}/locals`, 'localhost\n'),
    facts: (given: HostFacts) => shared(given, 'tea'),
    words: /delivers no mail for people\.example\.test on this machine/,
  },
  {
    title: 'a list that has the name of an account',
    facts: (given: HostFacts) => shared(given, 'ann'),
    words: /ann@people\.example\.test is the address of the account ann/,
  },
  {
    title: 'a prefix for an account that gets no mail',
    edit: (one: QmailHome) => one.write(`${control}/virtualdomains`, `${lists}:root\n`),
    facts: only,
    words: /given to root, whom qmail does not deliver to/,
  },
  {
    title: 'a home of [qmail] that is nobody’s',
    facts: (given: HostFacts) => ({
      ...only(given),
      incoming: ['qmail'],
      qmail: { ...given.qmail, home: '/srv/lists' },
    }),
    words: /\[qmail\] home is \/srv\/lists, which is no account's home/,
  },
  {
    title: 'a home of [qmail] where the shared domain is not looked for',
    facts: (given: HostFacts) => ({
      ...shared(given, 'tea'),
      incoming: ['qmail'],
      qmail: { ...given.qmail, home: '/home/ann' },
    }),
    words: /write 'people\.example\.test: \/var\/qmail\/alias' into \[qmail\]/,
  },
  {
    title: 'no domain yet',
    facts: (given: HostFacts) => ({ ...given, domains: [] }),
    words: /no domain yet/,
  },
  {
    title: 'another folder',
    edit: (one: QmailHome) => rmSync(join(one.home, 'control/me')),
    facts: only,
    words: /control\/me is not there: name the home of qmail with --config-dir/,
  },
])
  test(`it is refused with words: ${title}`, async () => {
    using one = qmailHome()
    edit?.(one)
    const { files, refusals } = await qmail.hookup(facts(one.facts), one.host)
    deepEqual(files, [])
    match(refusals.join('\n'), words)
  })

for (const { title, edit, pid = '', argv, note } of [
  { title: 'the service', argv: ['svc', '-h', '/service/qmail-send'] },
  {
    title: 'its script, without a service',
    edit: (one: QmailHome) => one.write('usr/local/bin/qmailctl', '', 0o755),
    argv: ['/usr/local/bin/qmailctl', 'reload'],
  },
  { title: 'the one process, without either', pid: ' 4711\n', argv: ['kill', '-HUP', '4711'] },
  { title: 'nobody, where there are two', pid: '4711\n 4712\n', note: /must get a HUP/ },
  { title: 'nobody, where it does not run', note: /must get a HUP/ },
])
  test(`a HUP goes to ${title}`, async () => {
    using one = qmailHome()
    if (argv?.[0] !== 'svc') one.remove('service')
    edit?.(one)
    const made = await qmail.hookup(only(one.facts), one.inside({ etimes: '1', pid }))
    deepEqual(
      made.afterwards.map((step) => step.argv),
      argv === undefined ? [] : [argv],
    )
    if (note !== undefined) match(made.notes.join('\n'), note)
  })

test('a look-up, which qmail cannot ask, is refused; Postfix, which is not here, is taken out of our configuration', async () => {
  using one = qmailHome()
  match(
    (await qmail.hookup(one.facts, one.host, 'lookup')).refusals.join(),
    /asks nobody which addresses exist/,
  )
  const { ours } = await qmail.hookup({ ...one.facts, incoming: ['postfix'] }, one.host)
  deepEqual(
    ours.map(({ section, line }) => [section, line]),
    [['mta', 'incoming: null']],
  )
})

test('the manual has the very lines', async () => {
  using one = qmailHome()
  const page = readFileSync(new URL('../../../docs/qmail.md', import.meta.url), 'utf8')
  const given = { ...one.facts, pipeProgram: '/usr/local/bin/posthorn-qmail' }
  const domains = [
    { mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames: ['tea'] },
    { mailHost: people, aliasDomain: null, listOnly: false, listNames: ['tea'] },
  ]
  one.write('etc/tcp.smtp', ':allow\n')
  const made = linesOf(await qmail.hookup({ ...given, domains }, one.host), one)
  for (const [path, name] of [
    [`${control}/rcpthosts`, 'control/rcpthosts'],
    [`${control}/virtualdomains`, 'control/virtualdomains'],
    ['home/mailman/.qmail-default', '~mailman/.qmail-default'],
    ['etc/tcp.smtp', '/etc/tcp.smtp'],
  ] as const)
    ok(page.includes(`| \`${name}\` | \`${made[path]?.join().replace('|', '\\|')}\` |`), path)
  for (const name of ['.qmail-tea', '.qmail-tea-default'])
    match(
      page,
      new RegExp(`^    ~alias/${name} +${made[`var/qmail/alias/${name}`]?.join().replace('|', '\\|')}$`, 'm'),
    )
})

test('taking our lines out gives the files back, and lines that were replaced', async () => {
  using one = qmailHome()
  const old = {
    [`${control}/rcpthosts`]: one.read(`${control}/rcpthosts`),
    [`${control}/virtualdomains`]: `# ours\n${lists}:\n`,
    'home/mailman/.qmail-default': './Mailbox\n',
    'etc/tcp.smtp': '127.:deny\n:allow\n',
  }
  for (const [path, text] of Object.entries(old)) one.write(path, text)
  await one.hookUp()
  for (const [path, text] of Object.entries(old)) {
    ok(one.read(path) !== text, path)
    equal(withoutBlocks(one.read(path), '#'), text)
  }
})

test('mail goes by the rules of qmail to the line that hookup wrote, with the address that Posthorn knows', async () => {
  using one = qmailHome()
  const domains = one.facts.domains.map((domain) => ({ ...domain, listNames: ['tea', 'rice.milk', 'a-b'] }))
  const given = { ...one.facts, domains }
  // In place of posthorn-qmail: says which variables it was given.
  one.write('say', '#!/bin/sh\ncat >/dev/null; printf "%s,%s,%s@%s" "$EXT" "$EXT2" "$LOCAL" "$HOST"\n', 0o755)
  await one.hookUp({ ...given, pipeProgram: join(one.root, 'say') })
  const server = one.start()
  const heard = async (recipient: string): Promise<string> => {
    const fate = await server.take({ sender: 'ann@example.com', recipient, text: 'Subject: tea\n\nhot\n' })
    if (!('said' in fate)) return fate.kind
    const said = /"said":"([^"]*)"/.exec(fate.said)?.[1] ?? fate.said.trim()
    return `${fate.kind} ${said}`
  }
  for (const local of [
    'tea',
    'Tea-Bounces+x=y.z',
    'rice.milk',
    'rice.milk-request',
    'a-b',
    'a-b-confirm+t',
    'no-such',
  ])
    equal(
      await heard(`${local}@${lists}`),
      `delivered ${local},${behindDash(local)},mailman-${local}@${lists}`,
    )
  for (const local of ['tea', 'Tea-Bounces+x=y.z', 'rice.milk', 'rice.milk-request', 'a-b', 'a-b-confirm+t'])
    equal(await heard(`${local}@${people}`), `delivered ${local},${behindDash(local)},${local}@${people}`)
  match(await heard(`no-such@${people}`), /^bounced .*no mailbox here by that name/)
  match(await heard(`ann@${people}`), /^delivered .*\.\/Mailbox/)
  match(await heard(`postmaster@${people}`), /^delivered [\s\S]*"forward":"ann"/)
  equal(await heard('tea@elsewhere.example.test'), 'refused')
})

const behindDash = (text: string): string => (text.includes('-') ? text.slice(text.indexOf('-') + 1) : '')
