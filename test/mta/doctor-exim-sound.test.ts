// `posthorn doctor exim` finds nothing to mend where mail for lists works: the laboratory's own configurations, the founding
// document's lines in Debian's, and things that look odd. Of the founding document's lines it finds the same faults as of ours.
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { examine } from '../../src/hookup/doctor.ts'
import { exim } from '../../src/hookup/guides/exim.ts'
import { debianExim, eximHost, factsOf } from '../support/exim-lab.ts'
import { type MailServerLab, mailServerLab } from '../support/mail-server-lab.ts'
import { freshSite, type Site } from '../support/server.ts'

const domain = 'lists.example.test'

/** What the founding document says to write, on Debian. */
const founding = (lmtpPort: number, varDir: string): Readonly<Record<string, string>> => ({
  'exim4/conf.d/main/25_mm3_macros': `# The colon-separated list of domains served by Mailman.
domainlist mm_domains=${domain}
MM3_LMTP_PORT=${lmtpPort}
MM3_HOME=${varDir}
MM3_UID=list
MM3_GID=list
MM3_LISTCHK=MM3_HOME/lists/\${local_part}.\${domain}
`,
  'exim4/conf.d/router/455_mm3_router': `mailman3_router:
  driver = accept
  domains = +mm_domains
  require_files = MM3_LISTCHK
  local_part_suffix_optional
  local_part_suffix = \\
     -bounces : -bounces+* : \\
     -confirm : -confirm+* : \\
     -join : -leave : \\
     -owner : -request : \\
     -subscribe : -unsubscribe
  transport = mailman3_transport
`,
  'exim4/conf.d/transport/55_mm3_transport': `mailman3_transport:
  driver = smtp
  protocol = lmtp
  allow_localhost
  hosts = 127.0.0.1
  port = MM3_LMTP_PORT
  rcpt_include_affixes = true
`,
})

interface Change {
  readonly title: string
  /** Of what must be found first; null: nothing to mend. */
  readonly code: string | null
  readonly changes: readonly (readonly [from: string | RegExp, to: string])[]
}

const markers: readonly Change[] = [
  { title: 'as it is', code: null, changes: [] },
  {
    title: 'with the domain itself',
    code: null,
    changes: [['driver = accept\n  domains = +mm_domains', `driver = accept\n  domains = ${domain}`]],
  },
  {
    title: 'with a pattern of domains',
    code: null,
    changes: [[`mm_domains = ${domain}`, 'mm_domains = *.example.test']],
  },
  {
    title: 'with a domain to come',
    code: null,
    changes: [[`mm_domains = ${domain}`, `mm_domains = ${domain} : later.example.test`]],
  },
  {
    title: 'with other names',
    code: null,
    changes: [
      ['transport = mailman3_transport', 'transport = to_lists'],
      ['mailman3_transport:\n', 'to_lists:\n'],
      ['mailman3_router:', 'the_lists:'],
    ],
  },
  {
    title: 'with the port as a number',
    code: null,
    changes: [
      [/^MM3_LMTP_PORT = (\d+)\n/m, ''],
      ['port = MM3_LMTP_PORT', 'port = PORT'],
    ],
  },
  {
    title: 'with a router that is given the host',
    code: null,
    changes: [
      [
        '  driver = accept\n  domains = +mm_domains',
        '  driver = manualroute\n  route_list = * 127.0.0.1 byname\n  self = send\n  domains = +mm_domains',
      ],
      ['  hosts = 127.0.0.1\n  port = MM3', '  port = MM3'],
    ],
  },
  {
    title: 'with a fold of capitals',
    code: null,
    changes: [[`\${local_part}.\${domain}`, `\${lc::$local_part}.\${lc::$domain}`]],
  },
  {
    title: 'with a fold of capitals that is not written for a list',
    code: 'exim.not-routed',
    changes: [[`\${local_part}.\${domain}`, `\${lc:$local_part}.\${lc:$domain}`]],
  },
  {
    title: 'with localhost, looked up by the system',
    code: null,
    changes: [['  hosts = 127.0.0.1\n  port = MM3', '  hosts = localhost\n  gethostbyname\n  port = MM3']],
  },
  {
    title: 'with the wider network',
    code: null,
    changes: [['relay_from_hosts = 127.0.0.1', 'relay_from_hosts = <; ::1 ; 127.0.0.0/8']],
  },
  { title: 'with room for many', code: null, changes: [['recipients_max = 5000', 'recipients_max = 0']] },
  {
    title: 'with another list manager before it, for its own domain',
    code: null,
    changes: [
      [
        'begin routers\n',
        'begin routers\nmailman_router:\n  driver = accept\n  domains = old.example.test\n  transport = to_sink\n',
      ],
    ],
  },
  {
    title: 'with localhost, which the DNS does not know',
    code: 'exim.host-name',
    changes: [['  hosts = 127.0.0.1\n  port = MM3', '  hosts = localhost\n  port = MM3']],
  },
  {
    title: 'with another port',
    code: 'exim.port',
    changes: [[/^MM3_LMTP_PORT = .*/m, 'MM3_LMTP_PORT = 8042']],
  },
  {
    title: 'with another home',
    code: 'exim.marker-folder',
    changes: [[/^MM3_HOME = .*/m, 'MM3_HOME = /opt/mailman/var']],
  },
  {
    title: 'with a misspelt domain',
    code: 'exim.domain-missing',
    changes: [[`mm_domains = ${domain}`, 'mm_domains = lists.exmaple.test']],
  },
  {
    title: 'behind a router for all',
    code: 'exim.shadowed',
    changes: [
      [
        'begin routers\n',
        'begin routers\nall:\n  driver = manualroute\n  route_list = * 127.0.0.1 byname\n  self = send\n  transport = to_sink\n',
      ],
    ],
  },
  {
    title: 'with no right to send',
    code: 'exim.relay-refused',
    changes: [['relay_from_hosts = 127.0.0.1', 'relay_from_hosts = 192.0.2.1']],
  },
  {
    title: 'with recipients that nobody verifies',
    code: 'exim.unknown-accepted',
    changes: [[/ {2}deny domains = \+mm_domains\n.*\n.*verify = recipient\n/, '']],
  },
]

