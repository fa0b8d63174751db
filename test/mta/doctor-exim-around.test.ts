// `posthorn doctor exim` on what lies around our lines in an Exim: routers, filters, access control lists, rewriting. For
// each breakage the right finding comes first and names the line; what only looks odd gives nothing to mend.
import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { examine } from '../../src/hookup/doctor.ts'
import { exim } from '../../src/hookup/guides/exim.ts'
import type { HostFacts } from '../../src/model/hookup.ts'
import { eximHost, factsOf, hookUpExim, plainExim } from '../support/exim-lab.ts'
import { type MailServerLab, mailServerLab } from '../support/mail-server-lab.ts'
import { freshSite, type Site } from '../support/server.ts'

const domain = 'lists.example.test'

interface Around {
  readonly title: string
  /** Null: nothing to mend. */
  readonly code: string | null
  /** What stands in the line that is named. */
  readonly at?: RegExp
  readonly changes: readonly (readonly [from: string | RegExp, to: string])[]
  /** Files below Exim's folder. */
  readonly files?: Readonly<Record<string, string>>
}

const first = /^begin routers\n/m
const router = (lines: string) => [first, `begin routers\n${lines}\n`] as const
const ours = (line: string) =>
  ['  transport = posthorn_transport\n', `  transport = posthorn_transport\n  ${line}\n`] as const
const transport = (line: string) => ['  protocol = lmtp\n', `  protocol = lmtp\n  ${line}\n`] as const
const main = (line: string) => [/^begin acl\n/m, `${line}\n\nbegin acl\n`] as const
const rcpt = (lines: string) => ['acl_check_rcpt:\n', `acl_check_rcpt:\n${lines}\n`] as const
const data = (lines: string) => ['acl_check_data:\n', `acl_check_data:\n${lines}\n`] as const
const acl = (option: string, lines: string) =>
  [
    /^begin acl\n/m,
    `${option} = acl_of_the_site\n\nbegin acl\n\nacl_of_the_site:\n${lines}\n  accept\n`,
  ] as const

