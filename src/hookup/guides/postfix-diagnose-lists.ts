// Does mail for the lists come to Posthorn? Each domain's lists are followed through Postfix, from a client outside to the
// transport, and where they go wrong the cause is looked for; then an unknown list, which must be refused.
import type { Finding, FindingKind } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { finding } from '../finding.ts'
import { partsOf } from './postfix-configuration.ts'
import * as kinds from './postfix-kinds.ts'
import { type TableName, tableLines, tableOf } from './postfix-look-ups.ts'
import { type Judged, judgeRoute, ourNexthop } from './postfix-nexthop.ts'
import { refusalOf } from './postfix-restrictions.ts'
import {
  type ClassFound,
  classesOf,
  isKnown,
  rewriting,
  type Transport,
  transportOf,
} from './postfix-routing.ts'
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

/** So many domains, and so many lists of each, stand for all. */
const most = { domains: 20, lists: 3 }
const outsider = { client: '203.0.113.77', sender: 'someone@example.com', login: null } as const

export async function* listFaults(view: PostfixView): AsyncGenerator<Finding> {
  yield* misplacedTables(view)
  for (const domain of view.facts.domains.slice(0, most.domains))
    if (domain.listNames.length > 0) yield* oneDomain(view, domain)
}

// ---- our tables where they do not belong ----

const aliasParameters: readonly string[] = [
  'alias_maps',
  'alias_database',
  'virtual_alias_maps',
  'virtual_alias_domains',
  'canonical_maps',
  'recipient_canonical_maps',
  'sender_canonical_maps',
  'relocated_maps',
]

async function* misplacedTables(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration } = view
  for (const name of aliasParameters) {
    if (configuration.written(name) === null) continue
    for (const table of tablesOf(view, name)) {
      const known = ourTable(table)
      if (known === 'postfix_lmtp' || known === 'postfix_routes')
        yield finding(kinds.tableAsAlias, {
          ...placeOf(view, name, table.shown),
          change: withoutWord(view, name, table.shown),
        })
    }
  }
  for (const [name, service] of [
    ['transport_maps', 'rewrite'],
    ['virtual_alias_maps', 'cleanup'],
    ['canonical_maps', 'cleanup'],
  ] as const)
    for (const table of tablesOf(view, name, inside(configuration, service)))
      if (isLookUp(view, table)) yield finding(kinds.lookUpRoutes, placeOf(view, name, table.shown))
}

const isLookUp = ({ facts }: PostfixView, table: TableName): boolean => {
  const place =
    table.type === 'socketmap' ? facts.lookup.socketmap : table.type === 'tcp' ? facts.lookup.tcpTable : null
  return place !== null && table.name.includes(place.slice(place.lastIndexOf(':') + 1))
}

// ---- one domain ----

async function* oneDomain(view: PostfixView, domain: DirectoryDomain): AsyncGenerator<Finding> {
  const classes = await classesOf(view, domain.mailHost)
  const [first = ''] = domain.listNames
  const list = `${first}@${domain.mailHost}`
  const found = (await acceptance(view, domain, classes, list)) ?? (await wayToUs(view, domain, list))
  if (found !== null) {
    yield* found
    return
  }
  yield* otherAddresses(view, domain, classes)
  yield* unknownNames(view, domain, classes)
  yield* harmlessClasses(view, domain, classes)
}

type Faults = readonly Finding[] | null

