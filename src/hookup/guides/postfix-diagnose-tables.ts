// Faults of the tables that mail for lists hangs on: types, files, what was compiled when, and what they know.
import { basename, dirname, join } from 'node:path'
import { Unavailable } from '../../base/unavailable.ts'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { tableNames } from '../postfix-tables.ts'
import { partsOf } from './postfix-configuration.ts'
import * as kinds from './postfix-kinds.ts'
import { compiledTypes, isPattern, type Looked, type TableName, tableOf } from './postfix-look-ups.ts'
import { nearest } from './postfix-names.ts'
import { classesOf, type DomainClass } from './postfix-routing.ts'
import { inside, publicSmtpd } from './postfix-services.ts'
import {
  lookUpOf,
  ourTable,
  ourType,
  ourWord,
  type Place,
  type PostfixView,
  placeFor,
  placeOf,
  withoutWord,
  withWord,
} from './postfix-view.ts'

/** Parameters that are asked for every address; a word without a type stops the program that reads it. */
const maps: readonly string[] = [
  'transport_maps',
  'virtual_alias_maps',
  'canonical_maps',
  'recipient_canonical_maps',
  'sender_canonical_maps',
  'relocated_maps',
  'header_checks',
  'body_checks',
  'mime_header_checks',
  'nested_header_checks',
  'sender_bcc_maps',
  'recipient_bcc_maps',
  'sender_dependent_relayhost_maps',
  'sender_dependent_default_transport_maps',
  'smtp_generic_maps',
  'smtp_header_checks',
]
/** Tables in these are asked at every visit. */
const restrictions: readonly string[] = [
  'smtpd_client_restrictions',
  'smtpd_helo_restrictions',
  'smtpd_sender_restrictions',
  'smtpd_relay_restrictions',
  'smtpd_recipient_restrictions',
  'smtpd_data_restrictions',
  'smtpd_end_of_data_restrictions',
]
/** Those that are asked for names in domains of one class. */
const mapsOfClass: Readonly<Record<DomainClass, readonly string[]>> = {
  local: ['local_recipient_maps'],
  relay: ['relay_recipient_maps'],
  'virtual-mailbox': ['virtual_mailbox_maps'],
  'virtual-alias': [],
}
/** Parameters that take names and tables. */
const domainLists: readonly string[] = [
  'mydestination',
  'virtual_alias_domains',
  'virtual_mailbox_domains',
  'relay_domains',
]

