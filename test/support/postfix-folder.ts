// A folder with the configuration of a Postfix that does not run: main.cf, master.cf and our tables, as the laboratory and
// Debian have them, for a doctor to look at.
import { rmSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { inOrder } from '../../src/hookup/doctor.ts'
import { diagnosePostfix } from '../../src/hookup/guides/postfix-diagnose.ts'
import { postfix } from '../../src/hookup/postfix.ts'
import type { TableType } from '../../src/hookup/postmap.ts'
import type { Finding, HostFacts } from '../../src/model/hookup.ts'
import type { DirectoryDomain } from '../../src/model/mail-server.ts'

export const lists = 'lists.example.test'

export interface PostfixFolder {
  readonly directory: string
  readonly maps: string
  readonly main: string
  readonly master: string
  readonly facts: HostFacts
}

export interface Layout {
  readonly type?: TableType
  readonly domains?: readonly DirectoryDomain[]
  /** `MAPS` is the folder of our tables. */
  readonly main: string
  readonly master?: string
  readonly facts?: Partial<HostFacts>
}

export const listDomain = (over: Partial<DirectoryDomain> = {}): DirectoryDomain => ({
  mailHost: lists,
  aliasDomain: null,
  listOnly: false,
  listNames: ['ant', 'bee.keepers'],
  ...over,
})

export async function postfixFolder(layout: Layout): Promise<PostfixFolder> {
  const directory = await mkdtemp(join(tmpdir(), 'posthorn-doctor-'))
  await chmod(directory, 0o755)
  const maps = join(directory, 'maps')
  await mkdir(maps)
  const { type = 'hash', domains = [listDomain()] } = layout
  const facts = factsOf(maps, {
    domains,
    postfix: { tableType: type, postmapCommand: 'postmap' },
    ...layout.facts,
  })
  await cp(await published(type, domains, facts.lmtp), maps, { recursive: true, preserveTimestamps: true })
  const main = layout.main.replaceAll('MAPS', maps)
  const master = layout.master ?? labMaster
  await write(directory, main, master)
  return { directory, maps, main, master, facts }
}

const kept = new Map<string, Promise<string>>()

/** A folder with these tables, made once; postmap and fsync take their time. */
function published(
  type: TableType,
  domains: readonly DirectoryDomain[],
  lmtp: { readonly host: string; readonly port: number },
): Promise<string> {
  const key = JSON.stringify([type, domains, lmtp])
  const made = kept.get(key) ?? makeTables(type, domains, lmtp)
  kept.set(key, made)
  return made
}

async function makeTables(...[type, domains, lmtp]: Parameters<typeof published>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'posthorn-tables-'))
  process.on('exit', () => rmSync(directory, { recursive: true }))
  await publish(directory, type, domains, lmtp)
  return directory
}

/** Writes main.cf and master.cf anew, as of an hour ago: Postfix waits 2 s for a file that has changed just now to settle. */
export async function write(directory: string, main: string, master: string): Promise<void> {
  const hourAgo = Date.now() / 1000 - 3600
  for (const [name, text] of [
    ['main.cf', main],
    ['master.cf', master],
  ] as const) {
    await writeFile(join(directory, name), text)
    await utimes(join(directory, name), hourAgo, hourAgo)
  }
}

export async function publish(
  maps: string,
  type: TableType,
  domains: readonly DirectoryDomain[],
  lmtp: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 18_402 },
): Promise<void> {
  const server = postfix({
    directory: maps,
    lmtpHost: lmtp.host,
    lmtpPort: lmtp.port,
    postmapCommand: 'postmap',
    tableType: type,
    compatible: false,
  })
  await server.publish({ domains })
}

export function factsOf(dataDir: string, over: Partial<HostFacts> = {}): HostFacts {
  return {
    hostname: 'mail.example.test',
    configFile: '/etc/posthorn.cfg',
    lmtp: { host: '127.0.0.1', port: 18_402, socket: null },
    smtpIntake: null,
    relay: { host: '127.0.0.1', port: 18_401, secureMode: 'smtp', user: null },
    varDir: dataDir,
    dataDir,
    listDataDir: join(dataDir, 'lists'),
    delimiter: '+',
    incoming: ['postfix'],
    postfix: { tableType: 'hash', postmapCommand: 'postmap' },
    opensmtpd: { reloadCommand: [] },
    mailServerFile: null,
    courier: { home: null, homes: {}, command: '/usr/local/bin/posthorn-qmail --sysexits' },
    qmail: { home: null, homes: {}, command: '/usr/local/bin/posthorn-qmail' },
    maxMessageSize: 33_554_432,
    lookup: { socketmap: null, tcpTable: null, readsocket: null },
    domains: [listDomain()],
    account: { user: 'list', group: 'list' },
    pipeProgram: '/usr/bin/posthorn-qmail',
    ...over,
  }
}

/** All findings, in the order in which doctor tells them. */
export async function findingsIn({ directory, facts }: PostfixFolder): Promise<readonly Finding[]> {
  const host = mailServerHost({ configDir: directory, commandPrefix: [] })
  const findings: Finding[] = []
  for await (const found of diagnosePostfix(facts, host)) findings.push(found)
  return inOrder(findings)
}

/** The laboratory's base (test/mta-lab/mta/postfix.sh). */
export const labBase = `compatibility_level = 3.6
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
disable_dns_lookups = yes
alias_maps =
biff = no
notify_classes =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_tls_security_level = none
smtp_tls_security_level = none
relayhost = [127.0.0.1]:18403
recipient_delimiter = +
unknown_local_recipient_reject_code = 550
unknown_relay_recipient_reject_code = 550
owner_request_special = no
`

export const labMaster = `127.0.0.1:18401 inet n - n - - smtpd
pickup     unix  n - n 60 1 pickup
cleanup    unix  n - n - 0 cleanup
qmgr       unix  n - n 300 1 qmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
verify     unix  - - n - 1 verify
proxymap   unix  - - n - - proxymap
smtp       unix  - - n - - smtp
relay      unix  - - n - - smtp
error      unix  - - n - - error
retry      unix  - - n - - error
local      unix  - n n - - local
virtual    unix  - n n - - virtual
lmtp       unix  - - n - - lmtp
`