/** Would smtpd take the address from outside? Null: yes. */
async function acceptance(
  view: PostfixView,
  domain: DirectoryDomain,
  classes: readonly ClassFound[],
  address: string,
): Promise<Faults> {
  const { mailHost } = domain
  const smtpd = publicSmtpd(view.configuration)
  const [first, second] = classes
  if (first === undefined) return [noClass(view, domain)]
  const known = await isKnown(view, smtpd, address, first.class)
  if (!known.known) {
    if (second !== undefined) return [twoClasses(view, kinds.twoClasses, mailHost, first, second)]
    return [unknownIn(view, domain, first, known.parameter, address)]
  }
  const refusal = await refusalOf(view, { ...outsider, smtpd, recipient: address })
  if (refusal === null) return null
  const place = placeFor(view, smtpd, refusal.parameter, refusal.word.split(' ')[0] ?? '')
  const answer = refusal.answer === null ? '' : `; ${refusal.table?.name} says: ${refusal.answer}`
  return [
    finding(kinds.refusedByRule, {
      ...place,
      seen: `${place.seen}${answer}`,
      why: `${refusal.word} refuses mail from outside for ${address}. ${kinds.refusedByRule.why}`,
      change:
        refusal.table === null
          ? `Let ${mailHost} pass before ${refusal.word}: ${refusal.parameter} = permit_mynetworks, permit_auth_destination, reject`
          : `Take the entry out of ${refusal.table.name}, or let ${mailHost} pass before ${refusal.word}.`,
    }),
  ]
}

function noClass(view: PostfixView, { mailHost, aliasDomain }: DirectoryDomain): Finding {
  if (aliasDomain !== null)
    return finding(kinds.noClass, {
      ...placeOf(view, 'virtual_alias_domains'),
      why: `${mailHost} has the alias domain ${aliasDomain}, but is itself in no address class: senders hear "Relay access denied".`,
      change: withWord(view, 'virtual_alias_domains', mailHost),
    })
  return finding(kinds.noClass, {
    ...placeOf(view, 'relay_domains'),
    why: `${mailHost} is in none of mydestination, virtual_alias_domains, virtual_mailbox_domains, relay_domains: senders hear "Relay access denied".`,
    change: withWord(view, 'relay_domains', ourWord(view, 'postfix_domains')),
  })
}

function twoClasses(
  view: PostfixView,
  kind: FindingKind,
  mailHost: string,
  first: ClassFound,
  second: ClassFound,
): Finding {
  const place = placeOf(view, first.parameter, first.word)
  const other = placeOf(view, second.parameter, second.word)
  const at = other.line === null ? second.parameter : `${second.parameter} in line ${other.line}`
  const elsewhere = first.class === 'local' && view.configuration.written('mydestination') === null
  return finding(kind, {
    ...place,
    why: `${mailHost} is in ${first.parameter} (${first.word}) and in ${at} (${second.word}). ${kind.why}`,
    change: elsewhere
      ? `mydestination = ${partsOf(view.configuration.value('mydestination'))
          .filter((word) => word !== mailHost)
          .join(', ')}`
      : tableOf(first.word) === null
        ? withoutWord(view, first.parameter, first.word)
        : `Take ${mailHost} out of ${first.word}, or ${first.word} out of ${first.parameter}.`,
  })
}

/** Why the class's maps do not know a list. */
function unknownIn(
  view: PostfixView,
  { mailHost, aliasDomain }: DirectoryDomain,
  found: ClassFound,
  parameter: string,
  address: string,
): Finding {
  const isVirtual = found.class === 'virtual-alias' || found.class === 'virtual-mailbox'
  if (isVirtual && aliasDomain !== null)
    return finding(kinds.vmapUnused, {
      ...placeOf(view, 'virtual_alias_maps'),
      why: `${address} should become an address in ${aliasDomain}. ${kinds.vmapUnused.why}`,
      change: withWord(view, 'virtual_alias_maps', ourWord(view, 'postfix_vmap')),
    })
  if (found.class === 'virtual-alias')
    return finding(kinds.virtualAlias, {
      ...placeOf(view, found.parameter, found.word),
      change: `posthorn domain set ${mailHost} --alias-domain lists.${mailHost}\nthen in main.cf: ${withWord(view, 'virtual_alias_maps', ourWord(view, 'postfix_vmap'))}\n(or, when no aliases live in ${mailHost}: ${withoutWord(view, found.parameter, found.word)})`,
    })
  if (found.class === 'virtual-mailbox')
    return finding(kinds.virtualMailbox, {
      ...placeOf(view, found.parameter, found.word),
      change: `${withWord(view, 'virtual_mailbox_maps', ourWord(view, 'postfix_lmtp'))}\n(or, when no mailboxes live in ${mailHost}: ${withoutWord(view, found.parameter, found.word)})`,
    })
  return finding(kinds.unknownRecipients, {
    ...placeFor(view, publicSmtpd(view.configuration), parameter),
    why: `${mailHost} is in ${found.parameter}, so ${parameter} says which names exist there, and it does not know ${address}: senders hear "User unknown".`,
    change: withWord(view, parameter, ourWord(view, 'postfix_lmtp')),
  })
}

