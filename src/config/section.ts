// From written sections to typed values, by the schema: each fault is a mistake, each key that nobody knows
// or that has no effect is a warning.

import { camel, type Key, type Keys, type Section, type ValuesOf } from './key.ts'
import type { WrittenSection, WrittenValue } from './lazr.ts'
import { type ConfigMistake, mistake, type Place, quote } from './mistake.ts'
import type { Origin } from './values.ts'

/** What the values of a place may do. */
export type OriginOf = (place: Place) => Origin

export interface SectionRead<K extends Keys> {
  readonly values: ValuesOf<K>
  /** The text that counts for each key, the default where nothing is written. */
  readonly texts: Readonly<Record<string, string>>
  /** The values of the keys that the operator named (`Section.others`). */
  readonly named: ReadonlyMap<string, unknown>
  readonly mistakes: readonly ConfigMistake[]
  readonly warnings: readonly ConfigMistake[]
}

const shipped: Origin = { directory: '/', distrust: null }

/** `standards` replaces defaults of the schema, for the members of a family. */
export function readSection<K extends Keys>(
  section: Section<K>,
  written: WrittenSection | undefined,
  originOf: OriginOf,
  {
    title = section.title,
    standards = {},
  }: { title?: string; standards?: Readonly<Record<string, string>> } = {},
): SectionRead<K> {
  const values: Record<string, unknown> = {}
  const texts: Record<string, string> = {}
  const named = new Map<string, unknown>()
  const mistakes: ConfigMistake[] = []
  const warnings: ConfigMistake[] = []
  /** The keys that wait for the same thing are told together, at the first of them. */
  const early = new Map<string, { readonly place: Place; readonly names: string[] }>()
  /** Undefined when the value is none of the key's, which has been told. */
  const take = (name: string, { type, treatment }: Key<unknown>, { text, place }: WrittenValue): unknown => {
    const reason = typeof treatment === 'object' && 'ignored' in treatment ? treatment.ignored : null
    const subject = `${title}.${name}`
    if (reason !== null && !sameText(text, standardOf(name))) {
      warnings.push(mistake(place, subject, `has no effect here: ${reason}`))
    }
    if (typeof treatment === 'object' && 'later' in treatment && !sameText(text, standardOf(name))) {
      const told = early.get(treatment.later)
      if (told === undefined) early.set(treatment.later, { place, names: [name] })
      else told.names.push(name)
    }
    const parsed = type.parse(text, originOf(place))
    if ('value' in parsed) return parsed.value
    if (reason === null) mistakes.push(mistake(place, subject, `${parsed.wrong}; accepted: ${type.accepted}`))
    return undefined
  }
  const standardOf = (name: string): string => standards[name] ?? section.keys[name]?.standard ?? ''
  for (const [name, key] of Object.entries(section.keys)) {
    const value = written?.values.get(name)
    const fallback = key.type.parse(standardOf(name), shipped)
    if ('wrong' in fallback) throw new Error(`default of ${title}.${name}: ${fallback.wrong}`)
    const taken = value === undefined ? undefined : take(name, key, value)
    texts[name] = value?.text ?? standardOf(name)
    values[camel(name)] = taken === undefined ? fallback.value : taken
  }
  for (const [name, value] of written?.values ?? []) {
    if (Object.hasOwn(section.keys, name)) continue
    if (section.others === undefined) {
      const what = `unknown key, without effect${didYouMean(name, Object.keys(section.keys))}`
      warnings.push(mistake(value.place, `${title}.${name}`, what))
    } else {
      texts[name] = value.text
      const taken = take(name, section.others, value)
      if (taken !== undefined) named.set(name, taken)
    }
  }
  for (const [what, { place, names }] of early) {
    const [first, ...more] = names
    const like = more.length === 0 ? '' : ` (nor have ${more.join(', ')})`
    warnings.push(
      mistake(place, `${title}.${first}`, `has no effect yet${like}: ${what} will come with a later release`),
    )
  }
  // Each value came out of the type that ValuesOf reads it from.
  return { values: values as ValuesOf<K>, texts, named, mistakes, warnings }
}

/** A warning for each section that nobody knows. */
export function unknownSections(
  written: ReadonlyMap<string, WrittenSection>,
  known: readonly string[],
): readonly ConfigMistake[] {
  return [...written]
    .filter(([name]) => !known.includes(name))
    .map(([name, { place }]) =>
      mistake(place, name, `unknown section, without effect${didYouMean(name, known)}`),
    )
}

function sameText(a: string, b: string): boolean {
  return a.replace(/\s+/g, ' ').trim() === b.replace(/\s+/g, ' ').trim()
}

/** `; did you mean 'x'?` for the nearest of the known words, or nothing when none is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const lower = word.toLowerCase()
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  if (nearest === undefined || nearest.distance > Math.max(1, Math.floor(word.length / 3))) return ''
  return `; did you mean ${quote(nearest.candidate)}?`
}

/** Insertions, deletions, replacements, and two neighbours that have changed places. */
export function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      const swapped =
        i > 0 && j > 0 && a[i] === b[j - 1] && a[i - 1] === b[j] ? (before[j - 1] ?? 0) + 1 : replaced
      next.push(Math.min(replaced, swapped, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
