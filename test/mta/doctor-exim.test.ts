// `posthorn doctor exim` on sound hook-ups and on broken ones, with a real Exim to ask: for each breakage the right finding
// comes first. Long, because it is a table of breakages.
import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { examine } from '../../src/hookup/doctor.ts'
import { exim } from '../../src/hookup/guides/exim.ts'
import type { Finding, HookupWay, HostFacts } from '../../src/model/hookup.ts'
import { debianExim, eximHost, factsOf, hookUpExim, plainExim } from '../support/exim-lab.ts'
import { type MailServerLab, mailServerLab } from '../support/mail-server-lab.ts'
import { freePort, freshSite, type Site } from '../support/server.ts'

const domain = 'lists.example.test'

/** One way to break a hook-up, and what the doctor must say first. */
interface Breakage {
  readonly title: string
  readonly code: string
  breaks(lab: MailServerLab, site: Site): void | Promise<void>
  /** Undoes what is not a file of the mail server. */
  mends?(lab: MailServerLab, site: Site): void
}

/** Texts of a file, one after the other, and what takes their place. */
const edit =
  (path: string, ...changes: readonly (readonly [from: string | RegExp, to: string])[]) =>
  (lab: MailServerLab): void => {
    const file = join(lab.root, path)
    let text = readFileSync(file, 'utf8')
    for (const [from, to] of changes) {
      const edited = text.replace(from, () => to)
      notEqual(edited, text, `${path} has no ${String(from)}`)
      text = edited
    }
    writeFileSync(file, text)
  }

const conf = 'etc/exim4/exim4.conf'

