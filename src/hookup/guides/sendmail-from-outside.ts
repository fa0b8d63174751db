// A Sendmail whose program cannot be started from here: its files are read, also those of a chroot from outside, and
// sendmail-interpreter.ts follows the rules. Law: a file that cannot be seen from here is no fault of the mail server.
import { dirname } from 'node:path'
import type { HostFacts, MailServerHost } from '../../model/hookup.ts'
import { type SeenAt, seenFromOutside } from './seen-at.ts'
import type { CfMap, SendmailCf } from './sendmail-cf.ts'
import type { FileThere } from './sendmail-files.ts'
import { type Interpreter, interpreter, type LookUp } from './sendmail-interpreter.ts'
import { socketPlace } from './sendmail-recipe.ts'

/** The file that makemap(8) makes of a text. */
export const compiledName = (type: string, place: string): string =>
  `${place}${type === 'cdb' ? '.cdb' : '.db'}`

const isCompiled = ({ type, place }: CfMap): boolean =>
  ['hash', 'btree', 'cdb', 'dbm'].includes(type) && place.startsWith('/')

export interface FromOutside extends Interpreter {
  /** Files of compiled maps that are not there, with words as Sendmail's. */
  readonly missingMaps: readonly { readonly path: string; readonly words: string }[]
  /** In the words of Sendmail. */
  readonly complaints: readonly string[]
}

const knownTypes = new Set(
  'text socket hash btree dbm cdb arith macro dequote host regex dns null sequence switch program user ldap implicit nis nisplus syslog stab bestmx aliases'.split(
    ' ',
  ),
)

/** Throws Unavailable when a file is there and cannot be read. */
export async function readFromOutside(
  facts: HostFacts,
  host: MailServerHost,
  cfFile: FileThere,
  cf: SendmailCf,
): Promise<FromOutside> {
  const seenAt = seenFromOutside(facts, host)
  const lookUps = new Map<string, (key: string) => ReturnType<LookUp>>()
  for (const map of cf.maps)
    if (knownTypes.has(map.type)) lookUps.set(map.name, await lookUpIn(facts, host, seenAt, map))
  const ownName = /^Dj([\w.-]+)$/m.exec(cfFile.text)?.[1] ?? facts.hostname
  const classes = await classesOf(host, seenAt, cf, ownName)
  const complaints = [
    ...cf.rules
      .filter(({ hasTab }) => !hasTab)
      .map(({ line, text }) => `${cf.path}: line ${line}: invalid rewrite line "${text}" (tab expected)`),
    ...cf.maps
      .filter(({ type }) => !knownTypes.has(type))
      .map(
        ({ line, name, type }) =>
          `${cf.path}: line ${line}: readcf: map ${name}: class ${type} not available`,
      ),
  ]
  const none: ReadonlySet<string> = new Set()
  const follow = interpreter(
    cfFile.text,
    (name) => classes.get(name) ?? none,
    (map, key) => {
      const found = lookUps.get(map)
      return found === undefined ? 'no map' : found(key)
    },
  )
  const missingMaps = cf.maps
    .filter((map) => isCompiled(map) && lookUps.get(map.name)?.('') === 'later')
    .map(({ name, type, place }) => {
      const path = compiledName(type, place)
      return { path, words: `${type} map "${name}": missing map file ${path}` }
    })
  return { ...follow, complaints, missingMaps }
}