/** Of the tables that mail for lists is looked up in; what is wrong with others is no affair of ours. */
export async function* tableFaults(view: PostfixView): AsyncGenerator<Finding> {
  const found = await Promise.all(view.facts.domains.map(({ mailHost }) => classesOf(view, mailHost)))
  const classes = new Set(found.flatMap(([first]) => (first === undefined ? [] : [first.class])))
  const asked = [...maps, ...[...classes].flatMap((name) => mapsOfClass[name])]
  const seen = new Set<string>()
  for (const name of [...asked, ...domainLists, ...restrictions])
    for (const word of tableWords(view, name)) {
      const table = tableOf(word.replace(/^!/, ''))
      const place = placeFor(view, publicSmtpd(view.configuration), name, word)
      if (table === null) {
        const isMeant = asked.includes(name) ? word !== '#' : /^["'(]|^[a-z]+:$/.test(word)
        if (isMeant) yield noTable(view, name, word, place)
      } else if (!seen.has(word)) {
        seen.add(word)
        yield* oneTable(view, table, place)
      }
    }
}

/** The words of a parameter that may name tables: of restrictions, those behind `check_…_access`. */
function tableWords({ configuration }: PostfixView, name: string): readonly string[] {
  const words = partsOf(configuration.valueFor(publicSmtpd(configuration), name))
  if (!restrictions.includes(name)) return words
  return words.filter((_, at) => /^check_\w+_access$/.test(words[at - 1] ?? ''))
}

function noTable(view: PostfixView, name: string, word: string, place: Place): Finding {
  const last = word.slice(word.lastIndexOf('/') + 1).replace(/["';]+$/, '')
  const known = ourTable({ type: '', name: last, proxied: false, shown: word })
  const change =
    known === null
      ? `${withoutWord(view, name, word)}\n(or write ${word} as TYPE:/path)`
      : `${name} = ${ourType(view)}:${view.facts.dataDir}/${known}`
  return finding(kinds.notATable, {
    ...place,
    why: `${name} takes tables, and '${word}' names none. ${kinds.notATable.why}`,
    change,
  })
}

async function* oneTable(view: PostfixView, table: TableName, place: Place): AsyncGenerator<Finding> {
  const { configuration, ask, facts } = view
  const { tableTypes } = configuration
  const isOurs = ourTable(table) !== null && !isOfAnother(view, table)
  if (tableTypes !== null && !tableTypes.includes(table.type)) {
    const instead = isOurs
      ? `${place.seen.replace(table.shown, `${ourType(view)}:${table.name}`)}`
      : `${table.shown.replace(`${table.type}:`, `${configuration.value('default_database_type') || 'hash'}:`)}`
    yield finding(kinds.unsupportedType, {
      ...place,
      why: `'postconf -m' lists no ${table.type}: ${tableTypes.join(' ')}. ${kinds.unsupportedType.why}`,
      change:
        tableTypes.includes(ourType(view)) || !isOurs
          ? instead
          : `Install Postfix's package for ${table.type} (Debian: postfix-${table.type}), or set transport_file_type to one of these types and run: posthorn aliases`,
    })
    return
  }
  if (lookUpOf(facts, table) === 'elsewhere') {
    const offered = table.type === 'socketmap' ? facts.lookup.socketmap : facts.lookup.tcpTable
    yield finding(kinds.lookUpElsewhere, {
      ...place,
      change: `Write ${offered} in place of the address in ${table.shown}`,
    })
    return
  }
  if (table.proxied) {
    const refusal = proxyRefusal(view, table, place)
    if (refusal !== null) {
      yield refusal
      return
    }
  }
  const files = await filesOf(view, table)
  if (files === null) return yield* unlessAnswering(view, table, await ask.ask(table, probes(view)), place)
  const { text, compiled, otherCompiled } = files
  const isCompiledType = Object.hasOwn(compiledTypes, table.type)
  if (text === null && compiled === null) {
    yield finding(kinds.tableMissing, { ...place, ...missingWords(view, table, otherCompiled) })
    return
  }
  if (isCompiledType && compiled === null) {
    const other = otherCompiled === null ? '' : ` (${otherCompiled} is there, of another type)`
    yield finding(kinds.notCompiled, {
      ...place,
      seen: `${place.seen}; ${table.name}${compiledTypes[table.type]?.[0] ?? ''} is not there${other}`,
      change:
        isOurs && table.name.startsWith(`${facts.dataDir}/`)
          ? compileOurs(view, table)
          : `postmap ${table.type}:${table.name}`,
    })
    return
  }
  if (isOurs && (await hasOtherLines(view, table))) {
    yield finding(kinds.wrongFormat, {
      ...place,
      seen: `${place.seen}; the lines of ${table.name} are ${isPattern(table) ? 'plain keys' : 'patterns'}`,
      change: `${place.seen.replace(table.shown, `${ourType(view)}:${table.name}`)}\n(or transport_file_type: ${isPattern(table) ? 'regex' : table.type} in the file of [mta] configuration, then: posthorn aliases)`,
    })
    return
  }
  if (!(await isReadable(view, table))) {
    yield finding(kinds.unreadableTable, {
      ...place,
      why: `proxymap runs as the account ${account(view)}, which may not read ${table.name}. ${kinds.unreadableTable.why}`,
      change: `${place.seen.replace('proxy:', '')}\n(without proxy: the tables are opened by root)`,
    })
    return
  }
  const looked = await ask.ask(table, probes(view))
  if ('broken' in looked) return yield* unlessAnswering(view, table, looked, place)
  if (text !== null && compiled !== null && text > compiled) yield* stale(view, table, place, looked.answers)
  if (isOurs) yield* unknownLists(view, table, place)
}

/** A table of our name in another folder belongs to another list manager where our own is in main.cf too. */
function isOfAnother({ configuration, facts }: PostfixView, table: TableName): boolean {
  const known = ourTable(table)
  const here = known === null ? '' : join(facts.dataDir, known)
  return (
    table.name !== here &&
    maps
      .concat(domainLists)
      .some((name) => partsOf(configuration.value(name)).some((word) => tableOf(word)?.name === here))
  )
}

async function* unlessAnswering(
  view: PostfixView,
  table: TableName,
  looked: Looked,
  place: Place,
): AsyncGenerator<Finding> {
  if (!('broken' in looked)) return
  if (/permission denied/i.test(looked.broken))
    throw new Unavailable(`${table.shown} may not be read (${looked.broken}); run this as root`)
  const isNetwork = ['ldap', 'mysql', 'pgsql', 'memcache', 'socketmap', 'tcp', 'nis', 'proxy'].includes(
    table.type,
  )
  if (isNetwork && view.host.configDir !== null) return // another machine's folder: its servers are not reached from here
  yield finding(kinds.brokenTable, { ...place, seen: `${place.seen}; postmap: ${looked.broken}` })
}

/** proxymap(8) opens the tables that proxy_read_maps names, and only while it is there itself. */
function proxyRefusal(view: PostfixView, table: TableName, place: Place): Finding | null {
  const { configuration } = view
  const name = configuration.value('proxymap_service_name') || 'proxymap'
  if (configuration.master.services.length > 0 && inside(configuration, name) === null)
    return finding(kinds.serviceMissing, {
      seen: `${place.seen}; master.cf has no service '${name}'`,
      file: place.file,
      line: place.line,
      why: `Tables with proxy: are read by it. ${kinds.unreadableTable.why}`,
      change: `${place.seen.replace('proxy:', '')}\n(or in master.cf: proxymap  unix  -       -       n       -       -       proxymap)`,
    })
  if (configuration.written('proxy_read_maps') === null) return null
  if (partsOf(configuration.value('proxy_read_maps')).includes(table.shown)) return null
  return finding(kinds.unreadableTable, {
    ...placeOf(view, 'proxy_read_maps'),
    why: `proxy_read_maps does not name ${table.shown}, so proxymap refuses to open it. ${kinds.unreadableTable.why}`,
    change: `${withWord(view, 'proxy_read_maps', table.shown)}\n(or take proxy: away from ${table.shown})`,
  })
}

function missingWords(
  view: PostfixView,
  table: TableName,
  other: string | null,
): { readonly seen?: string; readonly change: string } {
  const { facts } = view
  const known = ourTable(table)
  if (other !== null) return { change: `postmap ${table.type}:${table.name}` }
  // A name of its own beside our tables is a typing mistake: nobody else writes there.
  const near = nearest(basename(table.name), new Set(tableNames))
  const meant = tableNames.find((name) => name === near)
  if (known === null && dirname(table.name) === facts.dataDir && meant !== undefined)
    return { change: `Posthorn's table is called ${meant}: name it as ${ourWord(view, meant)}` }
  if (known === null)
    return {
      change: Object.hasOwn(compiledTypes, table.type)
        ? `touch ${table.name} && postmap ${table.type}:${table.name}   (an empty table)`
        : `touch ${table.name}   (an empty table)`,
    }
  const here = join(facts.dataDir, known)
  if (table.name === here) return { change: 'posthorn aliases' }
  return { change: `Posthorn writes this table to ${here}: name it there, as ${ourType(view)}:${here}` }
}

function compileOurs(view: PostfixView, table: TableName): string {
  if (table.type === ourType(view)) return 'posthorn aliases'
  return `Posthorn writes its tables as ${ourType(view)}: write ${ourType(view)}:${table.name} in main.cf, or transport_file_type: ${table.type} in the file of [mta] configuration, then: posthorn aliases`
}

const account = ({ configuration }: PostfixView): string => configuration.value('mail_owner') || 'postfix'

/** Addresses that the table may be asked for; look-ups of them are what the rest of the diagnosis needs too. */
function probes({ facts }: PostfixView): readonly string[] {
  const addresses = facts.domains.flatMap(({ mailHost, aliasDomain, listNames }) =>
    listNames.slice(0, 1).map((name) => `${name}@${aliasDomain ?? mailHost}`),
  )
  return addresses.length === 0 ? ['posthorn-doctor@invalid'] : addresses
}

interface TableFiles {
  /** When the text was changed; null: it is not there. */
  readonly text: number | null
  readonly compiled: number | null
  /** The file of another compiled type that lies beside it. */
  readonly otherCompiled: string | null
}

/** Null for a table that is no file. */
async function filesOf({ host }: PostfixView, { type, name }: TableName): Promise<TableFiles | null> {
  const suffixes = compiledTypes[type]
  if (suffixes === undefined && !['texthash', 'regexp', 'pcre', 'cidr'].includes(type)) return null
  if (!name.startsWith('/')) return null
  const changed = async (path: string) => (await host.stat(path))?.changed ?? null
  const compiled = suffixes === undefined ? null : await changed(name + (suffixes[0] ?? ''))
  const others = ['.db', '.lmdb', '.cdb'].filter((suffix) => !(suffixes ?? []).includes(suffix))
  let otherCompiled: string | null = null
  for (const suffix of others) if ((await changed(name + suffix)) !== null) otherCompiled ??= name + suffix
  return { text: await changed(name), compiled, otherCompiled }
}

async function hasOtherLines({ host }: PostfixView, table: TableName): Promise<boolean> {
  const lines = ((await host.readText(table.name)) ?? '').split('\n').filter((line) => /^[^#\s]/.test(line))
  const patterns = lines.filter((line) => /^!?\/.*\//.test(line)).length
  if (lines.length === 0) return false
  return isPattern(table) ? patterns === 0 : patterns === lines.length
}

/** As far as the permission bits tell: only proxymap reads as an account of its own, all others open tables as root. */
async function isReadable(view: PostfixView, table: TableName): Promise<boolean> {
  if (!table.proxied) return true
  const path = table.name + (compiledTypes[table.type]?.[0] ?? '')
  if (!(await mayUse(view, path, 4))) return false
  for (let folder = dirname(path); folder !== '/' && folder !== '.'; folder = dirname(folder))
    if (!(await mayUse(view, folder, 1))) return false
  return true
}

/** Whether Postfix's own account has this permission: 4 to read, 1 to pass a folder. */
async function mayUse(view: PostfixView, path: string, bit: number): Promise<boolean> {
  const facts = await view.host.stat(path)
  if (facts === null) return true
  const shift = facts.user === account(view) ? 6 : facts.group === account(view) ? 3 : 0
  return ((facts.mode >> shift) & bit) !== 0
}

async function* stale(
  view: PostfixView,
  table: TableName,
  place: Place,
  answers: ReadonlyMap<string, string>,
): AsyncGenerator<Finding> {
  const asText = tableOf(`texthash:${table.name}`)
  if (asText === null) return
  const isOurs = ourTable(table) !== null && !isOfAnother(view, table)
  const keys = isOurs ? allKeys(view, table) : probes(view)
  const now = isOurs ? await view.ask.ask(table, keys) : { answers }
  const then = await view.ask.ask(asText, keys)
  const same =
    !('broken' in then) &&
    !('broken' in now) &&
    JSON.stringify(sorted(then.answers)) === JSON.stringify(sorted(now.answers))
  const suffix = compiledTypes[table.type]?.[0] ?? ''
  const change =
    isOurs && table.name.startsWith(view.facts.dataDir)
      ? 'posthorn aliases'
      : `postmap ${table.type}:${table.name}`
  const seen = `${place.seen}; ${table.name}${suffix} is older than ${table.name}`
  if (!same) yield finding(kinds.staleTable, { ...place, seen, change })
  else if (isOurs) yield finding(kinds.olderTable, { ...place, seen, change })
}

const sorted = (answers: ReadonlyMap<string, string>): readonly (readonly [string, string])[] =>
  [...answers].sort(([a], [b]) => (a < b ? -1 : 1))

function allKeys({ facts }: PostfixView, table: TableName): readonly string[] {
  const name = ourTable(table)
  if (name === 'postfix_domains')
    return facts.domains
      .filter(({ listNames }) => listNames.length > 0)
      .map(({ mailHost, aliasDomain }) => aliasDomain ?? mailHost)
  if (name === 'postfix_routes')
    return facts.domains
      .filter(({ listOnly }) => listOnly)
      .map(({ mailHost }) => (isPattern(table) ? `x@${mailHost}` : mailHost))
  return facts.domains
    .filter(({ aliasDomain }) => name === 'postfix_lmtp' || aliasDomain !== null)
    .flatMap(({ mailHost, aliasDomain, listNames }) => {
      const domain = name === 'postfix_lmtp' ? (aliasDomain ?? mailHost) : mailHost
      return listNames.map((list) => `${list}@${domain}`)
    })
}

async function* unknownLists(view: PostfixView, table: TableName, place: Place): AsyncGenerator<Finding> {
  const keys = allKeys(view, table)
  const looked = await view.ask.ask(table, keys)
  if ('broken' in looked) return
  const missing = keys.filter((key) => !looked.answers.has(key))
  if (missing.length === 0) return
  const known = ourTable(table)
  const here = known === null ? table.name : join(view.facts.dataDir, known)
  const shown = missing.slice(0, 3).join(', ') + (missing.length > 3 ? ` and ${missing.length - 3} more` : '')
  yield finding(kinds.outdated, {
    ...place,
    seen: `${place.seen}; ${table.name} does not know ${shown}`,
    change:
      table.name === here
        ? 'posthorn aliases'
        : `Posthorn writes this table to ${here}: name it there, as ${ourType(view)}:${here}`,
  })
}