/** Breakages of the lines that every way has. */
const everywhere = (): readonly Breakage[] => {
  const on = (
    title: string,
    code: string,
    ...changes: Parameters<typeof edit> extends [string, ...infer C] ? C : never
  ): Breakage => ({
    title,
    code,
    breaks: edit(conf, ...changes),
  })
  return [
    on('an option is misspelt', 'exim.syntax', [
      '  driver = accept\n  domains = +mm_domains',
      '  driver = accept\n  domain = +mm_domains',
    ]),
    on('a section is closed wrongly', 'exim.syntax', ['begin transports', 'begin transprots']),
    on('the transport has no driver', 'exim.syntax', [
      'posthorn_transport:\n  driver = smtp',
      'posthorn_transport:\n  drivers = smtp',
    ]),
    on('the port macro is misspelt where it is used', 'exim.undefined-macro', [
      'port = MM3_LMTP_PORT',
      'port = MM3_LTMP_PORT',
    ]),
    on('the port macro is misspelt where it is defined', 'exim.undefined-macro', [
      /^MM3_LMTP_PORT = /m,
      'MM3_LMTPPORT = ',
    ]),
    on('the list of domains has another name', 'exim.no-such-list', [
      'domainlist mm_domains',
      'domainlist mm3_domains',
    ]),
    on('the router names another list', 'exim.no-such-list', [
      'driver = accept\n  domains = +mm_domains',
      'driver = accept\n  domains = +list_domains',
    ]),
    on('the domain is misspelt', 'exim.domain-missing', [
      `mm_domains = ${domain}`,
      'mm_domains = list.example.test',
    ]),
    on('the list of domains is empty', 'exim.domain-missing', [`mm_domains = ${domain}`, 'mm_domains =']),
    on('the router is for another domain', 'exim.domain-missing', [
      'driver = accept\n  domains = +mm_domains',
      'driver = accept\n  domains = other.example.test',
    ]),
    on('the domain is excluded', 'exim.domain-missing', [
      'driver = accept\n  domains = +mm_domains',
      'driver = accept\n  domains = ! +mm_domains',
    ]),
    on('the router names no transport that there is', 'exim.no-transport', [
      'transport = posthorn_transport',
      'transport = mailman3_transport',
    ]),
    on('the router uses the transport into the world', 'exim.wrong-transport', [
      'transport = posthorn_transport',
      'transport = to_the_world',
    ]),
    on('the router asks the DNS', 'exim.router-driver', [
      'posthorn_router:\n  driver = accept',
      'posthorn_router:\n  driver = dnslookup',
    ]),
    on('the router is a comment', 'exim.no-router', [/^posthorn_router:\n(?: {2}.*\n)+/m, '']),
    on('the router is not verified', 'exim.router-not-verified', [
      '  transport = posthorn_transport',
      '  no_verify\n  transport = posthorn_transport',
    ]),
    on('the router is not verified for recipients', 'exim.router-not-verified', [
      '  transport = posthorn_transport',
      '  verify_recipient = false\n  transport = posthorn_transport',
    ]),
    on('the router only verifies', 'exim.verify-only', [
      '  transport = posthorn_transport',
      '  verify_only\n  transport = posthorn_transport',
    ]),
    on('the mail goes on to other routers too', 'exim.unseen', [
      '  transport = posthorn_transport',
      '  unseen\n  transport = posthorn_transport',
    ]),
    on('errors_to changes the sender', 'exim.errors-to', [
      '  transport = posthorn_transport',
      '  errors_to = postmaster@mta.lab.test\n  transport = posthorn_transport',
    ]),
    on('only some senders are taken', 'exim.router-skips', [
      '  transport = posthorn_transport',
      '  senders = *@example.org\n  transport = posthorn_transport',
    ]),
    on('only some local parts are taken', 'exim.router-skips', [
      '  transport = posthorn_transport',
      '  local_parts = milk\n  transport = posthorn_transport',
    ]),
    on('the router wants a local user', 'exim.router-skips', [
      '  transport = posthorn_transport',
      '  check_local_user\n  transport = posthorn_transport',
    ]),
    on('a router before ours takes the domain', 'exim.shadowed', [
      'begin routers\n',
      `begin routers\nfirst:\n  driver = manualroute\n  route_list = * 127.0.0.1 byname\n  self = send\n  transport = to_the_world\n`,
    ]),
    on('a router before ours redirects', 'exim.shadowed', [
      'begin routers\n',
      'begin routers\nfirst:\n  driver = redirect\n  domains = +mm_domains\n  data = root@mta.lab.test\n',
    ]),
    on('a router before ours fails what it does not know', 'exim.shadowed', [
      'begin routers\n',
      'begin routers\nfirst:\n  driver = redirect\n  domains = +mm_domains\n  allow_fail\n  data = :fail: no\n',
    ]),
    on('a router before ours ends the search', 'exim.shadowed', [
      'begin routers\n',
      'begin routers\nfirst:\n  driver = redirect\n  domains = +mm_domains\n  data =\n  no_more\n',
    ]),
    on('a router before ours throws mail away', 'exim.shadowed', [
      'begin routers\n',
      'begin routers\nfirst:\n  driver = redirect\n  domains = +mm_domains\n  data = :blackhole:\n',
    ]),
    on('an alias has one of the addresses', 'exim.shadowed', [
      'begin routers\n',
      'begin routers\nfirst:\n  driver = redirect\n  local_parts = tea-owner\n  data = root@mta.lab.test\n',
    ]),
    on('the transport speaks SMTP', 'exim.protocol', ['  protocol = lmtp\n', '  protocol = smtp\n']),
    on('the transport says no protocol', 'exim.protocol', ['  protocol = lmtp\n', '']),
    on('the port is another', 'exim.port', [/^MM3_LMTP_PORT = .*/m, 'MM3_LMTP_PORT = 8042']),
    on('the port is missing', 'exim.port', ['  port = MM3_LMTP_PORT\n', '']),
    on('the port is that of SMTP', 'exim.port', ['  port = MM3_LMTP_PORT', '  port = 25']),
    on('the host is a name without a resolver', 'exim.host-name', [
      '  hosts = 127.0.0.1',
      '  hosts = localhost',
    ]),
    on('the host is another machine', 'exim.host', ['  hosts = 127.0.0.1', '  hosts = 192.0.2.7']),
    on('the host is the other family', 'exim.host', ['  hosts = 127.0.0.1', '  hosts = <; ::1']),
    on('there is no host', 'exim.no-hosts', ['  hosts = 127.0.0.1\n', '']),
    on('allow_localhost is missing', 'exim.allow-localhost', ['  allow_localhost\n  rcpt', '  rcpt']),
    on('the transport wants TLS', 'exim.lmtp-demands', [
      '  rcpt_include_affixes = true',
      '  rcpt_include_affixes = true\n  hosts_require_tls = *',
    ]),
    on('the transport wants AUTH', 'exim.lmtp-demands', [
      '  rcpt_include_affixes = true',
      '  rcpt_include_affixes = true\n  hosts_require_auth = *',
    ]),
    on('the transport writes a sender', 'exim.return-path', [
      '  rcpt_include_affixes = true',
      '  rcpt_include_affixes = true\n  return_path = postmaster@mta.lab.test',
    ]),
    on('the transport hands over headers alone', 'exim.part-only', [
      '  rcpt_include_affixes = true',
      '  rcpt_include_affixes = true\n  headers_only',
    ]),
    on('the transport writes into a file', 'exim.transport-driver', [
      /posthorn_transport:\n(?: {2}.*\n)+/,
      'posthorn_transport:\n  driver = appendfile\n  file = /var/mail/lists\n',
    ]),
    on('the Message-ID is taken away', 'exim.message-id-removed', [
      '  rcpt_include_affixes = true',
      '  rcpt_include_affixes = true\n  headers_remove = message-id',
    ]),
    on('List-Id is taken out of copies', 'exim.headers-removed', [
      'to_the_world:\n',
      'to_the_world:\n  headers_remove = list-id : list-post\n',
    ]),
    on('copies get one sender', 'exim.return-path', [
      'to_the_world:\n',
      'to_the_world:\n  return_path = bounce@mta.lab.test\n',
    ]),
    on('addresses are rewritten', 'exim.rewrite', [
      'begin retry',
      `begin rewrite\n*@${domain} $1@example.org F\n\nbegin retry`,
    ]),
    on('nothing is let in', 'exim.no-acl', ['acl_smtp_rcpt = acl_check_rcpt\n', '']),
    on('the access control list has another name', 'exim.no-acl', [
      'acl_smtp_rcpt = acl_check_rcpt',
      'acl_smtp_rcpt = acl_check_recipient',
    ]),
    on('the domain is relayed for nobody', 'exim.domain-not-accepted', [
      'domainlist local_domains = @ : +mm_domains',
      'domainlist local_domains = @',
    ]),
    on('a statement refuses lists', 'exim.rcpt-refused', [
      'acl_check_rcpt:\n',
      `acl_check_rcpt:\n  deny domains = ${domain}\n       message = not today\n`,
    ]),
    on('a statement puts lists off', 'exim.rcpt-deferred', [
      'acl_check_rcpt:\n',
      `acl_check_rcpt:\n  defer domains = ${domain}\n       message = not today\n`,
    ]),
    on('Posthorn may not send', 'exim.relay-refused', [
      'relay_from_hosts = 127.0.0.1',
      'relay_from_hosts = 192.0.2.0/24',
    ]),
    on('the domain is held', 'exim.held-domain', [
      'host_lookup =\n',
      `host_lookup =\nhold_domains = ${domain}\n`,
    ]),
    on('mail is only queued', 'exim.queue-only', ['host_lookup =\n', 'host_lookup =\nqueue_only\n']),
    on('few recipients are taken', 'exim.recipients-max', [
      'host_lookup =\n',
      'host_lookup =\nrecipients_max = 5\n',
    ]),
    on('few messages are taken', 'exim.max-per-connection', [
      'host_lookup =\n',
      'host_lookup =\nsmtp_accept_max_per_connection = 2\n',
    ]),
    on('few connections are taken', 'exim.max-per-connection', [
      'smtp_accept_max = 100',
      'smtp_accept_max = 3',
    ]),
    on('messages must be tiny', 'exim.size-limit', [
      'host_lookup =\n',
      'host_lookup =\nmessage_size_limit = 20K\n',
    ]),
    on('there is no retry rule', 'exim.no-retry', [/^\* \* F.*\n/m, '']),
    on('the key for signing is missing', 'exim.dkim-strict', [
      'to_the_world:\n  driver = smtp\n',
      'to_the_world:\n  driver = smtp\n  dkim_domain = mta.lab.test\n  dkim_selector = s\n  dkim_private_key = /etc/exim4/dkim.key\n  dkim_strict = true\n',
    ]),
    // Pairs: the cause that hides the other one comes first.
    on(
      'a wrong port, and the domain misspelt',
      'exim.domain-missing',
      [/^MM3_LMTP_PORT = .*/m, 'MM3_LMTP_PORT = 8042'],
      [`mm_domains = ${domain}`, 'mm_domains = list.example.test'],
    ),
    on(
      'SMTP, and nothing is let in',
      'exim.protocol',
      ['  protocol = lmtp\n', ''],
      ['acl_smtp_rcpt = acl_check_rcpt\n', ''],
    ),
    on(
      'a wrong transport, and no right to send',
      'exim.no-transport',
      ['transport = posthorn_transport', 'transport = mailman3_transport'],
      ['relay_from_hosts = 127.0.0.1', 'relay_from_hosts = 192.0.2.0/24'],
    ),
  ]
}