const broken: readonly Around[] = [
  {
    title: 'a router that redirects the domain stands before ours',
    code: 'exim.shadowed',
    at: /^catchall:/,
    changes: [
      router('catchall:\n  driver = redirect\n  domains = +mm_domains\n  data = staff@example.com\n'),
    ],
  },
  {
    title: 'mail is thrown away before ours',
    code: 'exim.shadowed',
    at: /^hole:/,
    changes: [router('hole:\n  driver = redirect\n  domains = +mm_domains\n  data = :blackhole:\n')],
  },
  {
    title: 'a semicolon between domains',
    code: 'exim.domain-missing',
    at: /mm_domains = /,
    changes: [[/^domainlist mm_domains = /m, 'domainlist mm_domains = a.example.test; ']],
  },
  {
    title: 'the path of the markers, not their home',
    code: 'exim.marker-path',
    at: /^MM3_LISTCHK/,
    changes: [[`.\${domain}\n`, '\n']],
  },
  {
    title: 'bounces are passed over',
    code: 'exim.router-skips',
    at: /senders = !:/,
    changes: [ours('senders = !:')],
  },
  {
    title: 'one list is taken, another is not',
    code: 'exim.router-skips',
    at: /local_parts/,
    changes: [ours('local_parts = tea')],
  },
  {
    title: 'our senders are not verified',
    code: 'exim.copy-refused',
    at: /verify = sender/,
    changes: [
      ours('no_verify_sender'),
      ['  accept hosts = :\n', '  require verify = sender\n  accept hosts = :\n'],
    ],
  },
  {
    title: 'the way out has a sender of its own',
    code: 'exim.return-path',
    at: /errors_to/,
    changes: [
      [
        'smarthost:\n  driver = manualroute\n',
        'smarthost:\n  driver = manualroute\n  errors_to = office@example.test\n',
      ],
    ],
  },
  {
    title: 'a macro that begins like another',
    code: 'exim.syntax',
    changes: [main('MM3_HOME_OLD = /opt/mailman')],
  },
  {
    title: 'a text that cannot be expanded',
    code: 'exim.expansion',
    at: /headers_add/,
    changes: [transport(`headers_add = X-Site: \${lookup{lists}lsearch{/etc/nowhere}}`)],
  },
  {
    title: 'a filter of the transport is not there',
    code: 'exim.filter-missing',
    at: /transport_filter/,
    changes: [transport('transport_filter = /usr/local/bin/clean $local_part')],
  },
  {
    title: 'a router with hosts of its own',
    code: 'exim.host',
    at: /route_list/,
    changes: [
      [
        'posthorn_router:\n  driver = accept\n',
        'posthorn_router:\n  driver = manualroute\n  route_list = * 127.9.9.9\n',
      ],
    ],
  },
  {
    title: 'our address is dropped at once',
    code: 'exim.copy-refused',
    at: /drop hosts/,
    changes: [acl('acl_smtp_connect', '  drop hosts = 127.0.0.0/8')],
  },
  {
    title: 'our address is refused although it may relay',
    code: 'exim.copy-refused',
    at: /deny hosts/,
    changes: [rcpt('  deny hosts = 127.0.0.1')],
  },
  {
    title: 'the connection is refused by name',
    code: 'exim.copy-refused',
    at: /^host_reject_connection/,
    changes: [main('host_reject_connection = 127.0.0.1')],
  },
  {
    title: 'our own domain is taken for forged',
    code: 'exim.copy-refused',
    at: /sender_domains/,
    changes: [acl('acl_smtp_mail', '  deny sender_domains = +mm_domains\n       message = forged')],
  },
  {
    title: 'a list for MAIL that there is not',
    code: 'exim.no-acl',
    at: /^acl_smtp_mail/,
    changes: [main('acl_smtp_mail = acl_check_mail')],
  },
  {
    title: 'mail of lists is refused for its header',
    code: 'exim.message-refused',
    at: /List-Id/,
    changes: [data(`  deny condition = \${if def:h_List-Id:}\n       message = no lists`)],
  },
  {
    title: 'a list for DATA that there is not',
    code: 'exim.no-acl',
    at: /^acl_smtp_data/,
    changes: [['acl_smtp_data = acl_check_data', 'acl_smtp_data = acl_check_content']],
  },
  {
    title: 'a statement takes mail and throws it away',
    code: 'exim.rcpt-refused',
    at: /discard/,
    changes: [rcpt('  discard local_parts = tea')],
  },
  {
    title: 'the system filter takes bulk mail',
    code: 'exim.filter-takes-copies',
    at: /^system_filter/,
    changes: [main('system_filter = /etc/exim4/filter')],
    files: { filter: '# Exim filter\nif $h_precedence: contains "list" then seen finish endif\n' },
  },
  {
    title: 'there is no system filter',
    code: 'exim.filter-missing',
    at: /^system_filter/,
    changes: [main('system_filter = /etc/exim4/filter')],
  },
  {
    title: 'one recipient at a time',
    code: 'exim.recipients-max',
    at: /^recipients_max/,
    changes: [main('recipients_max = 1')],
  },
  {
    title: 'recipients are rewritten',
    code: 'exim.rewrite',
    at: /T$/,
    changes: [[/$/, '\nbegin rewrite\n*@lists.example.test $1@example.test T\n']],
  },
]