const callout: readonly Change[] = [
  { title: 'as it is', code: null, changes: [] },
  {
    title: 'with suffixes that are only taken apart',
    code: null,
    changes: [
      [
        'driver = accept\n  domains = +mm_domains',
        'driver = accept\n  domains = +mm_domains\n  local_part_suffix = -request : -owner\n  local_part_suffix_optional',
      ],
    ],
  },
  {
    title: 'remembering refusals for a moment',
    code: null,
    changes: [
      ['callout=10s,no_cache', 'callout=10s'],
      ['host_lookup =\n', 'host_lookup =\ncallout_negative_expire = 10s\n'],
    ],
  },
  { title: 'without a callout', code: 'exim.no-callout', changes: [['/callout=10s,no_cache', '']] },
  {
    title: 'remembering refusals',
    code: 'exim.callout-cached',
    changes: [['callout=10s,no_cache', 'callout=10s']],
  },
  { title: 'with SMTP', code: 'exim.protocol', changes: [['  protocol = lmtp\n', '']] },
]

const debian: readonly Change[] = [
  { title: 'as it is', code: null, changes: [] },
  {
    title: 'with another home',
    code: 'exim.marker-folder',
    changes: [[/^MM3_HOME=.*/m, 'MM3_HOME=/opt/mailman/var']],
  },
]

for (const { title, kind, file, isDebian, changes } of [
  {
    title: 'the laboratory’s Exim with markers',
    kind: 'exim',
    file: 'exim4.conf',
    isDebian: false,
    changes: markers,
  },
  {
    title: 'the laboratory’s Exim with callouts',
    kind: 'exim-callout',
    file: 'exim4.conf',
    isDebian: false,
    changes: callout,
  },
  {
    title: 'the founding document’s lines in Debian’s Exim',
    kind: 'exim',
    file: 'conf.d/main/25_mm3_macros',
    isDebian: true,
    changes: debian,
  },
] as const)
  describe(`doctor on ${title}`, { timeout: 600_000 }, () => {
    const ending = new AsyncDisposableStack()
    let lab: MailServerLab
    let site: Site

    before(async () => {
      lab = ending.use(await mailServerLab(kind))
      const sections = { mta: { incoming: 'exim4' } }
      site = ending.use(await freshSite({ relayPort: lab.smtpPort, lmtpPort: lab.lmtpPort, sections }))
      await site.must(['domain', 'add', domain, '--list-only'])
      await site.list(`tea@${domain}`, [])
      await site.start()
      for (const name of ['.', 'lists']) chmodSync(join(site.varDir, name), 0o771)
      const etc = isDebian
        ? {
            ...debianExim(lab, { dc_other_hostnames: `mta.lab.test;${domain}` }),
            ...founding(lab.lmtpPort, site.varDir),
          }
        : {}
      await lab.prepare({ domains: [domain], maps: site.varDir, etc })
      if (isDebian) await lab.exec(['update-exim4.conf'])
    })
    after(() => ending.disposeAsync())

    for (const { title: what, code, changes: edits } of changes)
      test(`${what}: ${code ?? 'nothing to mend'}`, async () => {
        const path = join(lab.root, 'etc/exim4', file)
        const own = readFileSync(path, 'utf8')
        try {
          let text = own
          for (const [from, to] of edits) {
            const edited = text.replace(from, () =>
              to.replace('PORT', to === 'port = PORT' ? String(lab.lmtpPort) : 'PORT'),
            )
            notEqual(edited, text, `${file} has no ${String(from)}`)
            text = edited
          }
          writeFileSync(path, text)
          if (isDebian) equal((await lab.exec(['update-exim4.conf'])).code, 0)
          const { findings, unavailable } = await examine([exim.diagnose(await factsOf(site), eximHost(lab))])
          deepEqual(unavailable, [])
          const told = findings.filter(({ kind: { severity } }) => severity !== 'info')
          const words = told
            .map(({ kind: { code: each }, seen, why }) => `${each}: ${seen}: ${why}`)
            .join('\n')
          equal(told[0]?.kind.code ?? null, code, words)
        } finally {
          writeFileSync(path, own)
        }
      })
  })
