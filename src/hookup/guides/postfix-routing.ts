// What Postfix does with an address, step by step as its programs do: the class of its domain (trivial-rewrite(8)), is it
// known (smtpd(8)), what it is rewritten to (cleanup(8)), and which transport takes it. Law: tables are asked, never read;
// each answer says which setting and which table gave it.
import { partsOf } from './postfix-configuration.ts'
import type { MasterService } from './postfix-files.ts'
import { firstAnswer, type TableName, tableOf } from './postfix-look-ups.ts'
import { inside } from './postfix-services.ts'
import { type PostfixView, tablesOf } from './postfix-view.ts'

export type DomainClass = 'local' | 'virtual-alias' | 'virtual-mailbox' | 'relay'

export interface ClassFound {
  readonly class: DomainClass
  readonly parameter: string
  /** The word of the parameter that names the domain. */
  readonly word: string
}

const classParameters: readonly (readonly [DomainClass, string])[] = [
  ['local', 'mydestination'],
  ['virtual-alias', 'virtual_alias_domains'],
  ['virtual-mailbox', 'virtual_mailbox_domains'],
  ['relay', 'relay_domains'],
]

/** All classes that name the domain; the first is the one that counts (ADDRESS_CLASS_README). */
export async function classesOf(view: PostfixView, domain: string): Promise<readonly ClassFound[]> {
  const found: ClassFound[] = []
  for (const [name, parameter] of classParameters) {
    const word = await wordFor(view, domain, parameter)
    if (word !== null) found.push({ class: name, parameter, word })
  }
  return found
}

/** The word of a domain list that matches, as match_list(3) finds it: `!` excludes, the first match decides. */
async function wordFor(view: PostfixView, domain: string, parameter: string): Promise<string | null> {
  const { configuration, host, ask } = view
  const rewrite = inside(configuration, 'rewrite')
  const parents = partsOf(configuration.value('parent_domain_matches_subdomains')).includes(parameter)
  const names = [domain.toLowerCase(), ...(parents ? parentsOf(domain) : [])]
  for (const word of partsOf(configuration.valueFor(rewrite, parameter))) {
    const bare = word.replace(/^!/, '')
    const table = tableOf(bare)
    let matches = names.includes(bare.toLowerCase())
    if (bare.startsWith('/')) {
      const text = (await host.readText(bare)) ?? ''
      matches = text.split(/[\s,]+/).some((name) => names.includes(name.toLowerCase()))
    } else if (table !== null)
      matches = (await firstAnswer(ask, [table], [domain, ...names.slice(1)])) !== null
    if (matches) return word.startsWith('!') ? null : word
  }
  return null
}

const parentsOf = (domain: string): readonly string[] =>
  domain
    .toLowerCase()
    .split('.')
    .map((_, at, labels) => labels.slice(at).join('.'))
    .slice(1)

export interface Split {
  readonly local: string
  readonly domain: string
  /** Without the extension; null when there is none. */
  readonly bare: string | null
  /** With its delimiter. */
  readonly extension: string
}

/** split_addr(3): at the first sign of recipient_delimiter. */
export function splitAddress(view: PostfixView, address: string): Split {
  const at = address.lastIndexOf('@')
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)]
  const signs = view.configuration.value('recipient_delimiter')
  const found = [...local].findIndex((sign, index) => index > 0 && signs.includes(sign))
  const special =
    view.configuration.value('owner_request_special') === 'yes' &&
    local.charAt(found) === '-' &&
    /^owner-|-request$/i.test(local)
  if (found < 0 || special) return { local, domain, bare: null, extension: '' }
  return { local, domain, bare: local.slice(0, found), extension: local.slice(found) }
}

/** The keys that Postfix looks an address up by (mail_addr_find(3)), the whole address first. */
export async function addressKeys(view: PostfixView, address: string): Promise<[string, ...string[]]> {
  const { local, domain, bare } = splitAddress(view, address)
  const isLocal =
    (await wordFor(view, domain, 'mydestination')) !== null ||
    domain.toLowerCase() === view.configuration.value('myorigin').toLowerCase()
  const rest = bare === null ? [] : [`${bare}@${domain}`]
  const names = isLocal ? [local, ...(bare === null ? [] : [bare])] : []
  return [address, ...rest, ...names, `@${domain}`]
}

const recipientMaps: Readonly<Record<DomainClass, string>> = {
  local: 'local_recipient_maps',
  'virtual-alias': 'virtual_alias_maps',
  'virtual-mailbox': 'virtual_mailbox_maps',
  relay: 'relay_recipient_maps',
}

export interface Known {
  readonly known: boolean
  /** The maps that decide for the class. */
  readonly parameter: string
  /** No map: every name is taken. */
  readonly open: boolean
}

/** Does smtpd take the address for an existing one (smtpd_reject_unlisted_recipient)? */
export async function isKnown(
  view: PostfixView,
  smtpd: MasterService | null,
  address: string,
  found: DomainClass,
): Promise<Known> {
  const parameter = recipientMaps[found]
  const open = found !== 'virtual-alias' && view.configuration.valueFor(smtpd, parameter) === ''
  if (open) return { known: true, parameter, open }
  const keys = await addressKeys(view, address)
  for (const name of ['recipient_canonical_maps', 'canonical_maps', 'virtual_alias_maps', parameter]) {
    const answer = await firstAnswer(view.ask, tablesOf(view, name, smtpd), keys)
    if (answer !== null) return { known: true, parameter, open }
  }
  return { known: false, parameter, open }
}

