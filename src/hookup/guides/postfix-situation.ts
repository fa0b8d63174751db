// What Postfix does with our domains before we say anything: main.cf without our own block, and the address class of each
// domain (ADDRESS_CLASS_README), as trivial-rewrite(8) finds it. Law: all is read, nothing is decided here.
import { Unavailable } from '../../base/unavailable.ts'
import type { HostFacts, MailServerHost } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { unpairedMarker, withoutBlocks } from '../blocks.ts'
import { tableNames } from '../postfix-tables.ts'
import { configurationOf, type PostfixConfiguration, partsOf, readPostfix } from './postfix-configuration.ts'
import { parseMain } from './postfix-files.ts'
import { type LookUps, lookUps, type TableName, tableOf } from './postfix-look-ups.ts'

/** Where Postfix would bring mail of a domain; `none`: it is not a final destination, nor relayed for. */
export type DomainClass = 'local' | 'virtual-alias' | 'virtual-mailbox' | 'relay' | 'none'

export interface PostfixSituation {
  /** As if our block were not there, and the lines that it replaces were. */
  readonly configuration: PostfixConfiguration
  readonly domains: readonly SeenDomain[]
  /** Our tables that are not in the data directory, by name. */
  readonly missing: readonly string[]
}

export interface SeenDomain extends DirectoryDomain {
  readonly class: DomainClass
  /** Of the alias domain; `none` where there is no alias domain. */
  readonly aliasClass: DomainClass
  /** The table of virtual_alias_maps that rewrites every address of the domain, as main.cf names it. */
  readonly catchAll: string | null
}

/** True for a word of main.cf that names a table of ours, of whatever type. */
export function isOurTable(word: string, { dataDir }: Pick<HostFacts, 'dataDir'>): boolean {
  const name = tableOf(word)?.name
  return tableNames.some((table) => name === `${dataDir}/${table}`)
}

/** Throws Unavailable. */
export async function postfixSituation(facts: HostFacts, host: MailServerHost): Promise<PostfixSituation> {
  const configuration = await withoutOurs(host)
  const ask = lookUps(host, configuration.directory)
  const around: Around = { facts, host, ask, configuration }
  const domains: SeenDomain[] = []
  for (const domain of facts.domains) {
    const { mailHost, aliasDomain } = domain
    domains.push({
      ...domain,
      class: await classOf(mailHost, around),
      aliasClass: aliasDomain === null ? 'none' : await classOf(aliasDomain, around),
      catchAll: await catchAllOf(mailHost, around),
    })
  }
  const missing: string[] = []
  for (const name of tableNames) {
    if ((await host.stat(`${facts.dataDir}/${name}`)) === null) missing.push(name)
  }
  return { configuration, domains, missing }
}

interface Around {
  readonly facts: HostFacts
  readonly host: MailServerHost
  readonly ask: LookUps
  readonly configuration: PostfixConfiguration
}

async function withoutOurs(host: MailServerHost): Promise<PostfixConfiguration> {
  const seen = await readPostfix(host)
  const whole = (await host.readText(seen.main.path)) ?? ''
  const text = withoutBlocks(whole, '#')
  if (text === null) throw new Unavailable(`${seen.main.path}, ${unpairedMarker(whole, '#')}`)
  const main = parseMain(seen.main.path, text)
  const theirs = new Set(main.settings.map(({ name }) => name))
  const ours = new Set(seen.main.settings.flatMap(({ name }) => (theirs.has(name) ? [] : [name])))
  // What postconf says of these is what our block says: their defaults are asked for.
  const known = new Map([...seen.known].filter(([name]) => !ours.has(name)))
  for (const name of ours) {
    const said = await host.run(['postconf', '-d', name])
    const value = /^[^=]*=([\s\S]*)$/.exec(said?.out ?? '')?.[1]
    if (value !== undefined) known.set(name, value.trim())
  }
  return configurationOf({ ...seen, main, known })
}

const classLists: readonly (readonly [DomainClass, parameter: string])[] = [
  ['local', 'mydestination'],
  ['virtual-alias', 'virtual_alias_domains'],
  ['virtual-mailbox', 'virtual_mailbox_domains'],
  ['relay', 'relay_domains'],
]

async function classOf(domain: string, around: Around): Promise<DomainClass> {
  for (const [name, parameter] of classLists) if (await isListed(domain, parameter, around)) return name
  return 'none'
}

/** As match_list(3) reads it: names, `!name`, files and tables, the first that fits decides. */
async function isListed(domain: string, parameter: string, around: Around): Promise<boolean> {
  const { configuration } = around
  const withParents = partsOf(configuration.value('parent_domain_matches_subdomains')).includes(parameter)
  const keys = [domain, ...(withParents ? parentsOf(domain) : [])]
  for (const part of partsOf(configuration.value(parameter))) {
    const isNegated = part.startsWith('!')
    if (await fits(keys, isNegated ? part.slice(1) : part, around)) return !isNegated
  }
  return false
}

async function fits(keys: readonly string[], part: string, { facts, host, ask }: Around): Promise<boolean> {
  if (part.startsWith('/')) {
    const names = ((await host.readText(part)) ?? '').split(/[\s,]+/)
    return names.some((name) => keys.includes(name.toLowerCase()))
  }
  const table = tableOf(part)
  if (table === null) return keys.includes(part.toLowerCase())
  if (isOurTable(part, facts)) return false
  const looked = await ask.ask(table, keys)
  return 'answers' in looked && looked.answers.size > 0
}

const parentsOf = (domain: string): readonly string[] =>
  domain
    .split('.')
    .slice(1)
    .map((_, at, labels) => labels.slice(at).join('.'))

async function catchAllOf(domain: string, { facts, ask, configuration }: Around): Promise<string | null> {
  const tables = partsOf(configuration.value('virtual_alias_maps'))
    .filter((part) => !isOurTable(part, facts))
    .map(tableOf)
    .filter((table): table is TableName => table !== null)
  for (const table of tables) {
    const answer = await ask.askOne(table, `@${domain}`)
    if (answer !== null) return table.shown
  }
  return null
}