async function classesOf(
  host: MailServerHost,
  seenAt: SeenAt,
  cf: SendmailCf,
  ownName: string,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const classes = new Map<string, Set<string>>([
    ['w', new Set(['localhost', '[127.0.0.1]', ownName.toLowerCase()])],
  ])
  for (const { name, words, path } of cf.classes) {
    const text = path === null ? null : await host.readText(await seenAt(path))
    const lines = (text ?? '').split('\n').map((line) => line.replace(/#.*/, '').trim())
    const all = classes.get(name) ?? new Set()
    for (const word of [...words, ...lines]) if (word !== '') all.add(word.toLowerCase())
    classes.set(name, all)
  }
  return classes
}

async function lookUpIn(
  facts: HostFacts,
  host: MailServerHost,
  seenAt: SeenAt,
  map: CfMap,
): Promise<(key: string) => ReturnType<LookUp>> {
  if (map.type === 'socket') return (key) => askedOf(facts, map, key)
  if (isCompiled(map)) {
    const isMissing =
      (await host.stat(await seenAt(map.place))) !== null &&
      (await host.stat(await seenAt(compiledName(map.type, map.place)))) === null
    return () => (isMissing && !map.flags.some((flag) => flag.startsWith('-o')) ? 'later' : null)
  }
  if (map.type !== 'text') return () => null
  const place = await seenAt(map.place)
  const text = await host.readText(place)
  if (text === null || (await unsafeAt(host, place)) !== null)
    return () => (map.flags.some((flag) => flag.startsWith('-o')) && text === null ? null : 'later')
  const flag = (letter: string): string | undefined =>
    map.flags.find((one) => one.startsWith(`-${letter}`))?.slice(2)
  const delimiter = flag('z')
  const parts = (line: string): readonly string[] =>
    delimiter === undefined || delimiter === '' ? line.trim().split(/\s+/) : line.split(delimiter)
  const [keyAt, valueAt] = [Number(flag('k') ?? 0), Number(flag('v') ?? 1)]
  const values = new Map(
    text.split('\n').map((line) => [parts(line)[keyAt]?.toLowerCase() ?? '', parts(line)[valueAt]]),
  )
  return (key) => {
    const value = values.get(key.toLowerCase())
    return value === undefined ? null : { value }
  }
}

/** What the look-up service would say, if it is asked where it listens. */
function askedOf({ lookup, domains, delimiter }: HostFacts, map: CfMap, key: string): ReturnType<LookUp> {
  const place = lookup.socketmap
  const plain = (text: string): string => text.replace(/@localhost$/, '@127.0.0.1')
  if (place === null || plain(map.place) !== plain(socketPlace(place))) return 'later'
  if (map.name !== 'recipients') return null
  const [local = '', domain = ''] = key.toLowerCase().split('@')
  const name = (delimiter === '' ? local : (local.split(delimiter)[0] ?? '')).replace(
    /-(bounces|confirm|join|leave|owner|request|subscribe|unsubscribe)$/,
    '',
  )
  const isKnown = domains.some(({ mailHost, listNames }) => mailHost === domain && listNames.includes(name))
  return isKnown ? { value: 'list' } : null
}

export interface Unsafe {
  readonly path: string
  readonly words: string
  readonly change: string
}

/** The first folder, from the root, or the file, that Sendmail does not trust (its safefile()); null when it trusts all. */
export async function unsafeAt(host: MailServerHost, path: string): Promise<Unsafe | null> {
  const folders: string[] = []
  for (let folder = dirname(path); folder !== '/' && folder !== '.'; folder = dirname(folder))
    folders.unshift(folder)
  for (const folder of folders) {
    const facts = await host.stat(folder)
    if (facts === null) continue
    const isOpen = (facts.mode & 0o022) !== 0 && (facts.mode & 0o1000) === 0
    const isClosed = facts.user !== 'root' && (facts.mode & 0o001) === 0
    if (isOpen || isClosed)
      return {
        path: folder,
        words: `${folder} is of ${facts.user}:${facts.group}, mode ${facts.mode.toString(8)}`,
        change: `chmod g-w,o-w,o+x ${folder}`,
      }
  }
  const facts = await host.stat(path)
  if (facts === null || facts.user === 'root' || (facts.mode & 0o004) !== 0) return null
  const words = `${path} is of ${facts.user}:${facts.group}, mode ${facts.mode.toString(8)}`
  return { path, words, change: `chmod 644 ${path}` }
}