const odd: readonly Around[] = (
  [
    ['a plain file of domains', [/^domainlist mm_domains = .*/m, 'domainlist mm_domains = /etc/exim4/domains']],
    ['domains with a separator of their own', [/^domainlist mm_domains = .*/m, 'domainlist mm_domains = <; a.example.com ; lists.example.test']],
    ['a wildcard for domains', [/^domainlist mm_domains = .*/m, 'domainlist mm_domains = *.example.test']],
    ['our router is left out of tests of addresses', ours('no_address_test')],
    ['a router to our host', ['posthorn_router:\n  driver = accept\n', 'posthorn_router:\n  driver = manualroute\n  route_list = * 127.0.0.1\n  self = send\n']],
    ['senders are verified', ['  accept hosts = :\n', '  require verify = sender\n  accept hosts = :\n']],
    ['forged senders are refused to strangers', acl('acl_smtp_mail', '  accept hosts = +relay_from_hosts\n  deny sender_domains = +mm_domains')],
    ['signs that Debian refuses', rcpt('  deny local_parts = ^[.] : ^.*[@%!/|`#&?]')],
    ['a header field is refused', data(`  deny condition = \${if def:h_X-Spam:}`)],
    ['few connections of one host', main('smtp_accept_max_per_host = 10')],
    ['a filter that files reports', main('system_filter = /etc/exim4/filter')],
    ['names of hosts are verified, without consequence', main('helo_try_verify_hosts = *')],
    ['a macro that is redefined', main('SITE_HOME = /x\nSITE_HOME == /y')],
    ['an include that may be missing', main('.include_if_exists /etc/exim4/local.conf')],
    ['rewriting of header fields alone', [/$/, '\nbegin rewrite\n*@lists.example.test lists@example.test h\n']],
    ['an alias of somebody else before ours', router(`aliases:\n  driver = redirect\n  domains = +local_domains\n  data = \${lookup{$local_part}lsearch{/etc/exim4/aliases}}\n`)],
    ['a limit of recipients in the transport', transport('max_rcpt = 1\n  hosts_try_prdr = *\n  connection_max_messages = 1')],
  ] as const
).map(([title, change]) => ({
  title,
  code: null,
  changes: [change],
  files: {
    domains: '# of lists\nlists.example.test\n',
    filter: '# Exim filter\nif $h_subject: contains "logwatch" then save /var/mail/logs endif\n',
    aliases: 'root: ann@example.com\n',
  },
})) // biome-ignore format: a table

describe('doctor on what lies around our lines in an Exim', { timeout: 300_000 }, () => {
  const ending = new AsyncDisposableStack()
  let lab: MailServerLab
  let facts: HostFacts

  before(async () => {
    lab = ending.use(await mailServerLab('exim'))
    const sections = { mta: { incoming: 'exim4' } }
    const site: Site = ending.use(
      await freshSite({ relayPort: lab.smtpPort, lmtpPort: lab.lmtpPort, sections }),
    )
    await site.must(['domain', 'add', domain, '--list-only'])
    for (const name of ['tea', 'milk']) await site.must(['create', `${name}@${domain}`])
    await site.start()
    await lab.prepare({ domains: [domain], maps: site.varDir, etc: plainExim(lab) })
    await hookUpExim(lab, site, 'tables')
    facts = await factsOf(site)
  })
  after(() => ending.disposeAsync())

  for (const { title, code, at, changes, files = {} } of [...broken, ...odd])
    test(`${title}: ${code ?? 'nothing to mend'}`, async () => {
      const folder = join(lab.root, 'etc/exim4')
      const path = join(folder, 'exim4.conf')
      const own = readFileSync(path, 'utf8')
      try {
        let text = own
        for (const [from, to] of changes) {
          const edited = text.replace(from, () => to)
          notEqual(edited, text, `exim4.conf has no ${String(from)}`)
          text = edited
        }
        writeFileSync(path, text)
        for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
        const { findings, unavailable } = await examine([exim.diagnose(facts, eximHost(lab))])
        deepEqual(unavailable, [])
        const [top] = findings.filter(({ kind }) => kind.severity !== 'info')
        equal(top?.kind.code ?? null, code, JSON.stringify(findings, null, 1))
        if (at !== undefined) match(text.split('\n')[(top?.line ?? 0) - 1] ?? '', at)
      } finally {
        writeFileSync(path, own)
        for (const name of Object.keys(files)) rmSync(join(folder, name))
      }
    })
})
