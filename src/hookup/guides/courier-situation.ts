// What is known of a Courier before anything is advised or judged: how mail for each of Posthorn's domains comes in, and
// where the files of its lists are read. Law: the files as they are now.
//
// A domain in `locals` loses its name before anything else is looked at; mail for its addresses goes to accounts, and for
// other names to the files of `aliasdir` (dot-courier(5)). Any other domain can be given to one account as a whole by an
// alias `@domain: account`. What is left of a domain in `hosteddomains` goes to the account `alias@domain`
// (makehosteddomains(8)).
import { join } from 'node:path'
import type { FileFacts, HostFacts, MailServerHost } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { type Account, Accounts } from './courier-accounts.ts'
import { type CourierConfiguration, type Entry, readCourier } from './courier-configuration.ts'
import { type Alias, type AliasesRead, domainLine, readAliases } from './courier-names.ts'
import { readPipeCommand } from './dot-command.ts'

/** How mail for the lists of a domain comes in. */
export type WayIn =
  /** The whole domain is one account's. */
  | 'account'
  /** Addresses that are no account's: the files of `aliasdir`. */
  | 'aliasdir'
  /** Addresses that are no account's: the home of `alias@domain`. */
  | 'alias-account'

export interface CourierDomain {
  readonly domain: DirectoryDomain
  /** Null for a shared domain that Courier does not know. */
  readonly way: WayIn | null
  /** What makes it local, and the domain in `hosteddomains`. */
  readonly local: Entry | null
  readonly isLocal: boolean
  readonly hosted: Entry | null
  /** All `@domain` entries. */
  readonly aliases: readonly Alias[]
  /** Where Posthorn writes the files of its lists; null: nowhere. */
  readonly home: string | null
  /** Whose home that is. */
  readonly account: Account | null
  readonly homeFacts: FileFacts | null
  /** Whether Posthorn may make files there, as far as can be told. */
  readonly isWritable: boolean
}

export interface CourierSituation {
  readonly facts: HostFacts
  readonly host: MailServerHost
  readonly configuration: CourierConfiguration
  readonly accounts: Accounts
  readonly read: AliasesRead
  /** What Courier calls itself: mail for an account goes to it under this name. */
  readonly me: string
  readonly domains: readonly CourierDomain[]
  /** The program that the files start; null when it is there, or when its path is not said. */
  readonly missingProgram: string | null
}

/** Throws Unavailable. */
export async function courierSituation(
  facts: HostFacts,
  host: MailServerHost,
  dir: string,
): Promise<CourierSituation> {
  const configuration = await readCourier(host, dir)
  const accounts = await Accounts.read(host, configuration.root)
  const read = readAliases(configuration.aliases.entries)
  const me = await nameOf(configuration, facts, host)
  const domains: CourierDomain[] = []
  for (const domain of facts.domains) {
    const home = facts.courier.homes[domain.mailHost] ?? facts.courier.home
    const place = placeOf(configuration, me, domain, read.aliases)
    const homeFacts = home === null ? null : await host.stat(home)
    domains.push({
      ...place,
      domain,
      home,
      homeFacts,
      isWritable: home !== null && homeFacts !== null && (await mayWrite(facts, host, home, homeFacts)),
      account: home === null ? null : await accountFor(place.way, accounts, domain.mailHost, home),
    })
  }
  const program = readPipeCommand(`${facts.courier.command} 1 1`)?.program ?? ''
  const isMissing =
    program.startsWith('/') &&
    (await host.stat(program)) === null &&
    (await host.stat(join(configuration.root, program))) === null
  const missingProgram = isMissing ? program : null
  return { facts, host, configuration, accounts, read, me, domains, missingProgram }
}

/** `me`, where `*` is the machine; else the machine's name, made whole as the system does. */
async function nameOf(
  { me, locals, root }: CourierConfiguration,
  { hostname }: HostFacts,
  host: MailServerHost,
): Promise<string> {
  if (me !== null) return me.text.trim().toLowerCase().replace(/^\*/, hostname)
  if (hostname.includes('.')) return hostname.toLowerCase()
  const local = locals.entries.map(({ text }) => text.trim().toLowerCase())
  const whole = local.find((name) => name.startsWith(`${hostname.toLowerCase()}.`))
  const asked = root === '' && whole === undefined ? await host.run(['hostname', '-f']) : null
  return whole ?? (asked?.code === 0 ? asked.out.trim().toLowerCase() : hostname.toLowerCase())
}

/** By its owner, its groups, or an access control list. */
async function mayWrite(
  { account: { user, group } }: HostFacts,
  host: MailServerHost,
  home: string,
  folder: FileFacts,
): Promise<boolean> {
  const { mode } = folder
  if (user === 'root' || (mode & 0o002) !== 0) return true
  if (folder.user === user && (mode & 0o200) !== 0) return true
  if ((mode & 0o020) === 0) return false
  const groups = (await host.run(['id', '-Gn', user]))?.out.trim().split(/\s+/) ?? []
  if ([group, ...groups].includes(folder.group)) return true
  const listed = (await host.run(['getfacl', '-cp', home]))?.out ?? ''
  const names = [`user:${user}:`, ...groups.map((one) => `group:${one}:`)]
  return listed
    .split('\n')
    .some((entry) => names.some((name) => entry.startsWith(name) && entry.charAt(name.length + 1) === 'w'))
}

async function accountFor(
  way: WayIn | null,
  accounts: Accounts,
  domain: string,
  home: string,
): Promise<Account | null> {
  if (way === 'aliasdir') return null
  return way === 'alias-account' ? accounts.byName(`alias@${domain}`) : accounts.byHome(home)
}

function placeOf(
  { locals, hosted: hostedDomains }: CourierConfiguration,
  me: string,
  { mailHost, listOnly }: DirectoryDomain,
  all: readonly Alias[],
): Pick<CourierDomain, 'way' | 'local' | 'isLocal' | 'hosted' | 'aliases'> {
  const found = domainLine(locals.entries, mailHost, me)
  const isLocal = locals.kind === 'missing' ? mailHost === me : (found?.taken ?? false)
  const local = isLocal ? (found?.entry ?? null) : null
  const hosted = domainLine(hostedDomains.entries, mailHost, me)?.entry ?? null
  const aliases = all.filter(({ name }) => name === `@${mailHost}`)
  const shared = isLocal
    ? 'aliasdir'
    : aliases.length > 0
      ? 'account'
      : hosted !== null
        ? 'alias-account'
        : null
  return { way: listOnly ? 'account' : shared, local, isLocal, hosted, aliases }
}

/** Whether mail for an account of this host stays here. */
export function isMeLocal({ configuration: { locals }, me }: CourierSituation): boolean {
  return locals.kind === 'missing' || (domainLine(locals.entries, me, me)?.taken ?? false)
}

/** A path of Courier's, as it is seen from here. */
export const seen = ({ configuration }: Pick<CourierSituation, 'configuration'>, path: string): string =>
  join(configuration.root, path)
