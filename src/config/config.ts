// The settings of a running Posthorn, parsed once and frozen. A file in Mailman's syntax is found, read and
// turned into typed values by the schema; every fault is collected, so that an operator mends all at once.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { checkConfig, type PlaceOf } from './checks.ts'
import { type DkimKey, dkimKeys } from './dkim-keys.ts'
import { type FamilyRead, memberNames, readFamily } from './families.ts'
import { camel, type Family, type Keys, type Section } from './key.ts'
import { type LazrFile, loadLazr, type WrittenSection } from './lazr.ts'
import { type MailServerSettings, needsFile, readMailServers } from './mail-server-sections.ts'
import { type ConfigMistake, mistake, type Place } from './mistake.ts'
import { expandPath, expandPaths, type PathFacts, type Paths, type PathText } from './paths.ts'
import { type FamilySections, families, type SingleSections, sections } from './schema.ts'
import { paths as layouts } from './schema-system.ts'
import { distrustOf, type FoundFile, isFile, placesFor, type Surroundings } from './search.ts'
import { didYouMean, readSection, unknownSections } from './section.ts'

export interface Config extends Omit<SingleSections, 'dkim'>, FamilySections, MailServerSettings {
  readonly paths: Paths
  readonly dkim: SingleSections['dkim'] & { readonly keys: readonly DkimKey[] }
  /** The file that was read, or null for defaults only. */
  readonly source: string | null
  /** Unknown keys, keys without effect, and what an operator should look at. */
  readonly warnings: readonly ConfigMistake[]
  /** The text of every key that counts, by section and key as in the file: for `conf` and the REST API. Holds secrets. */
  readonly texts: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export type Loaded = { readonly config: Config } | { readonly errors: readonly ConfigMistake[] }

/** Finds, reads and checks the configuration. Faults are values: nothing is thrown for what a file holds. */
export function loadConfig(around: Surroundings): Loaded {
  const places = placesFor(around)
  const found = 'named' in places ? places.named : (places.tried.find(({ path }) => isFile(path)) ?? null)
  const file = found === null ? null : loadLazr(found.path, (path) => readFileSync(path))
  return buildConfig(found, file, around)
}

/** What `defaultConfig` takes: values of any section, as `Config` has them. */
export type ConfigOverrides = {
  readonly [S in keyof Omit<Config, 'source' | 'warnings' | 'texts'>]?: Partial<Config[S]>
}

/** The defaults with some values replaced; other paths follow `paths.varDir`. For tests and the development server. */
export function defaultConfig(overrides: ConfigOverrides = {}): Config {
  const varDir = overrides.paths?.varDir ?? '/var/lib/posthorn'
  const around = {
    explicit: null,
    environment: { MAILMAN_VAR_DIR: varDir },
    cwd: varDir,
    home: null,
    effectiveUid: 1,
  }
  const built = buildConfig(null, null, around)
  if ('errors' in built) throw new Error(built.errors.map(({ what }) => what).join('; '))
  const sectionsOf: Readonly<Record<string, object | undefined>> = overrides
  const config = { ...built.config, texts: textsWith(built.config.texts, sectionsOf) }
  const merged = Object.entries<unknown>(config).map(([name, values]) => {
    const replaced = sectionsOf[name]
    return [name, replaced === undefined ? values : { ...Object(values), ...replaced }]
  })
  // The same names as in Config, each with values that ConfigOverrides checked.
  return deepFreeze(Object.fromEntries(merged) as Config)
}

/** The texts with those of replaced plain values, so that `conf` and the REST API show what counts. */
function textsWith(
  texts: Config['texts'],
  replaced: Readonly<Record<string, object | undefined>>,
): Config['texts'] {
  const changed = Object.entries<Section<Keys>>(sections).map(([name, { title, keys }]) => {
    const values = new Map<string, unknown>(Object.entries(replaced[name] ?? {}))
    const plain = Object.keys(keys).flatMap((key) => {
      const value = values.get(camel(key))
      if (typeof value === 'boolean') return [[key, value ? 'yes' : 'no']]
      return typeof value === 'string' || typeof value === 'number' ? [[key, String(value)]] : []
    })
    return [title, { ...texts[title], ...Object.fromEntries(plain) }]
  })
  return { ...texts, ...Object.fromEntries(changed) }
}

function buildConfig(found: FoundFile | null, file: LazrFile | null, around: Surroundings): Loaded {
  const written = file?.sections ?? new Map<string, WrittenSection>()
  const errors = [...(file?.mistakes ?? [])]
  const warnings = [...(file?.warnings ?? [])]
  const texts: Record<string, Readonly<Record<string, string>>> = {}
  const distrust = found === null ? null : distrustOf(found, file?.files ?? [], around.effectiveUid)
  const originOf = (place: Place) => ({ directory: dirname(place.file), distrust })
  const named = new Map<string, unknown>()
  const singles = mapValues(sections, (section: Section<Keys>) => {
    const read = readSection(section, written.get(section.title), originOf)
    texts[section.title] = read.texts
    errors.push(...read.mistakes)
    warnings.push(...read.warnings)
    for (const [name, value] of read.named) named.set(name, value)
    return read.values
  }) as SingleSections

  const known: string[] = ['meta', ...Object.values(sections).map(({ title }) => title)]
  const keepFamily = (family: Family<Keys>, read: FamilyRead<Keys>) => {
    known.push(...read.known)
    errors.push(...read.mistakes)
    warnings.push(...read.warnings)
    for (const [name, member] of read.members) texts[`${family.family}.${name}`] = member.texts
    return Object.fromEntries([...read.members].map(([name, { values }]) => [name, values]))
  }
  const many = mapValues(families, (family: Family<Keys>) =>
    keepFamily(family, readFamily(family, written, originOf)),
  ) as FamilySections
  const placeOf: PlaceOf = (title, key) => written.get(title)?.values.get(key)?.place ?? null
  const { layout } = singles.mailman
  const layoutNames = memberNames(layouts, written)
  const layoutExists = layoutNames.includes(layout)
  const layoutRead = readFamily(layouts, written, originOf, layoutExists ? [layout] : [])
  keepFamily(layouts, layoutRead)
  if (!layoutExists) {
    const guess = didYouMean(layout, layoutNames)
    const what = `there is no [paths.${layout}]${guess}; accepted: ${layoutNames.join(', ')}`
    errors.push(mistake(placeOf('mailman', 'layout'), 'mailman.layout', what))
  }
  warnings.push(...unknownSections(written, known))

  const facts: PathFacts = {
    layout,
    values: pathTexts(
      layoutRead.members.get(layout)?.texts ?? {},
      (key) => placeOf(`paths.${layout}`, key) ?? placeOf('paths.master', key),
    ),
    cwd: around.cwd,
    program: around.program ?? null,
    source: found?.path ?? null,
    varDirOverride: around.environment.MAILMAN_VAR_DIR || null,
  }
  const { paths, mistakes } = expandPaths(facts)
  if (layoutExists) errors.push(...mistakes)

  const { incoming, outgoing, configuration } = singles.mta
  const place = placeOf('mta', 'configuration')
  const mailServers = readMailServers(
    {
      name: needsFile(incoming, configuration) ? configuration : { kind: 'none' },
      namedBy: place === null ? null : { place, subject: 'mta.configuration' },
      code: [...incoming, outgoing],
    },
    (path) => readFileSync(path),
  )
  errors.push(...mailServers.mistakes)
  warnings.push(...mailServers.warnings)

  const badSocket = (what: string) => errors.push(mistake(placeOf('lmtp', 'socket'), 'lmtp.socket', what))
  const config: Config = {
    ...singles,
    ...many,
    mta: { ...singles.mta, smtpPort: smtpPortOf(singles.mta) },
    bulk: { ...singles.bulk, connections: connectionsOf(singles) },
    lmtp: { ...singles.lmtp, socket: socketOf(singles.lmtp.socket, paths, facts, badSocket) },
    dkim: { ...singles.dkim, keys: dkimKeys(named) },
    ...mailServers.settings,
    paths,
    source: found?.path ?? null,
    warnings: [],
    texts,
  }
  const checked = checkConfig(config, placeOf)
  errors.push(...checked.errors)
  warnings.push(...checked.warnings)
  if (errors.length > 0) return { errors: inOrder(errors) }
  return { config: deepFreeze({ ...config, warnings: inOrder(warnings) }) }
}

function pathTexts(
  texts: Readonly<Record<string, string>>,
  placeOf: (key: string) => Place | null,
): ReadonlyMap<string, PathText> {
  return new Map(Object.entries(texts).map(([key, text]) => [key, { text, place: placeOf(key) }]))
}

/** 0 is the usual port of the mode (RFC 5321 §4.5.4.2, RFC 8314 §7.3). */
function smtpPortOf({ smtpPort, smtpSecureMode }: SingleSections['mta']): number {
  return smtpPort === 0 ? (smtpSecureMode === 'smtps' ? 465 : 25) : smtpPort
}

/** `max_delivery_threads` above 0 bounds the connections. */
function connectionsOf({
  bulk: { connections },
  mta,
}: SingleSections): SingleSections['bulk']['connections'] {
  const most = mta.maxDeliveryThreads === 0 ? Number.POSITIVE_INFINITY : mta.maxDeliveryThreads
  return { bulk: Math.min(connections.bulk, most), individual: Math.min(connections.individual, most) }
}

/** The path of the LMTP socket, relative to var_dir; a fault is told as of the key. */
function socketOf(
  socket: string | null,
  paths: Paths,
  facts: PathFacts,
  wrong: (what: string) => void,
): string | null {
  if (socket === null) return null
  const expanded = expandPath(socket, facts)
  if ('value' in expanded) return resolve(paths.varDir, expanded.value)
  wrong(expanded.wrong)
  return null
}

/** By file and line, as an operator goes through them. */
function inOrder(found: readonly ConfigMistake[]): readonly ConfigMistake[] {
  const byFile = (a: ConfigMistake, b: ConfigMistake) => (a.file ?? '').localeCompare(b.file ?? '')
  return [...found].sort((a, b) => byFile(a, b) || (a.line ?? 0) - (b.line ?? 0))
}

function mapValues<K extends string, A, B>(
  from: Readonly<Record<K, A>>,
  change: (value: A) => B,
): Record<K, B> {
  const entries = Object.entries<A>(from).map(([name, value]) => [name, change(value)])
  return Object.fromEntries(entries) as Record<K, B>
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
