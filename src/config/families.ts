// Families of sections, such as [runner.in] and [runner.out]: the shipped members, those that the operator adds,
// and the template [runner.master] or [runner.template], whose values hold where a member says nothing else.
import type { Family, Keys } from './key.ts'
import type { WrittenSection, WrittenValue } from './lazr.ts'
import type { ConfigMistake, Place } from './mistake.ts'
import { type OriginOf, readSection, type SectionRead } from './section.ts'

export interface FamilyRead<K extends Keys> {
  readonly members: ReadonlyMap<string, SectionRead<K>>
  /** The titles that sections of this family may have. */
  readonly known: readonly string[]
  /** Of the members and the template, each told once. */
  readonly mistakes: readonly ConfigMistake[]
  readonly warnings: readonly ConfigMistake[]
}

type Written = ReadonlyMap<string, WrittenSection>

const templateNames = ['master', 'template']

/** The members that are shipped, and where the operator may add some, those that are written. */
export function memberNames({ family, members, open }: Family<Keys>, written: Written): readonly string[] {
  const own = [...written.keys()]
    .filter((title) => title.startsWith(`${family}.`))
    .map((title) => title.slice(family.length + 1))
    .filter((name) => name !== '' && !templateNames.includes(name))
  return [...new Set([...Object.keys(members), ...(open ? own : [])])]
}

/** Reads these members, by default all. */
export function readFamily<K extends Keys>(
  family: Family<K>,
  written: Written,
  originOf: OriginOf,
  names: readonly string[] = memberNames(family, written),
): FamilyRead<K> {
  const titleOf = (name: string) => `${family.family}.${name}`
  const templates = templateNames.map((name) => {
    const read = readSection(family, written.get(titleOf(name)), originOf, { title: titleOf(name) })
    return { read, values: written.get(titleOf(name))?.values ?? new Map<string, WrittenValue>() }
  })
  const template = new Map(templates.flatMap(({ values }) => [...values]))
  const members = new Map<string, SectionRead<K>>()
  for (const name of names) {
    const standards = family.members[name] ?? {}
    const inherited = [...template].filter(([key]) => !Object.hasOwn(standards, key))
    const own = written.get(titleOf(name))
    const values = new Map([...inherited, ...(own?.values ?? [])])
    const place = own?.place ?? [...values.values()][0]?.place
    const section = place === undefined ? undefined : { place, values }
    members.set(name, readSection(family, section, originOf, { title: titleOf(name), standards }))
  }
  const places = [...template.values()].map(({ place }) => place)
  const once = (of: (read: SectionRead<K>) => readonly ConfigMistake[]) => [
    ...templates.flatMap(({ read }) => of(read)),
    ...[...members.values()].flatMap(of).filter((each) => !places.some((place) => isAt(each, place))),
  ]
  return {
    members,
    known: [...templateNames, ...memberNames(family, written)].map(titleOf),
    mistakes: once(({ mistakes }) => mistakes),
    warnings: once(({ warnings }) => warnings),
  }
}

function isAt({ file, line }: ConfigMistake, place: Place): boolean {
  return file === place.file && line === place.line
}
