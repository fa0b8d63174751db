// What Postfix is told: main.cf and master.cf of `--config-dir` with their line numbers, joined with what postconf(1)
// says of the parameters that are not written (so also of this build's own defaults). Law: without postconf the files
// alone are read, with the defaults of Postfix 3.7; a file that postconf cannot read is no reason not to look at it.
import { Unavailable } from '../../base/unavailable.ts'
import type { MailServerHost } from '../../model/hookup.ts'
import { expand } from './postfix-expansion.ts'
import {
  type MainFile,
  type MainSetting,
  type MasterFile,
  type MasterService,
  parseMain,
  parseMaster,
  splitOutsideBraces,
} from './postfix-files.ts'

export interface PostfixConfiguration {
  readonly directory: string
  readonly main: MainFile
  readonly master: MasterFile
  /** What postconf said on standard error, without `postconf: `; null: there is no postconf. */
  readonly remarks: readonly string[] | null
  /** Table types of this build (`postconf -m`); null: not known. */
  readonly tableTypes: readonly string[] | null
  /** Every parameter name that this Postfix knows, with its default or computed value; empty without postconf. */
  readonly known: ReadonlyMap<string, string>
  /** Expanded; '' for what is neither written nor known. */
  value(name: string): string
  /** Expanded as a service of master.cf sees it, with its `-o`; null: as all others do. */
  valueFor(service: MasterService | null, name: string): string
  /** The setting that counts; null when it is not written. */
  written(name: string): MainSetting | null
  /** `$name` in any other text. */
  expand(text: string): string
}

/** Throws Unavailable when there is no main.cf, or it cannot be read. */
export async function readPostfix(host: MailServerHost): Promise<PostfixConfiguration> {
  const directory = host.configDir ?? (await defaultDirectory(host))
  const mainPath = `${directory}/main.cf`
  const masterPath = `${directory}/master.cf`
  const mainText = await host.readText(mainPath)
  if (mainText === null)
    throw new Unavailable(
      `there is no ${mainPath}; name the folder of Postfix with --config-dir, or its container with --command-prefix`,
    )
  const main = parseMain(mainPath, mainText)
  const master = parseMaster(masterPath, (await host.readText(masterPath)) ?? '')
  const [all, types] = await Promise.all([
    host.run(['postconf', '-c', directory]),
    host.run(['postconf', '-c', directory, '-m']),
  ])
  // One that main.cf stops tells at least the defaults, which it knows without it.
  const spoken = all === null || all.code === 0 ? all : await host.run(['postconf', '-d'])
  const own = types?.code === 0 ? types : await host.run(['postconf', '-m'])
  return configurationOf({
    directory,
    main,
    master,
    remarks: all === null ? null : remarksOf(all.err),
    tableTypes: own?.code === 0 ? own.out.trim().split(/\s+/) : null,
    known: readValues(spoken?.out ?? ''),
  })
}

type Read = Pick<PostfixConfiguration, 'directory' | 'main' | 'master' | 'remarks' | 'tableTypes' | 'known'>

/** Pure: from what was read to what counts. */
export function configurationOf(read: Read): PostfixConfiguration {
  const last = new Map(read.main.settings.map((setting) => [setting.name, setting]))
  const text = (name: string): string | null => {
    if (name === 'config_directory') return read.directory
    return last.get(name)?.text ?? read.known.get(name) ?? defaults.get(name) ?? null
  }
  const value = (name: string): string => expand(text(name) ?? '', text).trim()
  return {
    ...read,
    value,
    valueFor: (service, name) => {
      const seen = (one: string): string | null => service?.overrides.get(one)?.text ?? text(one)
      return expand(seen(name) ?? '', seen).trim()
    },
    written: (name) => last.get(name) ?? null,
    expand: (some) => expand(some, text).trim(),
  }
}

/** The parts of a value that is a list: separated by blanks or commas, braces kept whole. */
export const partsOf = (value: string): readonly string[] => splitOutsideBraces(value, /[\s,]/)

async function defaultDirectory(host: MailServerHost): Promise<string> {
  const said = await host.run(['postconf', '-d', '-h', 'config_directory'])
  const named = said?.code === 0 ? said.out.trim() : ''
  return named === '' ? '/etc/postfix' : named
}

const remarksOf = (err: string): readonly string[] => [
  ...new Set(
    err
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => line.replace(/^[\w./-]*postconf: /, '')),
  ),
]

function readValues(out: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of out.split('\n')) {
    const equals = line.indexOf(' =')
    if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 2).trim())
  }
  return values
}

/** Postfix 3.7, for a host without postconf: what the diagnosis asks for and is not empty. */
const defaults: ReadonlyMap<string, string> = new Map([
  ['address_verify_negative_cache', 'yes'],
  ['address_verify_negative_expire_time', '3d'],
  ['address_verify_negative_refresh_time', '3h'],
  ['alias_maps', 'hash:/etc/aliases'],
  ['compatibility_level', '0'],
  ['default_database_type', 'hash'],
  ['default_transport', 'smtp'],
  ['inet_interfaces', 'all'],
  ['inet_protocols', 'all'],
  ['lmtp_host_lookup', 'dns'],
  ['lmtp_tcp_port', '24'],
  ['local_recipient_maps', 'proxy:unix:passwd.byname $alias_maps'],
  ['local_transport', 'local:$myhostname'],
  ['message_size_limit', '10240000'],
  ['mydestination', '$myhostname, localhost.$mydomain, localhost'],
  ['mynetworks', '127.0.0.0/8 [::1]/128'],
  ['myorigin', '$myhostname'],
  ['owner_request_special', 'yes'],
  ['propagate_unmatched_extensions', 'canonical, virtual'],
  ['queue_directory', '/var/spool/postfix'],
  ['relay_domains', `\${{$compatibility_level} <level {2} ? {$mydestination} : {}}`],
  ['relay_transport', 'relay'],
  [
    'smtpd_relay_restrictions',
    `\${{$compatibility_level} <level {1} ? {} : {permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination}}`,
  ],
  ['smtpd_recipient_limit', '1000'],
  ['unknown_local_recipient_reject_code', '550'],
  ['unknown_relay_recipient_reject_code', '550'],
  ['unknown_virtual_alias_reject_code', '550'],
  ['unverified_recipient_reject_code', '450'],
  ['virtual_alias_domains', '$virtual_alias_maps'],
  ['virtual_alias_maps', '$virtual_maps'],
  ['virtual_mailbox_domains', '$virtual_mailbox_maps'],
  ['virtual_transport', 'virtual'],
])
