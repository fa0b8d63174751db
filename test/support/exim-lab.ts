// The laboratory's Exim, hooked up by what `posthorn hookup exim` prints: a plain exim.conf as an operator without Debian
// has it, or Debian's own configuration.
import { deepEqual, equal } from 'node:assert/strict'
import { join } from 'node:path'
import { hostFacts } from '../../src/app/host-facts.ts'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { loadConfig } from '../../src/config/config.ts'
import { planChanges, writeChanges } from '../../src/hookup/apply.ts'
import { exim } from '../../src/hookup/guides/exim.ts'
import type { HookupWay, HostFacts, MailServerHost } from '../../src/model/hookup.ts'
import type { MailServerLab } from './mail-server-lab.ts'
import type { Site } from './server.ts'

/** An exim.conf that knows nothing of lists; all mail for others goes to the sink. */
export const plainExim = (lab: MailServerLab): Readonly<Record<string, string>> => ({
  'exim4/exim4.conf': `# An Exim without lists.
primary_hostname = mta.lab.test
daemon_smtp_ports = ${lab.smtpPort}
local_interfaces = 127.0.0.1
domainlist local_domains = @
domainlist relay_to_domains =
hostlist relay_from_hosts = 127.0.0.1
tls_advertise_hosts =
host_lookup =
rfc1413_hosts =
keep_environment =
timezone = UTC
log_selector = +smtp_confirmation +received_recipients
smtp_accept_max = 100
acl_smtp_rcpt = acl_check_rcpt
acl_smtp_data = acl_check_data

begin acl

acl_check_rcpt:
  accept hosts = :
  accept hosts = +relay_from_hosts
  require message = relay not permitted
          domains = +local_domains : +relay_to_domains
  require verify = recipient
  accept

acl_check_data:
  accept

begin routers

smarthost:
  driver = manualroute
  domains = ! +local_domains
  route_list = * 127.0.0.1 byname
  self = send
  transport = to_the_world

localuser:
  driver = accept
  check_local_user
  domains = +local_domains
  transport = local_delivery

begin transports

to_the_world:
  driver = smtp
  port = ${lab.world.port}
  allow_localhost
  hosts_avoid_tls = *

local_delivery:
  driver = appendfile
  file = /var/mail/$local_part_data

begin retry

* * F,1h,5s; G,16h,1h,1.5; F,4d,6h
`,
})

/** The answers to Debian's questions, its package as it is, and a router to the sink: the DNS of the laboratory knows nobody. */
export const debianExim = (
  lab: MailServerLab,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => ({
  mailname: 'mta.lab.test\n',
  aliases: 'mailer-daemon: postmaster\npostmaster: root\n',
  'exim4/conf.d/router/190_world': `world:
  driver = manualroute
  domains = ! +local_domains
  route_list = * 127.0.0.1 byname
  self = send
  transport = to_the_world
`,
  'exim4/conf.d/transport/40_world': `to_the_world:
  driver = smtp
  port = ${lab.world.port}
  allow_localhost
  hosts_avoid_tls = *
`,
  'exim4/update-exim4.conf.conf': Object.entries({
    dc_eximconfig_configtype: 'internet',
    dc_other_hostnames: 'mta.lab.test',
    dc_local_interfaces: `127.0.0.1.${lab.smtpPort}`,
    dc_readhost: '',
    dc_relay_domains: '',
    dc_minimaldns: 'false',
    dc_relay_nets: '',
    dc_smarthost: '',
    CFILEMODE: '644',
    dc_use_split_config: 'true',
    dc_hide_mailname: 'false',
    dc_mailname_in_oh: 'true',
    dc_localdelivery: 'mail_spool',
    ...more,
  })
    .map(([name, value]) => `${name}='${value}'\n`)
    .join(''),
})

/** Exim's folder of the lab, and its commands. */
export const eximHost = (lab: MailServerLab): MailServerHost =>
  mailServerHost({ configDir: join(lab.root, 'etc/exim4'), commandPrefix: lab.prefix })

/** What Exim has to be told about this site. */
export async function factsOf(site: Site): Promise<HostFacts> {
  const loaded = loadConfig({
    explicit: site.configFile,
    environment: {},
    cwd: '/',
    home: null,
    effectiveUid: 0,
  })
  if ('errors' in loaded) throw new Error(`the configuration of ${site.directory} has errors`)
  return hostFacts(loaded.config, mailServerHost({ configDir: null, commandPrefix: [] }))
}

/** What Exim answers at RCPT to a host in the world: Debian verifies no recipient for hosts that it relays for. */
export async function askedFromTheWorld(
  lab: MailServerLab,
  recipients: readonly string[],
): Promise<readonly string[]> {
  const lines = [
    'EHLO mail.example.test',
    'MAIL FROM:<>',
    ...recipients.map((to) => `RCPT TO:<${to}>`),
    'QUIT',
  ]
  const { out } = await lab.exec(['exim4', '-bhc', '192.0.2.1'], lines.map((line) => `${line}\r\n`).join(''))
  const replies = out.split('\n').filter((line) => /^\d{3} /.test(line))
  return replies.slice(3, 3 + recipients.length).map((reply) => reply.slice(0, 3))
}

/** Writes what hookup says into the prepared lab, and runs what it says afterwards; only systemd is not there. */
export async function hookUpExim(lab: MailServerLab, site: Site, way: HookupWay): Promise<void> {
  const hookup = await exim.hookup(await factsOf(site), eximHost(lab), way)
  deepEqual(hookup.refusals, [])
  deepEqual(hookup.ours, [])
  const { changes, refusals } = await planChanges(hookup.files)
  deepEqual(refusals, [])
  await writeChanges(changes, 'before')
  for (const { argv } of hookup.afterwards) {
    if (argv[0] === 'systemctl') continue
    const { code, out, err } = await lab.exec(argv)
    equal(code, 0, `${argv.join(' ')}: ${out}${err}`)
  }
}