const catchAll: Breakage = {
  title: 'a router behind ours takes everything',
  code: 'exim.unknown-accepted',
  breaks: edit(conf, [
    'localuser:\n',
    'catchall:\n  driver = redirect\n  domains = +local_domains\n  data = root@mta.lab.test\n\nlocaluser:\n',
  ]),
}

const markers: readonly Breakage[] = [
  catchAll,
  {
    title: 'MM3_HOME is another folder',
    code: 'exim.marker-folder',
    breaks: edit(conf, [/^MM3_HOME = .*/m, 'MM3_HOME = /opt/mailman/var']),
  },
  {
    title: 'MM3_HOME is the folder above',
    code: 'exim.marker-folder',
    breaks: edit(conf, [/^(MM3_HOME = .*)\/var$/m, 'MM3_HOME = /tmp']),
  },
  {
    title: 'MM3_HOME is not defined',
    code: 'exim.undefined-macro',
    breaks: edit(conf, [/^MM3_HOME = .*\n/m, '']),
  },
  {
    title: 'MM3_HOME is misspelt',
    code: 'exim.undefined-macro',
    breaks: edit(conf, [/^MM3_HOME = /m, 'MM3_HOEM = ']),
  },
  {
    title: 'MM3_LISTCHK is misspelt',
    code: 'exim.undefined-macro',
    breaks: edit(conf, ['require_files = MM3_LISTCHK', 'require_files = MM3_LISTCHECK']),
  },
  {
    title: 'the folder of a list is looked for by its address',
    code: 'exim.marker-path',
    breaks: edit(conf, [`\${local_part}.\${domain}`, `\${local_part}@\${domain}`]),
  },
  {
    title: 'the folder of a list is looked for by its name',
    code: 'exim.marker-path',
    breaks: edit(conf, [`\${local_part}.\${domain}`, `\${local_part}`]),
  },
  {
    title: 'the folder must not be there',
    code: 'exim.marker-path',
    breaks: edit(conf, ['require_files = MM3_LISTCHK', 'require_files = !MM3_LISTCHK']),
  },
  {
    title: 'the folder of a list is gone',
    code: 'exim.marker-missing',
    breaks: (_, site) => renameSync(join(site.varDir, `lists/tea.${domain}`), join(site.directory, 'gone')),
    mends: (_, site) => renameSync(join(site.directory, 'gone'), join(site.varDir, `lists/tea.${domain}`)),
  },
  {
    title: 'Exim may not pass the folder of Posthorn',
    code: 'exim.marker-closed',
    breaks: (_, site) => chmodSync(site.varDir, 0o770),
    mends: (_, site) => chmodSync(site.varDir, 0o771),
  },
  {
    title: 'Exim may not pass the folder of the lists',
    code: 'exim.marker-closed',
    breaks: (_, site) => chmodSync(join(site.varDir, 'lists'), 0o700),
    mends: (_, site) => chmodSync(join(site.varDir, 'lists'), 0o771),
  },
  {
    title: 'the suffix is a must',
    code: 'exim.suffix-not-optional',
    breaks: edit(conf, ['  local_part_suffix_optional\n', '']),
  },
  {
    title: 'there are no suffixes',
    code: 'exim.suffix-missing',
    breaks: edit(conf, [/ {2}local_part_suffix = .*\\\n.*\n/, '']),
  },
  {
    title: 'bounces with a token are missing',
    code: 'exim.suffix-missing',
    breaks: edit(conf, ['-bounces+* : ', '']),
  },
  {
    title: 'confirmations with a token are missing',
    code: 'exim.suffix-missing',
    breaks: edit(conf, ['-confirm+* : ', '']),
  },
  {
    title: 'the request address is missing',
    code: 'exim.suffix-missing',
    breaks: edit(conf, ['-request : ', '']),
  },
  {
    title: 'any suffix is taken',
    code: 'exim.suffix-too-wide',
    breaks: edit(conf, ['-bounces : ', '-bounces : -* : ']),
  },
  {
    title: 'a prefix is wanted',
    code: 'exim.prefix',
    breaks: edit(conf, [
      '  local_part_suffix_optional\n',
      '  local_part_suffix_optional\n  local_part_prefix = lists-\n',
    ]),
  },
  {
    title: 'the suffix is lost on the way',
    code: 'exim.affixes',
    breaks: edit(conf, ['  rcpt_include_affixes = true\n', '']),
  },
  {
    title: 'capitals count',
    code: 'exim.caseful',
    breaks: edit(conf, [
      '  local_part_suffix_optional\n',
      '  local_part_suffix_optional\n  caseful_local_part\n',
    ]),
  },
  {
    title: 'nothing verifies recipients',
    code: 'exim.unknown-accepted',
    breaks: edit(
      conf,
      [/ {2}deny domains = \+mm_domains\n.*\n.*!verify = recipient\n/, ''],
      ['  require verify = recipient\n', ''],
    ),
  },
]