// ---- the way to our door ----

/** Where an accepted address is brought: null when that is our door, with all that belongs to the address. */
async function wayToUs(view: PostfixView, domain: DirectoryDomain, address: string): Promise<Faults> {
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
      ...placeOf(view, 'virtual_alias_maps'),
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
function mappingsAreOff({ configuration }: PostfixView): boolean {
  const all = listeners(configuration)
  const off = (service: Parameters<typeof configuration.valueFor>[0]): boolean =>
    partsOf(configuration.valueFor(service, 'receive_override_options')).includes('no_address_mappings')
  return off(null) && (all.length === 0 || all.every(({ service }) => off(service)))
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
  if (entry !== null && ourTable(entry.table) !== null && judged.verdict !== 'no-service')
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
async function entryLine(view: PostfixView, table: TableName, key: string): Promise<Place | null> {
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

// ---- all addresses of a list ----

async function* otherAddresses(
  view: PostfixView,
  domain: DirectoryDomain,
  classes: readonly ClassFound[],
): AsyncGenerator<Finding> {
  const { delimiter } = view.facts
  for (const name of domain.listNames.slice(0, most.lists)) {
    const at = (local: string): string => `${local}@${domain.mailHost}`
    for (const local of [name, `${name}-bounces`, `${name}-confirm`, `${name}-owner`, `${name}-request`]) {
      const found =
        (await acceptance(view, domain, classes, at(local))) ?? (await wayToUs(view, domain, at(local)))
      if (found === null) continue
      const [first] = found
      if (local === name) yield* found
      else
        yield finding(kinds.subAddressLost, {
          seen: first?.seen ?? at(local),
          file: first?.file ?? null,
          line: first?.line ?? null,
          why: `${at(name)} comes to Posthorn, ${at(local)} does not: ${first?.why ?? ''}`,
          change: first?.change ?? kinds.subAddressLost.change,
        })
      return
    }
    if (delimiter === '') continue
    const extended = at(`${name}-bounces${delimiter}user=example.com`)
    const found =
      (await acceptance(view, domain, classes, extended)) ?? (await wayToUs(view, domain, extended))
    if (found !== null) {
      yield extensionFault(view, extended, found)
      return
    }
    const lost = await lostExtension(view, extended)
    if (lost !== null) {
      yield lost
      return
    }
  }
}

function extensionFault(view: PostfixView, address: string, [first]: readonly Finding[]): Finding {
  const { delimiter } = view.facts
  if (!view.configuration.value('recipient_delimiter').includes(delimiter))
    return finding(kinds.delimiter, {
      ...placeOf(view, 'recipient_delimiter'),
      change: `recipient_delimiter = ${delimiter}`,
    })
  return finding(kinds.subAddressLost, {
    seen: first?.seen ?? address,
    file: first?.file ?? null,
    line: first?.line ?? null,
    why: `${address} does not come to Posthorn, so bounces are lost: ${first?.why ?? ''}`,
    change: first?.change ?? kinds.subAddressLost.change,
  })
}

async function lostExtension(view: PostfixView, address: string): Promise<Finding | null> {
  const rewritten = mappingsAreOff(view) ? null : await rewriting(view, address)
  const extension = address.slice(address.indexOf(view.facts.delimiter), address.lastIndexOf('@'))
  if (rewritten === null || rewritten.to.some((to) => to.includes(extension))) return null
  const { configuration } = view
  const propagates = partsOf(configuration.value('propagate_unmatched_extensions')).includes('virtual')
  const isPatterned = ['regexp', 'pcre'].includes(rewritten.table.type)
  const place = propagates || isPatterned ? await entryLine(view, rewritten.table, address) : null
  return finding(kinds.extensionLost, {
    ...(place ??
      placeOf(
        view,
        propagates || isPatterned ? rewritten.parameter : 'propagate_unmatched_extensions',
        rewritten.table.shown,
      )),
    why: `${rewritten.parameter} makes ${rewritten.to.join(', ')} of ${address}. ${kinds.extensionLost.why}`,
    change: isPatterned
      ? 'compatible: no   ([postfix] in the file of [mta] configuration), then: posthorn aliases'
      : 'propagate_unmatched_extensions = canonical, virtual',
  })
}

// ---- what must be refused ----

async function* unknownNames(
  view: PostfixView,
  domain: DirectoryDomain,
  classes: readonly ClassFound[],
): AsyncGenerator<Finding> {
  const { mailHost } = domain
  const smtpd = publicSmtpd(view.configuration)
  const [first] = classes
  const [list = ''] = domain.listNames
  if (first === undefined) return
  for (const local of ['posthorn-doctor-no-such-list', `${list}-posthorn-doctor`]) {
    const address = `${local}@${mailHost}`
    const known = await isKnown(view, smtpd, address, first.class)
    const isChecked =
      view.configuration.valueFor(smtpd, 'smtpd_reject_unlisted_recipient') !== 'no' &&
      !partsOf(view.configuration.valueFor(smtpd, 'receive_override_options')).includes(
        'no_unknown_recipient_checks',
      )
    if (isChecked && !known.known) continue
    if ((await refusalOf(view, { ...outsider, smtpd, recipient: address })) !== null) continue
    const isHyphen =
      local.startsWith(`${list}-`) && view.configuration.value('recipient_delimiter').includes('-')
    if (isHyphen) {
      yield finding(kinds.hyphenDelimiter, {
        ...placeOf(view, 'recipient_delimiter'),
        change: `recipient_delimiter = ${view.facts.delimiter}`,
      })
      return
    }
    yield openFault(view, domain, first, known.parameter, isChecked, address)
    return
  }
}

function openFault(
  view: PostfixView,
  { mailHost, aliasDomain }: DirectoryDomain,
  found: ClassFound,
  parameter: string,
  isChecked: boolean,
  address: string,
): Finding {
  const smtpd = publicSmtpd(view.configuration)
  const why = `Postfix takes mail for ${address} from outside. ${kinds.openRecipients.why}`
  if (!isChecked) {
    const off = view.configuration.valueFor(smtpd, 'smtpd_reject_unlisted_recipient') === 'no'
    const name = off ? 'smtpd_reject_unlisted_recipient' : 'receive_override_options'
    const change = off ? `${name} = yes` : withoutWord(view, name, 'no_unknown_recipient_checks')
    return finding(kinds.openRecipients, { ...placeFor(view, smtpd, name), why, change })
  }
  const words = aliasDomain === null ? ourWord(view, 'postfix_lmtp') : `the names that exist in ${mailHost}`
  const change =
    view.configuration.valueFor(smtpd, parameter) !== ''
      ? `Take the entry that knows every name of ${mailHost} out of ${parameter}.`
      : found.class === 'local'
        ? `local_recipient_maps = proxy:unix:passwd.byname $alias_maps ${words}`
        : `${parameter} = ${words}`
  return finding(kinds.openRecipients, { ...placeFor(view, smtpd, parameter), why, change })
}

// ---- classes that work for now ----

async function* harmlessClasses(
  view: PostfixView,
  { mailHost, listOnly }: DirectoryDomain,
  [first, second]: readonly ClassFound[],
): AsyncGenerator<Finding> {
  if (first === undefined || second === undefined) return
  // The founding document adds postfix_domains to relay_domains on every host, and says that this is harmless where people
  // live in the domain too.
  const isShared = first.class === 'local' && second.class === 'relay' && !listOnly && (await hasPeople(view))
  if (!isShared) yield twoClasses(view, kinds.twoClassesHarmless, mailHost, first, second)
}

/** local_recipient_maps knows more than lists. */
async function hasPeople(view: PostfixView): Promise<boolean> {
  const value = view.configuration.valueFor(publicSmtpd(view.configuration), 'local_recipient_maps')
  return value === '' || tablesOf(view, 'local_recipient_maps').some((table) => ourTable(table) === null)
}
