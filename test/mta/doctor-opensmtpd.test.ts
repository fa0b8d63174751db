// Each way in which a real OpenSMTPD's hook-up was seen to be broken, tried on it: the doctor names the cause first. The
// sound configuration, Debian's own with our lines in it, gives nothing to mend. Long, because it
// is a table of breakages.
import { deepEqual, equal, match } from 'node:assert/strict'
import { chmodSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { inOrder, needsMending } from '../../src/hookup/doctor.ts'
import { opensmtpd } from '../../src/hookup/guides/opensmtpd.ts'
import { recipientsTable, reloadCommand } from '../../src/hookup/guides/opensmtpd-recipe.ts'
import type { Finding, HostFacts } from '../../src/model/hookup.ts'
import { factsOf, labHost, writeHookup } from '../support/hook-up.ts'
import { type MailServerLab, mailServerLab } from '../support/mail-server-lab.ts'
import {
  action,
  type Breakage,
  both,
  earlier,
  furtherBreakages,
  listOnly,
  oddities,
  replaced,
  shared,
} from '../support/opensmtpd-breakages.ts'
import { freshSite } from '../support/server.ts'

/** When it started is known to smtpd alone. */
const needsSmtpd = new Set(['not-restarted', 'table-stale', 'paused'])

const breakages: readonly Breakage[] = [
  {
    title: 'nothing at all',
    code: 'hook-up-missing',
    conf: replaced(/^# posthorn hookup begin[\s\S]*^# posthorn hookup end\n/m, ''),
  },
  {
    title: 'no rule for the domain of lists',
    code: 'rule-missing',
    conf: replaced(/^match .*<posthorn_.*\n(?:#.*\n)*/gm, ''),
  },
  {
    title: 'the action for local users',
    code: 'action-local',
    conf: action('action "posthorn" lmtp "127.0.0.1:8024" rcpt-to'),
  },
  { title: 'a maildir', code: 'action-local', conf: action('action "posthorn" maildir alias <aliases>') },
  { title: 'SMTP instead of LMTP', code: 'not-lmtp', conf: replaced('"lmtp://', '"smtp://') },
  { title: 'no protocol', code: 'not-lmtp', conf: replaced('"lmtp://', '"') },
  { title: 'a relay without host', code: 'not-lmtp', conf: action('action "posthorn" relay') },
  {
    title: 'a wrong port',
    code: 'wrong-port',
    conf: replaced(/"lmtp:\/\/127\.0\.0\.1:\d+"/, '"lmtp://127.0.0.1:24"'),
  },
  {
    title: 'no port',
    code: 'wrong-port',
    conf: replaced(/"lmtp:\/\/127\.0\.0\.1:\d+"/, '"lmtp://127.0.0.1"'),
  },
  { title: 'a wrong host', code: 'wrong-host', conf: replaced('"lmtp://127.0.0.1', '"lmtp://192.0.2.9') },
  { title: 'the other family', code: 'wrong-host', conf: replaced('"lmtp://127.0.0.1', '"lmtp://[::1]') },
  {
    title: 'TLS',
    code: 'action-tls',
    conf: replaced(/^(action "posthorn" .*)$/m, 'action "posthorn" relay host "lmtp://127.0.0.1:PORT" tls'),
  },
  {
    title: 'another envelope sender',
    code: 'sender-changed',
    conf: replaced(
      /^action "posthorn" .*$/m,
      'action "posthorn" relay host "lmtp://127.0.0.1:PORT" mail-from "lists@example.org"',
    ),
  },
  {
    title: 'an earlier rule that refuses all',
    code: 'rule-shadowed',
    conf: earlier('match from any for any reject'),
  },
  {
    title: 'an earlier rule for the domain',
    code: 'rule-shadowed',
    conf: earlier(`match from any for domain "${listOnly}" action "local"`),
  },
  {
    title: 'an earlier rule for another table that holds the domain',
    code: 'rule-shadowed',
    conf: both(
      replaced(/^table aliases/m, `table vdomains { "example.org", "${listOnly}" }\ntable aliases`),
      earlier('match from any for domain <vdomains> action "local"'),
    ),
  },
  {
    title: 'an earlier rule with a wildcard',
    code: 'rule-shadowed',
    conf: earlier('match from any for domain "*.example.test" action "relay"'),
  },
  {
    title: 'an earlier rule that relays everything',
    code: 'rule-shadowed',
    conf: earlier('match from any for any action "relay"'),
  },
  {
    title: 'our reject before our rule',
    code: 'rule-shadowed',
    conf: both(
      replaced(/^match from any for domain <posthorn_domains> reject\n/m, ''),
      earlier('match from any for domain <posthorn_domains> reject'),
    ),
  },
  {
    title: 'a rule for local clients',
    code: 'only-from-local',
    conf: replaced(
      'match from any for domain <posthorn_domains> rcpt-to',
      'match from local for domain <posthorn_domains> rcpt-to',
    ),
  },
  {
    title: 'a rule without "from"',
    code: 'only-from-local',
    conf: replaced(
      'match from any for domain <posthorn_domains> rcpt-to',
      'match for domain <posthorn_domains> rcpt-to',
    ),
  },
  {
    title: 'the domain is not in the table',
    code: 'domain-missing',
    conf: replaced(
      `table posthorn_domains { "${listOnly}" }`,
      'table posthorn_domains { "lists.example.org" }',
    ),
  },
  {
    title: 'a domain more in Posthorn',
    code: 'domain-missing',
    facts: (facts) => ({
      ...facts,
      domains: [
        ...facts.domains,
        { mailHost: 'more.example.test', aliasDomain: null, listOnly: true, listNames: [] },
      ],
    }),
  },
  {
    title: 'no "regex"',
    code: 'regex-missing',
    conf: replaced('rcpt-to regex <posthorn_recipients> action', 'rcpt-to <posthorn_recipients> action'),
  },
  {
    title: 'the rule takes every recipient',
    code: 'unknown-recipients-accepted',
    conf: replaced(
      '<posthorn_domains> rcpt-to regex <posthorn_recipients> action',
      '<posthorn_domains> action',
    ),
  },
  {
    title: 'no reject, and a rule for the rest',
    code: 'unknown-recipients-accepted',
    conf: both(
      replaced('match from any for domain <posthorn_domains> reject\n', ''),
      replaced(/^match from local for any action/m, 'match from any for any action'),
    ),
  },
  {
    title: 'the table is not there',
    code: 'table-missing',
    also: (table) => {
      renameSync(table, `${table}.away`)
      return () => renameSync(`${table}.away`, table)
    },
  },
  {
    title: 'the table line names another file',
    code: 'table-missing',
    conf: replaced(`/${recipientsTable}`, '/opensmtpd_recipient'),
  },
  { title: 'the table is empty', code: 'table-empty', table: () => '' },
  {
    title: 'the list is not in the table',
    code: 'table-entry-missing',
    table: () => '^milk@lists\\.example\\.test$\n',
  },
  {
    title: 'the table has no extensions',
    code: 'extension-refused',
    table: (text) => text.replaceAll('(\\+[^@]*)?', ''),
  },
  {
    title: 'Posthorn does not write the table',
    code: 'table-not-written',
    facts: (facts) => ({ ...facts, incoming: ['postfix'] }),
  },
  {
    title: 'the table is closed to others',
    code: 'table-unreadable',
    also: (table) => {
      chmodSync(table, 0o640)
      return () => chmodSync(table, 0o644)
    },
  },
  {
    title: 'the folder of the table is closed to others',
    code: 'table-unreadable',
    also: (table) => {
      chmodSync(join(table, '..'), 0o770)
      return () => chmodSync(join(table, '..'), 0o771)
    },
  },
  {
    title: 'the table changed and nobody tells',
    code: 'table-stale',
    facts: (facts) => ({ ...facts, opensmtpd: { reloadCommand: [] } }),
    also: (table) => {
      utimesSync(table, new Date(), new Date(Date.now() + 60_000))
      return () => utimesSync(table, new Date(), new Date(Date.now() - 3_600_000))
    },
  },
  {
    title: 'no reload command',
    code: 'reload-command-missing',
    facts: (facts) => ({ ...facts, opensmtpd: { reloadCommand: [] } }),
  },
  {
    title: 'a reload command for another table',
    code: 'reload-command-wrong',
    facts: (facts) => ({
      ...facts,
      opensmtpd: { reloadCommand: ['smtpctl', 'update', 'table', 'mm_recipients'] },
    }),
  },
  {
    title: 'a reload command without power',
    code: 'reload-command-powerless',
    facts: (facts) => ({ ...facts, account: { user: 'list', group: 'list' } }),
  },
  {
    title: 'a misspelt word',
    code: 'configuration-error',
    conf: replaced(/^match from local for any/m, 'match form local for any'),
  },
  {
    title: 'the action has another name',
    code: 'undefined-name',
    conf: replaced(/^action "posthorn"/m, 'action "posthon"'),
  },
  {
    title: 'the rule names a table that there is not',
    code: 'undefined-name',
    conf: replaced('rcpt-to regex <posthorn_recipients>', 'rcpt-to regex <mm_recipients>'),
  },
  {
    title: 'no rule for mail to members',
    code: 'relay-refused',
    conf: replaced(/^match from local for any action "relay"\n/m, ''),
  },
  {
    title: 'a rule that refuses mail to members',
    code: 'relay-refused',
    conf: replaced(/^match from local for any action "relay"$/m, 'match from local for any reject'),
  },
  {
    title: 'relaying after login only',
    code: 'relay-refused',
    conf: replaced(
      /^match from local for any action "relay"$/m,
      'match auth from any for any action "relay"',
    ),
  },
  {
    title: 'Posthorn on another host, for which there is no rule',
    code: 'relay-refused',
    facts: (facts) => ({ ...facts, lmtp: { ...facts.lmtp, host: '203.0.113.7' } }),
    conf: replaced('"lmtp://127.0.0.1', '"lmtp://203.0.113.7'),
  },
  {
    title: 'mail to members goes to local users',
    code: 'relay-astray',
    conf: replaced(/^match from local for any action "relay"$/m, 'match from local for any action "local"'),
  },
  {
    title: 'mail to members comes back',
    code: 'relay-astray',
    conf: replaced(
      /^match from local for any action "relay"$/m,
      'match from local for any action "posthorn"',
    ),
  },
  {
    title: 'Posthorn sends to another port',
    code: 'not-listening',
    facts: (facts) => ({ ...facts, relay: { ...facts.relay, port: 2525 } }),
  },
  {
    title: 'OpenSMTPD listens on another address',
    code: 'not-listening',
    conf: replaced(/^listen on 127\.0\.0\.1/m, 'listen on 192.0.2.1'),
  },
  {
    title: 'OpenSMTPD listens on the other family',
    code: 'not-listening',
    conf: replaced(/^listen on 127\.0\.0\.1/m, 'listen on ::1'),
  },
  {
    title: 'the listener wants TLS',
    code: 'tls-needed',
    conf: replaced(
      /^(listen on 127\.0\.0\.1 port \d+).*$/m,
      'listen on 127.0.0.1 port PORT_OF_SMTP tls-require',
    ),
  },
  {
    title: 'the listener wants a login',
    code: 'login-needed',
    conf: replaced(/^listen on 127\.0\.0\.1.*$/m, 'listen on 127.0.0.1 port PORT_OF_SMTP tls auth'),
  },
  { title: 'a short life in the queue', code: 'queue-ttl', conf: (text) => `queue ttl 20m\n${text}` },
  { title: 'smtpd was not restarted', code: 'not-restarted', conf: (text) => `# changed\n${text}` },
  {
    title: 'a wrong port and an earlier rule',
    code: 'rule-shadowed',
    conf: both(
      replaced(/"lmtp:\/\/127\.0\.0\.1:\d+"/, '"lmtp://127.0.0.1:24"'),
      earlier('match from any for any reject'),
    ),
  },
  {
    title: 'SMTP, and no rule for mail to members',
    code: 'not-lmtp',
    conf: both(replaced('"lmtp://', '"smtp://'), replaced(/^match from local for any action "relay"\n/m, '')),
  },
  {
    title: 'no table, and a wrong port',
    code: 'table-missing',
    conf: replaced(/"lmtp:\/\/127\.0\.0\.1:\d+"/, '"lmtp://127.0.0.1:24"'),
    also: (table) => {
      renameSync(table, `${table}.away`)
      return () => renameSync(`${table}.away`, table)
    },
  },
  {
    title: 'no rule at all in the domain that is shared',
    code: 'domain-missing',
    conf: replaced(/^table posthorn_shared .*$/m, 'table posthorn_shared { "x.example.test" }'),
  },
]

const oneOfSeveral: readonly Breakage[] = [
  {
    title: 'one list of several is not in the table',
    code: 'table-entry-missing',
    seen: /table posthorn_recipients does not have soup@people/,
    table: replaced(/^\^soup.*\n/m, ''),
  },
  {
    title: 'one list of several has no extensions',
    code: 'extension-refused',
    seen: /milk-bounces\+\S+; so it is with milk-bounces\+\S+ and 1 more/,
    table: replaced(
      /^(\^milk.*)\(\\\+\[\^@\]\*\)\?@/m,
      '^milk(-(bounces|confirm|join|leave|owner|request|subscribe|unsubscribe))?@',
    ),
  },
  {
    title: 'one address of one list is not in the table',
    code: 'table-entry-missing',
    seen: /milk-owner@lists/,
    table: replaced(
      /^\^milk\(-\(bounces\|confirm\|join\|leave\|owner\|/m,
      '^milk(-(bounces|confirm|join|leave|',
    ),
  },
  {
    title: 'one list of several goes elsewhere',
    code: 'rule-shadowed',
    seen: /for rcpt-to "milk@lists/,
    conf: earlier(`match from any for rcpt-to "milk@${listOnly}" action "local"`),
  },
  {
    title: 'the owner of one list goes elsewhere',
    code: 'rule-shadowed',
    seen: /milk-owner/,
    conf: earlier(`match from any for rcpt-to "milk-owner@${listOnly}" action "relay"`),
  },
  {
    title: 'one list of several goes to a wrong port',
    code: 'wrong-port',
    conf: both(
      replaced(
        /^action "posthorn"/m,
        'action "posthorn_old" relay host "lmtp://127.0.0.1:24"\naction "posthorn"',
      ),
      earlier(`match from any for rcpt-to regex "^soup[-+@]" action "posthorn_old"`),
    ),
  },
]

describe('the doctor at an OpenSMTPD', { timeout: 300_000 }, () => {
  const ending = new AsyncDisposableStack()
  let lab: MailServerLab
  let facts: HostFacts
  let table = ''
  let sound = { conf: '', table: '' }
  const conf = (): string => join(lab.root, 'etc/smtpd.conf')
  const found = async (given: HostFacts): Promise<readonly Finding[]> => {
    const all: Finding[] = []
    for await (const one of opensmtpd.diagnose(given, labHost(lab, '/etc'))) all.push(one)
    return inOrder(all)
  }
  /** The same from outside of the chroot, where there is no smtpd to ask. */
  const foundOutside = async (given: HostFacts): Promise<readonly Finding[]> => {
    const host = mailServerHost({ configDir: join(lab.root, 'etc'), commandPrefix: [] })
    const all: Finding[] = []
    const silent = { ...host, run: () => Promise.resolve(null) }
    for await (const one of opensmtpd.diagnose(given, silent)) all.push(one)
    return inOrder(all)
  }
  const anHourAgo = (path: string): void => utimesSync(path, new Date(), new Date(Date.now() - 3_600_000))

  const write = (text: string, entries: string): void => {
    const ports = text
      .replaceAll('127.0.0.1:PORT', `127.0.0.1:${lab.lmtpPort}`)
      .replaceAll('PORT_OF_SMTP', String(lab.smtpPort))
    writeFileSync(conf(), ports)
    writeFileSync(table, entries)
    for (const path of [conf(), table]) anHourAgo(path)
  }

  before(async () => {
    lab = ending.use(await mailServerLab('opensmtpd'))
    const { smtpPort: relayPort, lmtpPort } = lab
    const sections = { mta: { incoming: 'opensmtpd' } }
    const site = ending.use(await freshSite({ relayPort, lmtpPort, sections }))
    await site.must(['domain', 'add', listOnly, '--list-only'])
    await site.must(['domain', 'add', shared])
    for (const name of [listOnly, shared]) await site.must(['create', `tea@${name}`])
    await site.must(['create', `milk@${listOnly}`])
    await site.must(['create', `soup@${shared}`])
    facts = { ...(await factsOf(site)), opensmtpd: { reloadCommand: reloadCommand.split(' ') } }
    table = join(facts.dataDir, recipientsTable)
    await lab.prepare({ domains: [listOnly, shared], maps: facts.dataDir })
    await writeHookup(opensmtpd, facts, lab, '/etc')
    await lab.up()
    sound = { conf: readFileSync(conf(), 'utf8'), table: readFileSync(table, 'utf8') }
  })
  after(() => ending.disposeAsync())

  test('nothing is to be mended in what hookup wrote into Debian’s own file', async () => {
    const all = await found(facts)
    equal(needsMending(all), false, JSON.stringify(all, null, 1))
    const outside = await foundOutside(facts)
    equal(needsMending(outside), false, JSON.stringify(outside, null, 1))
  })

  for (const { title, code, seen, conf: edit, table: editTable, facts: changed, also } of [
    ...breakages,
    ...oneOfSeveral,
    ...furtherBreakages,
  ])
    test(`${title}: ${code}`, async () => {
      write(edit?.(sound.conf) ?? sound.conf, editTable?.(sound.table) ?? sound.table)
      if (code === 'not-restarted') utimesSync(conf(), new Date(), new Date(Date.now() + 60_000))
      const undo = await also?.(table, lab)
      try {
        const all = await found(changed?.(facts) ?? facts)
        equal(all[0]?.kind.code, `opensmtpd.${code}`, JSON.stringify(all, null, 1))
        if (seen !== undefined) match(all[0]?.seen ?? '', seen)
        deepEqual(
          all.filter(({ seen, change }) => seen === '' || change === ''),
          [],
        )
        if (needsSmtpd.has(code)) return
        const outside = await foundOutside(changed?.(facts) ?? facts)
        equal(outside[0]?.kind.code, `opensmtpd.${code}`, `from outside: ${JSON.stringify(outside, null, 1)}`)
      } finally {
        await undo?.()
      }
    })

  for (const { title, conf: edit, files = {} } of oddities)
    test(`odd, and sound: ${title}`, async () => {
      write(edit(sound.conf), sound.table)
      for (const [path, text] of Object.entries(files)) writeFileSync(join(lab.root, path), text)
      for (const all of [await found(facts), await foundOutside(facts)])
        equal(needsMending(all), false, JSON.stringify(all, null, 1))
    })
})
