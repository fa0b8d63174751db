// Where Postfix brings an address of a list that it has accepted, and if that is not our door, what is the cause: a
// rewriting, or a route.
import type { Finding, FindingKind } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { finding } from '../finding.ts'
import { partsOf } from './postfix-configuration.ts'
import type { Faults } from './postfix-diagnose-acceptance.ts'
import * as kinds from './postfix-kinds.ts'
import { type TableName, tableLines } from './postfix-look-ups.ts'
import { type Judged, judgeRoute, ourNexthop } from './postfix-nexthop.ts'
import { rewriting, type Transport, transportOf } from './postfix-routing.ts'
import { inside, listeners, publicSmtpd } from './postfix-services.ts'
import {
  ourTable,
  ourWord,
  type Place,
  type PostfixView,
  placeFor,
  placeOf,
  tablesOf,
  withoutWord,
  withWord,
} from './postfix-view.ts'

/** Where an accepted address is brought: null when that is our door, with all that belongs to the address. */
export async function wayToUs(view: PostfixView, domain: DirectoryDomain, address: string): Promise<Faults> {
  const moved = await relocatedBy(view, address)
  if (moved !== null) return [moved]
  const rewritten = mappingsAreOff(view) ? null : await rewriting(view, address)
  const final = rewritten === null ? address : rewritten.to
  if (typeof final !== 'string') {
    const [one = ''] = final
    const wanted = domain.aliasDomain === null ? null : address.replace(/@.*$/, `@${domain.aliasDomain}`)
    if (wanted !== null && final.includes(wanted)) return transportFaults(view, wanted)
    // Without its extension it still comes to us; that is told for itself.
    const bare = wanted === null ? null : withoutExtension(view, wanted)
    if (bare !== null && final.includes(bare)) return transportFaults(view, bare)
    const isOurs = rewritten !== null && ourTable(rewritten.table) === 'postfix_vmap'
    if (final.length > 0 && !isOurs) {
      const transport = await transportOf(view, one)
      const judged = judgeRoute(view.configuration, view.facts, transport.channel, transport.nexthop)
      if (judged.verdict === 'ours' && final.includes(address)) return null
    }
    const place =
      rewritten === null
        ? placeOf(view, 'virtual_alias_maps')
        : placeOf(view, rewritten.parameter, rewritten.table.shown)
    const line = rewritten === null ? null : await entryLine(view, rewritten.table, rewritten.key)
    return [
      finding(kinds.aliasTakesLists, {
        ...(line ?? place),
        why: `${rewritten?.parameter} makes ${final.join(', ')} of ${address} (${rewritten?.table.shown}: ${rewritten?.key}). ${kinds.aliasTakesLists.why}`,
        change: aliasChange(view, domain, rewritten?.key ?? '', rewritten?.table.name ?? ''),
      }),
    ]
  }
  if (domain.aliasDomain !== null && mappingsAreOff(view))
    return [
      finding(kinds.mappingsOff, placeFor(view, publicSmtpd(view.configuration), 'receive_override_options')),
    ]
  const faults = await transportFaults(view, final)
  if (faults === null || domain.aliasDomain === null) return faults
  return [
    finding(kinds.vmapUnused, {
      ...placeFor(view, inside(view.configuration, 'cleanup'), 'virtual_alias_maps'),
      why: `${address} should become an address in ${domain.aliasDomain}. ${kinds.vmapUnused.why}`,
      change: withWord(view, 'virtual_alias_maps', ourWord(view, 'postfix_vmap')),
    }),
  ]
}

function withoutExtension({ facts: { delimiter } }: PostfixView, address: string): string {
  const [at, from] = [address.lastIndexOf('@'), delimiter === '' ? -1 : address.indexOf(delimiter)]
  return from < 0 || from > at ? address : address.slice(0, from) + address.slice(at)
}

function aliasChange(
  view: PostfixView,
  { mailHost, aliasDomain }: DirectoryDomain,
  key: string,
  table: string,
): string {
  if (!key.startsWith('@')) return `Take ${key} out of ${table}, and run postmap on it where it is compiled.`
  if (aliasDomain !== null) return withWord(view, 'virtual_alias_maps', ourWord(view, 'postfix_vmap'))
  return `${key} takes every address of ${mailHost}: posthorn domain set ${mailHost} --alias-domain lists.${mailHost}\nthen in main.cf: ${withWord(view, 'virtual_alias_maps', ourWord(view, 'postfix_vmap'))}`
}

/** True when no smtpd rewrites: the mail of a filter may come back through one that does. */
export function mappingsAreOff({ configuration }: PostfixView): boolean {
  const all = listeners(configuration)
  const off = (service: Parameters<typeof configuration.valueFor>[0]): boolean =>
    partsOf(configuration.valueFor(service, 'receive_override_options')).includes('no_address_mappings')
  return all.length === 0 ? off(null) : all.every(({ service }) => off(service))
}

async function relocatedBy(view: PostfixView, address: string): Promise<Finding | null> {
  for (const table of tablesOf(view, 'relocated_maps', inside(view.configuration, 'rewrite'))) {
    const value = await view.ask.askOne(table, address)
    if (value !== null)
      return finding(kinds.relocated, {
        ...((await entryLine(view, table, address)) ?? placeOf(view, 'relocated_maps', table.shown)),
      })
  }
  return null
}