const callout: readonly Breakage[] = [
  {
    title: 'there is no callout',
    code: 'exim.no-callout',
    breaks: edit(conf, ['!verify = recipient/callout=10s,no_cache', '!verify = recipient']),
  },
  {
    title: 'the callout is for other domains',
    code: 'exim.no-callout',
    breaks: edit(conf, ['  deny domains = +mm_domains', '  deny domains = other.example.test']),
  },
  {
    title: 'the callout remembers refusals',
    code: 'exim.callout-cached',
    breaks: edit(conf, ['callout=10s,no_cache', 'callout=10s']),
  },
  {
    title: 'a callout without an answer passes',
    code: 'exim.callout-defer-ok',
    breaks: edit(conf, ['callout=10s,no_cache', 'callout=10s,no_cache,defer_ok']),
  },
  {
    title: 'the callout asks for postmaster',
    code: 'exim.callout-postmaster',
    breaks: edit(conf, [
      'callout=10s,no_cache',
      'callout=10s,no_cache,fullpostmaster=postmaster@mta.lab.test',
    ]),
  },
  {
    title: 'the router takes all domains',
    code: 'exim.takes-all-mail',
    breaks: edit(conf, ['driver = accept\n  domains = +mm_domains', 'driver = accept']),
  },
  {
    title: 'the suffix is lost on the way',
    code: 'exim.affixes',
    breaks: edit(
      conf,
      [
        'driver = accept\n  domains = +mm_domains',
        'driver = accept\n  domains = +mm_domains\n  local_part_suffix = -*\n  local_part_suffix_optional',
      ],
      ['  rcpt_include_affixes = true\n', ''],
    ),
  },
]

