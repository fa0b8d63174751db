// Does mail for the lists come to Posthorn? Each domain's lists are followed through Postfix, from a client outside to the
// transport, and where they go wrong the cause is looked for; then an unknown list, which must be refused.
import type { Finding } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { finding } from '../finding.ts'
import { partsOf } from './postfix-configuration.ts'
import { acceptance, outsider, twoClasses } from './postfix-diagnose-acceptance.ts'
import { entryLine, mappingsAreOff, wayToUs } from './postfix-diagnose-way.ts'
import * as kinds from './postfix-kinds.ts'
import { isPattern, type TableName } from './postfix-look-ups.ts'
import { refusalOf } from './postfix-restrictions.ts'
import { addressKeys, type ClassFound, classesOf, isKnown, rewriting } from './postfix-routing.ts'
import { inside, publicSmtpd } from './postfix-services.ts'
import {
  ourTable,
  ourWord,
  type PostfixView,
  placeFor,
  placeOf,
  tablesOf,
  withoutWord,
} from './postfix-view.ts'

/** So many domains, and so many lists of each, stand for all. */
const most = { domains: 20, lists: 3 }

export async function* listFaults(view: PostfixView): AsyncGenerator<Finding> {
  await askAhead(view)
  yield* misplacedTables(view)
  for (const domain of view.facts.domains.slice(0, most.domains))
    if (domain.listNames.length > 0) yield* oneDomain(view, domain)
}

/** Every question at once for each table: a program is started for each that comes later. */
async function askAhead(view: PostfixView): Promise<void> {
  const keys = new Set<string>()
  for (const domain of view.facts.domains.slice(0, most.domains))
    for (const host of [domain.mailHost, ...(domain.aliasDomain === null ? [] : [domain.aliasDomain])])
      for (const local of localsOf(view, domain)
        .flatMap(({ locals }) => locals)
        .concat(unknownLocals(domain)))
        for (const key of [
          ...(await addressKeys(view, `${local}@${host}`)),
          ...host.split('.').flatMap((_, at, labels) => {
            const parent = labels.slice(at).join('.')
            return at === 0 ? [parent] : [parent, `.${parent}`]
          }),
          '*',
        ])
          keys.add(key)
  const words = ['transport_maps', 'virtual_alias_maps', 'relay_recipient_maps', 'relay_domains']
  const tables = words.flatMap((name) => tablesOf(view, name))
  for (const table of new Map(tables.map((each) => [each.shown, each])).values()) {
    const asked = isPattern(table) ? [...keys].filter((key) => /.@./.test(key)) : [...keys]
    await view.ask.ask(table, asked)
  }
}

/** The local parts of the lists that stand for all; the last is a bounce address that names a member. */
function localsOf(
  { facts: { delimiter } }: PostfixView,
  { listNames }: DirectoryDomain,
): readonly {
  readonly name: string
  readonly locals: readonly string[]
  readonly extended: string | null
}[] {
  return listNames.slice(0, most.lists).map((name) => {
    const locals = [name, `${name}-bounces`, `${name}-confirm`, `${name}-owner`, `${name}-request`]
    const extended = delimiter === '' ? null : `${name}-bounces${delimiter}user=example.com`
    return { name, locals: extended === null ? locals : [...locals, extended], extended }
  })
}

const unknownLocals = ({ listNames }: DirectoryDomain): readonly string[] => [
  'posthorn-doctor-no-such-list',
  `${listNames[0] ?? ''}-posthorn-doctor`,
]

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

// ---- all addresses of a list ----

async function* otherAddresses(
  view: PostfixView,
  domain: DirectoryDomain,
  classes: readonly ClassFound[],
): AsyncGenerator<Finding> {
  for (const { name, locals, extended } of localsOf(view, domain)) {
    const at = (local: string): string => `${local}@${domain.mailHost}`
    for (const local of locals) {
      const found =
        (await acceptance(view, domain, classes, at(local))) ?? (await wayToUs(view, domain, at(local)))
      if (found === null) continue
      if (local === name) yield* found
      else
        yield local === extended
          ? extensionFault(view, at(local), found)
          : lostAddress(at(name), at(local), found)
      return
    }
    const lost = extended === null ? null : await lostExtension(view, at(extended))
    if (lost !== null) {
      yield lost
      return
    }
  }
}

function lostAddress(list: string, address: string, [first]: readonly Finding[]): Finding {
  return finding(kinds.subAddressLost, {
    seen: first?.seen ?? address,
    file: first?.file ?? null,
    line: first?.line ?? null,
    why: `${list} comes to Posthorn, ${address} does not: ${first?.why ?? ''}`,
    change: first?.change ?? kinds.subAddressLost.change,
  })
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
  for (const local of unknownLocals(domain)) {
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