export interface Rewriting {
  readonly to: readonly string[]
  readonly parameter: string
  readonly table: TableName
  readonly key: string
  readonly value: string
}

/** What cleanup makes of a recipient: the last rewriting, or null when the address stays as it is. */
export async function rewriting(view: PostfixView, address: string): Promise<Rewriting | null> {
  const cleanup = inside(view.configuration, 'cleanup')
  let last: Rewriting | null = null
  let now = address
  for (const [parameter, rounds] of [
    ['recipient_canonical_maps', 1],
    ['canonical_maps', 1],
    ['virtual_alias_maps', 5],
  ] as const)
    for (let round = 0; round < rounds; round += 1) {
      const mapped = await mapOnce(view, now, parameter, cleanup)
      if (mapped === null || mapped.to.includes(now)) break
      last = mapped
      if (mapped.to.length !== 1) return last
      now = mapped.to[0] ?? now
    }
  return last
}

/** mail_addr_map(3): an extension that the key did not have goes on, where propagate_unmatched_extensions says so. */
export async function mapOnce(
  view: PostfixView,
  address: string,
  parameter: string,
  service: MasterService | null,
): Promise<Rewriting | null> {
  const { configuration } = view
  const keys = await addressKeys(view, address)
  const answer = await firstAnswer(view.ask, tablesOf(view, parameter, service), keys)
  if (answer === null) return null
  const { local, bare, extension } = splitAddress(view, address)
  const what = parameter === 'virtual_alias_maps' ? 'virtual' : 'canonical'
  const propagates = partsOf(configuration.value('propagate_unmatched_extensions')).includes(what)
  const isBare = bare !== null && (answer.key === bare || answer.key.startsWith(`${bare}@`))
  const to = partsOf(answer.value).map((word) => {
    const full = word.startsWith('@')
      ? `${local}${word}`
      : word.includes('@')
        ? word
        : `${word}@${configuration.value('myorigin')}`
    if (!isBare || !propagates || word.startsWith('@')) return full
    const at = full.lastIndexOf('@')
    return `${full.slice(0, at)}${extension}${full.slice(at)}`
  })
  return { to, parameter, table: answer.table, key: answer.key, value: answer.value }
}

export interface Transport {
  readonly channel: string
  /** What follows the first colon; the recipient's domain where nothing does. */
  readonly nexthop: string
  readonly parameter: string
  /** The entry of transport_maps; null where none answered. */
  readonly entry: { readonly table: TableName; readonly key: string; readonly value: string } | null
}

export async function transportOf(view: PostfixView, address: string): Promise<Transport> {
  const { configuration } = view
  const rewrite = inside(configuration, 'rewrite')
  const { domain, bare } = splitAddress(view, address)
  const [found] = await classesOf(view, domain)
  const base = baseTransport(view, found?.class ?? null, domain)
  // transport_maps override the transport of every class but this one (seen with Postfix 3.7).
  if (found?.class === 'virtual-alias') return { ...base, entry: null }
  const parents = partsOf(configuration.value('parent_domain_matches_subdomains')).includes('transport_maps')
  const keys: [string, ...string[]] = [
    address,
    ...(bare === null ? [] : [`${bare}@${domain}`]),
    domain.toLowerCase(),
    ...parentsOf(domain).map((parent) => (parents ? parent : `.${parent}`)),
    '*',
  ]
  const entry = await firstAnswer(view.ask, tablesOf(view, 'transport_maps', rewrite), keys)
  if (entry === null) return { ...base, entry: null }
  const colon = entry.value.indexOf(':')
  const channel = colon < 0 ? '' : entry.value.slice(0, colon)
  const nexthop = colon < 0 ? entry.value : entry.value.slice(colon + 1)
  return {
    channel: channel === '' ? base.channel : channel,
    nexthop: nexthop === '' ? (channel === '' ? base.nexthop : domain) : nexthop,
    parameter: 'transport_maps',
    entry,
  }
}

function baseTransport(
  { configuration }: PostfixView,
  found: DomainClass | null,
  domain: string,
): Omit<Transport, 'entry'> {
  const rewrite = inside(configuration, 'rewrite')
  const parameter =
    found === 'local'
      ? 'local_transport'
      : found === 'virtual-mailbox'
        ? 'virtual_transport'
        : found === 'relay'
          ? 'relay_transport'
          : 'default_transport'
  if (found === 'virtual-alias')
    return {
      channel: 'error',
      nexthop: 'User unknown in virtual alias table',
      parameter: 'virtual_alias_domains',
    }
  const [channel = '', ...rest] = configuration.valueFor(rewrite, parameter).split(':')
  const own = rest.join(':')
  const relayhost = found === 'relay' || found === null ? configuration.valueFor(rewrite, 'relayhost') : ''
  return { channel, nexthop: own || relayhost || domain, parameter }
}
