// Why Sendmail does not find an address of a list: the map, its file, the folders above it, or the look-up service. Law:
// Sendmail's own answer comes first; a file is looked at only to say what to change.
import { join } from 'node:path'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import type { CfMap } from './sendmail-cf.ts'
import { compiledName, unsafeAt } from './sendmail-from-outside.ts'
import * as kinds from './sendmail-kinds.ts'
import { listsTable, socketPlace } from './sendmail-recipe.ts'
import { listMaps, type Situation } from './sendmail-situation.ts'
import { isTemporary } from './sendmail-test-mode.ts'

/** The maps that the rules for lists ask: those that are named in a rule, of the types that lists are kept in. */
export const mapsInUse = (situation: Situation): readonly CfMap[] =>
  listMaps(situation.cf).filter(({ name }) =>
    situation.cf.rules.some(({ text }) => new RegExp(`\\$\\(\\s*${name}\\s`, 'i').test(text)),
  )

/** Why a look-up of a known address gave no or a fault; nothing when the maps are not to blame. */
export async function* checkMapsFor(
  situation: Situation,
  address: string,
  lines: readonly string[],
): AsyncIterable<Finding> {
  const { cf } = situation
  const undefinedMap = lines
    .map((line) => /map (\S+) not found/.exec(line)?.[1])
    .find((name) => name !== undefined)
  if (undefinedMap !== undefined) {
    const rule = cf.rules.find(({ text }) => text.includes(`$(${undefinedMap}`))
    yield finding(kinds.mapNotDefined, {
      seen: rule?.text ?? undefinedMap,
      file: cf.path,
      line: rule?.line ?? null,
    })
    return
  }
  const [missing] = situation.missingMaps
  if (missing !== undefined && isTemporary(lines)) {
    yield finding(kinds.mapMissing, { seen: missing.words, file: missing.path })
    return
  }
  for (const map of mapsInUse(situation)) {
    const found =
      map.type === 'text' ? checkTable(situation, map, address) : checkSocket(situation, map, address)
    for await (const one of found) {
      yield one
      return
    }
  }
}

const code = (situation: Situation, map: CfMap, address: string): number | null => {
  const line =
    situation.answer(`map ${map.name} ${address}`).find((one) => one.startsWith('map_lookup:')) ?? ''
  const number = /\((\d+)\)$/.exec(line)?.[1]
  return number === undefined ? null : Number(number)
}

const temporary = 75

async function* checkTable(situation: Situation, map: CfMap, address: string): AsyncIterable<Finding> {
  const { host, facts, cf } = situation
  const at = { seen: map.text, file: cf.path, line: map.line }
  const place = await situation.seenAt(map.place)
  const there = await host.stat(place)
  if (there === null) {
    const change = facts.incoming.includes('sendmail')
      ? `the table is ${join(facts.dataDir, listsTable)}: name it in the K line, or have it written by 'posthorn aliases'`
      : "add sendmail to [mta] incoming, and run 'posthorn aliases'"
    yield finding(facts.incoming.includes('sendmail') ? kinds.mapMissing : kinds.tableNotWritten, {
      ...at,
      change,
    })
    return
  }
  if (code(situation, map, address) === temporary) {
    const unsafe = await unsafeAt(host, place)
    const seen = unsafe?.words ?? `${map.place} cannot be read`
    yield finding(kinds.mapUnsafe, { ...at, seen, ...(unsafe === null ? {} : { change: unsafe.change }) })
    return
  }
  if (code(situation, map, address) === 0) return
  const bare = address.replace(/\+[^@]*(?=@)/, '')
  const text = (await host.readText(place)) ?? ''
  const line = text
    .split('\n')
    .findIndex((one) => one.split(/[\s:]/)[0]?.toLowerCase() === bare.toLowerCase())
  if (line >= 0 && bare === address)
    yield finding(kinds.mapColumns, {
      ...at,
      seen: `${map.text} (the address is in line ${line + 1} of the file)`,
    })
  else if (line >= 0) yield finding(kinds.extensionLost, at)
  else if (!facts.incoming.includes('sendmail')) yield finding(kinds.tableNotWritten, at)
  else yield finding(kinds.mapEntryMissing, { seen: `${bare} is not in the table`, file: map.place })
}

async function* checkSocket(situation: Situation, map: CfMap, address: string): AsyncIterable<Finding> {
  const { facts, cf } = situation
  const at = { seen: map.text, file: cf.path, line: map.line }
  const place = facts.lookup.socketmap
  if (code(situation, map, address) === 0) return
  if (place === null) {
    yield finding(kinds.socketmapOff, at)
    return
  }
  if (map.name !== 'recipients') {
    yield finding(kinds.socketmapName, at)
    return
  }
  const wanted = socketPlace(place)
  if (samePlace(map.place, wanted)) yield finding(kinds.socketmapDown, at)
  else
    yield finding(kinds.socketmapAddress, {
      ...at,
      change: `write K${map.name} socket -T<TMPF> ${wanted}, make sendmail.cf anew, and restart Sendmail`,
    })
}

const samePlace = (a: string, b: string): boolean => {
  const plain = (place: string): string => place.toLowerCase().replace(/@localhost$/, '@127.0.0.1')
  return plain(a) === plain(b)
}

/** What is wrong with the maps whatever they answer today. */
export async function* checkMapLines(situation: Situation): AsyncIterable<Finding> {
  const { cf, facts, host } = situation
  for (const map of mapsInUse(situation)) {
    const at = { seen: map.text, file: cf.path, line: map.line }
    if (map.type === 'text' && map.flags.some((flag) => /^-o/.test(flag)))
      yield finding(kinds.mapOptional, at)
    if (!map.flags.some((flag) => /^-T/.test(flag))) yield finding(kinds.mapFailsSilently, at)
    const isOurs = map.type === 'text' && map.place.startsWith(`${facts.dataDir}/`)
    if (isOurs && !facts.incoming.includes('sendmail') && (await host.stat(map.place)) !== null)
      yield finding(kinds.tableNotWritten, at)
  }
  yield* checkCompiled(situation)
}

/** Maps that are compiled from a text beside them. */
async function* checkCompiled({ cf, host, seenAt }: Situation): AsyncIterable<Finding> {
  for (const { type, place, line, text } of cf.maps) {
    if (!['hash', 'btree', 'cdb', 'dbm'].includes(type) || !place.startsWith('/')) continue
    const source = await host.stat(await seenAt(place))
    const compiled = await host.stat(await seenAt(compiledName(type, place)))
    if (source !== null && compiled !== null && source.changed > compiled.changed)
      yield finding(kinds.mapStale, {
        seen: text,
        file: cf.path,
        line,
        change: `makemap ${type} ${place} < ${place}`,
      })
  }
}