const lookup: readonly Breakage[] = [
  catchAll,
  {
    title: 'the service is asked at another port',
    code: 'exim.lookup-place',
    breaks: edit(conf, [/readsocket\{inet:127\.0\.0\.1:\d+\}/, 'readsocket{inet:127.0.0.1:9}']),
  },
  {
    title: 'the condition is the wrong way round',
    code: 'exim.lookup-inverted',
    breaks: edit(conf, [`\${if !eq{`, `\${if eq{`]),
  },
  {
    title: 'only yes is taken',
    code: 'exim.lookup-refuses',
    breaks: edit(conf, [`\${if !eq{`, `\${if eq{`], ['}{no}}', '}{yes}}']),
  },
  {
    title: 'without an answer it is a no',
    code: 'exim.lookup-refuses',
    breaks: edit(conf, ['{5s}}', '{5s}{}{no}}']),
  },
  {
    title: 'the router has no condition',
    code: 'exim.no-callout',
    breaks: edit(conf, [/ {2}condition = .*\n/, '']),
  },
  {
    title: 'only a part of the address is asked for',
    code: 'exim.router-skips',
    breaks: edit(conf, ['{$local_part@$domain\\n}', '{$local_part\\n}']),
  },
]

const debian: readonly Breakage[] = [
  {
    title: 'update-exim4.conf was not run after an edit',
    code: 'exim.not-generated',
    breaks: edit('etc/exim4/conf.d/transport/55_posthorn', [
      '  protocol = lmtp',
      '  protocol = lmtp\n  max_rcpt = 50',
    ]),
  },
  {
    title: 'update-exim4.conf was not run after an answer',
    code: 'exim.not-generated',
    breaks: edit('etc/exim4/update-exim4.conf.conf', [`;${domain}'`, `;${domain};other.example.test'`]),
  },
  {
    title: 'the router has a dot in its name',
    code: 'exim.ignored-file',
    breaks: renamed('etc/exim4/conf.d/router/455_posthorn', 'etc/exim4/conf.d/router/455_posthorn.conf'),
  },
  {
    title: 'the macros have a dot in their name',
    code: 'exim.ignored-file',
    breaks: renamed(
      'etc/exim4/conf.d/main/25_posthorn_macros',
      'etc/exim4/conf.d/main/25_posthorn_macros.local',
    ),
  },
  {
    title: 'the configuration is not split',
    code: 'exim.not-split',
    breaks: generated(
      edit('etc/exim4/update-exim4.conf.conf', ["dc_use_split_config='true'", "dc_use_split_config='false'"]),
    ),
  },
  {
    title: 'the domain is none of the answers',
    code: 'exim.domain-not-accepted',
    breaks: generated(edit('etc/exim4/update-exim4.conf.conf', [`;${domain}'`, "'"])),
  },
  {
    title: 'the domain is relayed',
    code: 'exim.shadowed',
    breaks: generated(
      edit(
        'etc/exim4/update-exim4.conf.conf',
        [`;${domain}'`, "'"],
        ["dc_relay_domains=''", `dc_relay_domains='${domain}'`],
      ),
    ),
  },
  {
    title: 'the router stands at the end, behind one that takes all',
    code: 'exim.shadowed',
    breaks: generated((lab) => {
      renamed('etc/exim4/conf.d/router/455_posthorn', 'etc/exim4/conf.d/router/955_posthorn')(lab)
      writeFileSync(
        join(lab.root, 'etc/exim4/conf.d/router/940_catchall'),
        'catchall:\n  driver = redirect\n  domains = +local_domains\n  data = root@mta.lab.test\n',
      )
    }),
  },
  {
    title: 'an alias has the name of a list',
    code: 'exim.shadowed',
    breaks: (lab) => writeFileSync(join(lab.root, 'etc/aliases'), 'tea: root\n'),
  },
  {
    title: 'the port is another',
    code: 'exim.port',
    breaks: generated(
      edit('etc/exim4/conf.d/main/25_posthorn_macros', [/^MM3_LMTP_PORT = .*/m, 'MM3_LMTP_PORT = 8042']),
    ),
  },
  {
    title: 'MM3_HOME is another folder',
    code: 'exim.marker-folder',
    breaks: generated(
      edit('etc/exim4/conf.d/main/25_posthorn_macros', [/^MM3_HOME = .*/m, 'MM3_HOME = /opt/mailman/var']),
    ),
  },
  {
    title: 'the domain is misspelt',
    code: 'exim.domain-missing',
    breaks: generated(
      edit('etc/exim4/conf.d/main/25_posthorn_macros', [
        `mm_domains = ${domain}`,
        'mm_domains = list.example.test',
      ]),
    ),
  },
  {
    title: 'the transport is missing',
    code: 'exim.no-transport',
    breaks: generated((lab) => rmSync(join(lab.root, 'etc/exim4/conf.d/transport/55_posthorn'))),
  },
  {
    title: 'the router is missing',
    code: 'exim.no-router',
    breaks: generated((lab) => rmSync(join(lab.root, 'etc/exim4/conf.d/router/455_posthorn'))),
  },
  {
    title: 'the transport speaks SMTP',
    code: 'exim.protocol',
    breaks: generated(edit('etc/exim4/conf.d/transport/55_posthorn', ['  protocol = lmtp\n', ''])),
  },
  {
    title: 'the suffixes are not optional',
    code: 'exim.suffix-not-optional',
    breaks: generated(edit('etc/exim4/conf.d/router/455_posthorn', ['  local_part_suffix_optional\n', ''])),
  },
  {
    title: 'an option is misspelt',
    code: 'exim.syntax',
    breaks: generated(
      edit('etc/exim4/conf.d/router/455_posthorn', [
        'local_part_suffix_optional',
        'local_part_suffix_option',
      ]),
      1,
    ),
  },
]