async function transportFaults(view: PostfixView, address: string): Promise<Faults> {
  const { configuration, facts } = view
  const transport = await transportOf(view, address)
  const judged = judgeRoute(configuration, facts, transport.channel, transport.nexthop)
  if (judged.verdict === 'ours') return null
  if (transport.parameter === 'virtual_alias_domains') return [deadEnd(view, address)]
  const { entry } = transport
  if (
    entry === null &&
    judged.verdict !== 'no-service' &&
    judged.verdict !== 'endpoint' &&
    judged.verdict !== 'syntax' &&
    judged.verdict !== 'protocol' &&
    judged.verdict !== 'socket'
  )
    return [
      finding(kinds.noTransport, {
        ...placeFor(view, inside(configuration, 'rewrite'), 'transport_maps'),
        why: `No table of transport_maps knows ${address}, so ${transport.parameter} counts: ${transport.channel}:${transport.nexthop}. ${kinds.noTransport.why}`,
        change: withWord(view, 'transport_maps', ourWord(view, 'postfix_lmtp')),
      }),
    ]
  return [await routeFault(view, address, transport, judged)]
}

/** The alias domain is meant to be routed, and a virtual alias domain never is. */
function deadEnd(view: PostfixView, address: string): Finding {
  const host = address.slice(address.lastIndexOf('@') + 1)
  const isNamed = partsOf(view.configuration.value('virtual_alias_domains')).includes(host)
  return finding(kinds.virtualAlias, {
    ...placeOf(view, 'virtual_alias_domains', host),
    why: `${address} is where the mail ends, and ${host} is a virtual alias domain: its addresses have no transport, and transport_maps are not asked. It bounces as "User unknown in virtual alias table".`,
    change: isNamed
      ? withoutWord(view, 'virtual_alias_domains', host)
      : `Take ${host} out of the tables of virtual_alias_domains.`,
  })
}

const routeKinds: Readonly<Record<Exclude<Judged['verdict'], 'ours'>, FindingKind>> = {
  syntax: kinds.nexthopSyntax,
  endpoint: kinds.wrongEndpoint,
  protocol: kinds.notLmtp,
  socket: kinds.socketPath,
  'no-service': kinds.serviceMissing,
  elsewhere: kinds.shadowed,
}

async function routeFault(
  view: PostfixView,
  address: string,
  { channel, nexthop, parameter, entry }: Transport,
  judged: Exclude<Judged, { verdict: 'ours' }>,
): Promise<Finding> {
  const kind = routeKinds[judged.verdict]
  const place =
    entry === null
      ? placeOf(view, parameter)
      : ((await entryLine(view, entry.table, entry.key)) ?? placeOf(view, parameter, entry.table.shown))
  const wanted = ourNexthop(view.facts)
  const table = entry === null ? null : ourTable(entry.table)
  if (entry !== null && (table === 'postfix_domains' || table === 'postfix_vmap'))
    return finding(kinds.noTransport, {
      ...placeOf(view, parameter, entry.table.shown),
      why: `${table} says which ${table === 'postfix_vmap' ? 'addresses are rewritten' : 'domains there are'}, and no transports. ${kinds.noTransport.why}`,
      change: `transport_maps = ${ourWord(view, 'postfix_lmtp')}`,
    })
  if (table !== null && judged.verdict !== 'no-service')
    return finding(kind, {
      ...place,
      why: `${judged.words}; the table was written under other settings, or edited. ${kind.why}`,
      change: 'posthorn aliases',
    })
  if (judged.verdict === 'no-service')
    return finding(kind, {
      seen: `${place.seen}; ${judged.words}`,
      file: channel === 'lmtp' ? view.configuration.master.path : place.file,
      line: channel === 'lmtp' ? null : place.line,
      change:
        channel === 'lmtp'
          ? 'lmtp      unix  -       -       y       -       -       lmtp'
          : `Write ${wanted} instead of ${channel}:${nexthop}`,
    })
  const source = entry === null ? parameter : `${entry.table.shown} (${entry.key})`
  return finding(kind, {
    ...place,
    why: `For ${address}, ${source} says ${channel}:${nexthop}: ${judged.words}. ${kind.why}`,
    change: judged.verdict === 'elsewhere' ? shadowChange(view, entry) : `Write ${wanted}`,
  })
}

function shadowChange(view: PostfixView, entry: Transport['entry']): string {
  const ours = tablesOf(view, 'transport_maps').find((table) => ourTable(table) === 'postfix_lmtp')
  if (ours === undefined)
    return `transport_maps = ${[ourWord(view, 'postfix_lmtp'), ...partsOf(view.configuration.value('transport_maps'))].join(', ')}`
  const rest = partsOf(view.configuration.value('transport_maps')).filter((word) => word !== ours.shown)
  return `transport_maps = ${[ours.shown, ...rest].join(', ')}\n(or take ${entry?.key} out of ${entry?.table.name})`
}

/** The line of a table's text that has the key. */
export async function entryLine(view: PostfixView, table: TableName, key: string): Promise<Place | null> {
  if (!table.name.startsWith('/')) return null
  const text = await view.host.readText(table.name)
  if (text === null) return null
  const isMatch = (pattern: string): boolean => {
    const found = /^\/(.*)\/\w*$/.exec(pattern)
    return found === null
      ? pattern.toLowerCase() === key.toLowerCase()
      : expression(found[1] ?? '')?.test(key) === true
  }
  const entry = tableLines(text).find((line) => isMatch(line.key))
  return entry === undefined
    ? null
    : { seen: `${entry.key} ${entry.value}`, file: table.name, line: entry.line }
}

function expression(source: string): RegExp | null {
  try {
    return new RegExp(source, 'i')
  } catch {
    return null
  }
}
