// `posthorn hookup exim` in configurations as sites have them: Exim reads the result, lists are routed to Posthorn and
// unknown ones refused, everybody else's mail goes where it went, and taking our lines out gives the file back.
import { deepEqual, doesNotMatch, equal, match, notEqual, rejects } from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { planChanges } from '../../src/hookup/apply.ts'
import { withoutBlocks } from '../../src/hookup/blocks.ts'
import { examine } from '../../src/hookup/doctor.ts'
import { exim } from '../../src/hookup/guides/exim.ts'
import { askedFromTheWorld, eximHost, factsOf, hookUpExim, plainExim } from '../support/exim-lab.ts'
import { type MailServerLab, mailServerLab } from '../support/mail-server-lab.ts'
import { freshSite, type Site } from '../support/server.ts'

const domain = 'lists.example.test'
const local = 'domainlist local_domains = @\n'
const others = ['root@mta.lab.test', 'nobody-here@mta.lab.test', 'x@people.example.test', 'ann@example.com']

type Change = readonly [from: string | RegExp, to: string]

const sites: readonly {
  readonly title: string
  readonly changes: readonly Change[]
  /** Below /etc. */
  readonly files?: Readonly<Record<string, string>>
}[] = [
  {
    title: 'a list of domains over several lines, with a comment between',
    changes: [
      [
        local,
        `domainlist local_domains = @ : \\\n   # people\n   people.example.test : \\\n   b.example.test\n`,
      ],
    ],
  },
  {
    title: 'a list of domains with a separator of its own',
    changes: [[local, 'domainlist local_domains = <; @ ; people.example.test\n']],
  },
  {
    title: 'a list of domains by a macro',
    changes: [[local, 'LOCAL = @ : people.example.test\ndomainlist local_domains = LOCAL\n']],
  },
  {
    title: 'a list of domains by a file, and no line end at the end',
    changes: [
      [local, 'domainlist local_domains = @ : lsearch;/etc/exim4/domains\n'],
      [/\n+$/, ''],
    ],
    files: { 'exim4/domains': 'people.example.test:\n' },
  },
  {
    title: 'an access control list of another name, by an expansion',
    changes: [
      ['acl_smtp_rcpt = acl_check_rcpt', `acl_smtp_rcpt = \${if eq{1}{1}{check_recipient}}`],
      ['acl_check_rcpt:\n', 'check_recipient:\n\n# first\n'],
    ],
  },
  {
    title: 'macros that were written by hand, for another place',
    changes: [
      [
        '\nbegin acl\n',
        '\ndomainlist mm_domains = <; old.example.test\nMM3_LMTP_PORT = 24\nMM3_HOME = /opt/mailman/var\n\nbegin acl\n',
      ],
    ],
  },
  {
    title: 'those who may send, without us',
    changes: [
      [
        'hostlist relay_from_hosts = 127.0.0.1',
        'hostlist relay_from_hosts = 192.0.2.0/24 : \\\n  198.51.100.7',
      ],
    ],
  },
  {
    title: 'routers in another file, and GNU Mailman 2 beside',
    changes: [
      ['begin routers\n', 'begin routers\n\n.include /etc/exim4/more\n'],
      [local, `${local}domainlist mm2_domains = people.example.test\n`],
    ],
    files: {
      'exim4/more':
        'mailman2_router:\n  driver = accept\n  domains = +mm2_domains\n  require_files = /var/lib/mailman/lists/$local_part/config.pck\n  transport = local_delivery\n\n',
    },
  },
  { title: 'lines that end as on Windows', changes: [[/\n/g, '\r\n']] },
]

describe('posthorn hookup exim in configurations of sites', { timeout: 300_000 }, () => {
  const ending = new AsyncDisposableStack()
  let lab: MailServerLab
  let site: Site
  const file = (): string => join(lab.root, 'etc/exim4/exim4.conf')

  const prepare = async (changes: readonly Change[], files: Readonly<Record<string, string>> = {}) => {
    let text = plainExim(lab)['exim4/exim4.conf'] ?? ''
    for (const [from, to] of changes) {
      const edited = text.replace(from, () => to)
      notEqual(edited, text, String(from))
      text = edited
    }
    rmSync(`${file()}.posthorn-before`, { force: true })
    await lab.prepare({ domains: [domain], maps: site.varDir, etc: { 'exim4/exim4.conf': text, ...files } })
    return text
  }
  const routes = async (addresses: readonly string[]): Promise<string> =>
    (await lab.exec(['exim4', '-bt', ...addresses])).out

  before(async () => {
    lab = ending.use(await mailServerLab('exim'))
    const sections = { mta: { incoming: 'exim4' } }
    site = ending.use(await freshSite({ relayPort: lab.smtpPort, lmtpPort: lab.lmtpPort, sections }))
    await site.must(['domain', 'add', domain, '--list-only'])
    for (const name of ['tea', 'milk']) await site.must(['create', `${name}@${domain}`])
    await site.start()
  })
  after(() => ending.disposeAsync())

  for (const { title, changes, files } of sites)
    test(title, async () => {
      const own = await prepare(changes, files)
      const went = await routes(others)
      await hookUpExim(lab, site, 'tables')
      const hooked = readFileSync(file(), 'utf8')
      equal(withoutBlocks(hooked, '#'), own)
      const { changes: again } = await planChanges(
        (await exim.hookup(await factsOf(site), eximHost(lab), 'tables')).files,
      )
      deepEqual(again, [])
      const said = await lab.exec(['exim4', '-bV'])
      doesNotMatch(`${said.out}${said.err}`, /error/i)
      equal(await routes(others), went)
      match(await routes([`tea-request@${domain}`]), /transport = posthorn_transport/)
      const asked = [`tea@${domain}`, `milk-bounces+x=y@${domain}`, `ghost@${domain}`, 'root@mta.lab.test']
      deepEqual(await askedFromTheWorld(lab, asked), ['250', '250', '550', '250'])
      const { findings, unavailable } = await examine([exim.diagnose(await factsOf(site), eximHost(lab))])
      const toMend = findings.filter(({ kind }) => kind.severity !== 'info')
      deepEqual({ toMend, unavailable }, { toMend: [], unavailable: [] })
    })

  test('a block that lost its end is refused, and nothing is written', async () => {
    const own = await prepare([[/$/, '\n# posthorn hookup begin\n']])
    await rejects(hookUpExim(lab, site, 'tables'), /no line '# posthorn hookup end'/)
    equal(readFileSync(file(), 'utf8'), own)
  })

  test('an acl_smtp_rcpt that names no list of the file is refused by name', async () => {
    await prepare([['acl_smtp_rcpt = acl_check_rcpt', 'acl_smtp_rcpt = /etc/exim4/rcpt']])
    const { refusals } = await exim.hookup(await factsOf(site), eximHost(lab), 'tables')
    match(refusals.join('\n'), /acl_smtp_rcpt names no access control list of this file/)
  })
})
