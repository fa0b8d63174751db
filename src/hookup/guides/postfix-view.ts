// What the diagnosis of Postfix looks at: the configuration, its tables, and ourselves; with the words for where
// something stands. Law: a table that asks our own look-up service is answered from the facts, so that a Posthorn that
// does not run right now is no fault of main.cf.
import type { HostFacts, MailServerHost } from '../../model/hookup.ts'
import { subAddresses } from '../../model/list.ts'
import { type TableName as OurTable, tableNames } from '../postfix-tables.ts'
import { type PostfixConfiguration, partsOf } from './postfix-configuration.ts'
import type { MasterService } from './postfix-files.ts'
import { type Answers, type LookUps, lookUps, type TableName, tableOf } from './postfix-look-ups.ts'

export interface PostfixView {
  readonly facts: HostFacts
  readonly host: MailServerHost
  readonly configuration: PostfixConfiguration
  readonly ask: LookUps
}

export interface Place {
  readonly seen: string
  readonly file: string | null
  readonly line: number | null
}

/** `isFatal`: no program of Postfix runs with this configuration. */
export function postfixView(
  facts: HostFacts,
  host: MailServerHost,
  configuration: PostfixConfiguration,
  isFatal: boolean,
): PostfixView {
  const postmap = lookUps(host, isFatal ? null : configuration.directory)
  const ask: LookUps['ask'] = async (table, keys) => {
    const service = lookUpOf(facts, table)
    if (service === 'here') return { answers: ownAnswers(facts, table, keys) }
    return postmap.ask(table, keys)
  }
  return {
    facts,
    host,
    configuration,
    ask: {
      ask,
      askOne: async (table, key) => {
        const looked = await ask(table, [key])
        return 'broken' in looked ? null : (looked.answers.get(key) ?? null)
      },
    },
  }
}

/** Where a setting stands; with `word`, the line of it that has the word. */
export function placeOf(
  { configuration }: Pick<PostfixView, 'configuration'>,
  name: string,
  word = '',
): Place {
  const { main } = configuration
  const written = configuration.written(name)
  if (written === null) {
    const value = configuration.value(name)
    // `virtual_alias_domains` is `$virtual_alias_maps` unless it is written.
    const other = /^\$\{?(\w+)\}?$/.exec(configuration.known.get(name) ?? '')?.[1]
    if (other !== undefined && configuration.written(other) !== null)
      return placeOf({ configuration }, other, word)
    const off = main.comments.find(({ text }) => new RegExp(`^#+\\s*${name}\\s*=.*/postfix_`).test(text))
    if (off !== undefined) return { seen: off.text.trim(), file: main.path, line: off.line }
    return { seen: `${name} is not set${value === '' ? '' : `: ${value}`}`, file: main.path, line: null }
  }
  const line = written.lines.find(({ text }) => word !== '' && text.includes(word)) ?? written.lines[0]
  return { seen: (line?.text ?? '').trim(), file: main.path, line: line?.line ?? written.line }
}

/** Where a service gets a setting from: its own -o, or main.cf. */
export function placeFor(view: PostfixView, service: MasterService | null, name: string, word = ''): Place {
  const own = service?.overrides.get(name)
  if (own === undefined) return placeOf(view, name, word)
  return { seen: own.shown, file: view.configuration.master.path, line: own.line }
}

/** The name of our table, wherever it lies; null for any other table. */
export function ourTable({ name }: TableName): OurTable | null {
  const last = name.slice(name.lastIndexOf('/') + 1)
  return tableNames.find((one) => one === last) ?? null
}

/** `TYPE:DATA_DIR/postfix_lmtp`, as it should stand in main.cf. */
export function ourWord(view: Pick<PostfixView, 'facts' | 'configuration'>, name: OurTable): string {
  return `${ourType(view)}:${view.facts.dataDir}/${name}`
}

/** The type that our tables are written in. */
export function ourType({ facts, configuration }: Pick<PostfixView, 'facts' | 'configuration'>): string {
  const { tableType } = facts.postfix
  return tableType === 'default' ? configuration.value('default_database_type') || 'hash' : tableType
}

/** The line that adds a word to a list parameter; what is there stays. */
export function withWord(view: Pick<PostfixView, 'configuration'>, name: string, word: string): string {
  const written = view.configuration.written(name)
  const before = partsOf(written?.text ?? view.configuration.value(name))
  return `${name} = ${[...before, word].join(', ')}`
}

/** The line without a word. */
export function withoutWord(view: Pick<PostfixView, 'configuration'>, name: string, word: string): string {
  const left = partsOf(view.configuration.written(name)?.text ?? view.configuration.value(name))
  return `${name} = ${left.filter((part) => part !== word).join(', ')}`.trimEnd()
}

/** Is the table our look-up service; at the place that our configuration says? */
export function lookUpOf(facts: HostFacts, table: TableName): 'here' | 'elsewhere' | null {
  if (table.type !== 'socketmap' && table.type !== 'tcp') return null
  const offered = table.type === 'socketmap' ? facts.lookup.socketmap : facts.lookup.tcpTable
  const [place, map] = table.type === 'tcp' ? [table.name, 'recipients'] : splitSocketmap(table.name)
  if (map !== 'recipients' && map !== 'domains') return null
  if (offered === null) return null
  return samePlace(place, offered) ? 'here' : 'elsewhere'
}

function splitSocketmap(name: string): readonly [place: string, map: string] {
  const colon = name.lastIndexOf(':')
  return [name.slice(0, colon).replace(/^(?:inet|unix):/, ''), name.slice(colon + 1)]
}

function samePlace(a: string, b: string): boolean {
  if (a === b) return true
  const [portA, portB] = [a.slice(a.lastIndexOf(':') + 1), b.slice(b.lastIndexOf(':') + 1)]
  const hosts = [a, b].map((place) => place.slice(0, place.lastIndexOf(':')))
  const loopback = ['localhost', '127.0.0.1', '[::1]', '0.0.0.0', '[::]']
  return portA === portB && (hosts.some(isWildcard) || hosts.every((host) => loopback.includes(host)))
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '[::]'

function ownAnswers(facts: HostFacts, table: TableName, keys: readonly string[]): Answers {
  const domainsOnly = table.name.endsWith(':domains')
  const answers = new Map<string, string>()
  for (const key of keys)
    if (domainsOnly ? facts.domains.some(({ mailHost }) => mailHost === key) : isAddressOfList(facts, key))
      answers.set(key, 'OK')
  return answers
}

/** True for every address that a list of ours takes mail at, with any extension. */
export function isAddressOfList({ domains, delimiter }: HostFacts, address: string): boolean {
  const at = address.lastIndexOf('@')
  const host = address.slice(at + 1).toLowerCase()
  const local = address.slice(0, at).toLowerCase()
  const bare = delimiter === '' ? local : (local.split(delimiter)[0] ?? local)
  return domains.some(
    ({ mailHost, aliasDomain, listNames }) =>
      (mailHost === host || aliasDomain === host) &&
      listNames.some(
        (name) =>
          [local, bare].includes(name) ||
          subAddresses.some((tail) => [local, bare].includes(`${name}-${tail}`)),
      ),
  )
}

/** The tables of a list parameter, as a service sees it. */
export function tablesOf(
  view: PostfixView,
  name: string,
  service: MasterService | null = null,
): readonly TableName[] {
  return partsOf(view.configuration.valueFor(service, name)).flatMap((word) => tableOf(word) ?? [])
}