function renamed(from: string, to: string) {
  return (lab: MailServerLab): void => renameSync(join(lab.root, from), join(lab.root, to))
}

/** An edit after which update-exim4.conf ran, with this exit code. */
function generated(change: (lab: MailServerLab) => void, expected = 0) {
  return async (lab: MailServerLab): Promise<void> => {
    change(lab)
    const { code, err } = await lab.exec(['update-exim4.conf'])
    equal(code, expected, err)
  }
}

for (const { title, way, isDebian, breakages } of [
  {
    title: 'that looks at the markers',
    way: 'tables',
    isDebian: false,
    breakages: [...everywhere(), ...markers],
  },
  {
    title: 'that makes callouts',
    way: 'verify',
    isDebian: false,
    breakages: [...everywhere().filter((_, at) => at % 2 === 0), ...callout],
  },
  {
    title: 'that asks the look-up service',
    way: 'lookup',
    isDebian: false,
    breakages: [...everywhere().filter((_, at) => at % 2 === 1), ...lookup],
  },
  { title: "of Debian's making", way: 'tables', isDebian: true, breakages: debian },
] as const)
  describe(`doctor on an Exim ${title}`, { timeout: 900_000 }, () => {
    const ending = new AsyncDisposableStack()
    let lab: MailServerLab
    let site: Site
    let facts: HostFacts

    before(async () => {
      lab = ending.use(await mailServerLab('exim'))
      const sections = {
        mta: { incoming: 'exim4' },
        ...(way === 'lookup' ? { lookup: { readsocket: `127.0.0.1:${await freePort()}` } } : {}),
      }
      site = ending.use(await freshSite({ relayPort: lab.smtpPort, lmtpPort: lab.lmtpPort, sections }))
      await site.must(['domain', 'add', domain, '--list-only'])
      await site.list(`tea@${domain}`, [])
      await site.start()
      const etc = isDebian ? debianExim(lab) : plainExim(lab)
      await lab.prepare({ domains: [domain], maps: site.varDir, etc })
      await hookUpExim(lab, site, way as HookupWay)
      facts = await factsOf(site)
    })
    after(() => ending.disposeAsync())

    const found = async (): Promise<readonly Finding[]> => {
      const { findings, unavailable } = await examine([exim.diagnose(facts, eximHost(lab))])
      deepEqual(unavailable, [])
      return findings
    }
    const told = (findings: readonly Finding[]): string =>
      findings.map(({ kind, seen, file, line }) => `${kind.code} ${file}:${line} ${seen}`).join('\n')

    test('nothing is found on the sound hook-up', async () => {
      equal(told(await found()), '')
    })

    for (const { title: what, code, breaks, mends } of breakages)
      test(`${what}: ${code}`, async () => {
        const etc = join(lab.root, 'etc')
        const kept = join(lab.root, 'tmp/etc')
        await lab.exec(['cp', '-a', '/etc', '/tmp/etc'])
        try {
          await breaks(lab, site)
          const findings = await found()
          equal(findings[0]?.kind.code, code, told(findings))
          const [first] = findings
          notEqual(first?.seen, '')
          notEqual(first?.change, '')
          if (first?.file != null && first.line !== null) {
            const inside = join(lab.root, first.file)
            const path = existsSync(first.file) ? first.file : inside
            const line = existsSync(path)
              ? readFileSync(path, 'utf8').split('\n')[first.line - 1]
              : first.seen
            notEqual(line, undefined, `${first.file}:${first.line}`)
          }
        } finally {
          rmSync(etc, { recursive: true })
          renameSync(kept, etc)
          mends?.(lab, site)
          if (isDebian) await lab.exec(['update-exim4.conf'])
        }
      })
  })
