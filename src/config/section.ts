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
  const take = (name: string, key: Key<unknown>, value: WrittenValue | undefined): unknown => {
    const standard = standards[name] ?? key.standard
    const fallback = key.type.parse(standard, shipped)
    if ('wrong' in fallback) throw new Error(`default of ${title}.${name}: ${fallback.wrong}`)
    if (value === undefined) return fallback.value
    const reason =
      typeof key.treatment === 'object' && 'ignored' in key.treatment ? key.treatment.ignored : null
    const parsed = key.type.parse(value.text, originOf(value.place))
    if (reason !== null && !sameText(value.text, standard)) {
      warnings.push(mistake(value.place, `${title}.${name}`, `has no effect here: ${reason}`))
    }
    if ('value' in parsed) return parsed.value
    const what = `${parsed.wrong}; accepted: ${key.type.accepted}`
    if (reason === null) mistakes.push(mistake(value.place, `${title}.${name}`, what))
    return fallback.value
  }
  for (const [name, key] of Object.entries(section.keys)) {
    const value = written?.values.get(name)
    texts[name] = value?.text ?? standards[name] ?? key.standard
    values[camel(name)] = take(name, key, value)
  }
  for (const [name, value] of written?.values ?? []) {
    if (Object.hasOwn(section.keys, name)) continue
    if (section.others === undefined) {
      const what = `unknown key, without effect${didYouMean(name, Object.keys(section.keys))}`
      warnings.push(mistake(value.place, `${title}.${name}`, what))
    } else {
      texts[name] = value.text
      named.set(name, take(name, section.others, value))
    }
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

/** Levenshtein's distance: insertions, deletions and replacements. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (letter === b[j] ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
