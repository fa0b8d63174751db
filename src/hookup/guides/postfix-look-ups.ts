// Tables as Postfix asks them: `postmap -q` (postmap(1)) on the very words of main.cf, so that what is judged is the
// answer and not the text. Law: an answer is asked for once; where there is no postmap, tables of text are read here.
import type { MailServerHost } from '../../model/hookup.ts'
import { splitOutsideBraces } from './postfix-files.ts'

/** A table as main.cf names it: `proxy:hash:/etc/aliases` is { type: 'hash', name: '/etc/aliases', proxied: true }. */
export interface TableName {
  readonly type: string
  readonly name: string
  readonly proxied: boolean
  /** As written. */
  readonly shown: string
}

/** Null for a word that names no table: a domain, a file, a pattern. */
export function tableOf(word: string): TableName | null {
  const proxied = word.startsWith('proxy:')
  const bare = proxied ? word.slice('proxy:'.length) : word
  const found = /^([a-z][\w-]*):([\s\S]+)$/i.exec(bare)
  if (found === null) return null
  return { type: found[1] ?? '', name: found[2] ?? '', proxied, shown: word }
}

/** Tables whose text postmap compiles, with what it appends to the name. */
export const compiledTypes: Readonly<Record<string, readonly string[]>> = {
  hash: ['.db'],
  btree: ['.db'],
  lmdb: ['.lmdb'],
  cdb: ['.cdb'],
  dbm: ['.pag', '.dir'],
  sdbm: ['.pag', '.dir'],
}

/** Tables that are patterns: Postfix asks them for the whole address alone, never for parts (transport(5)). */
export const isPattern = ({ type }: TableName): boolean =>
  ['regexp', 'pcre', 'cidr', 'static', 'tcp', 'socketmap', 'fail', 'pipemap'].includes(type)

export type Answers = ReadonlyMap<string, string>
export type Looked = { readonly answers: Answers } | { readonly broken: string }

export interface LookUps {
  /** The answers to those keys that the table knows; `broken` with Postfix's words when it cannot be asked. */
  ask(table: TableName, keys: readonly string[]): Promise<Looked>
  /** What one key is answered; null for nothing, and for a table that cannot be asked. */
  askOne(table: TableName, key: string): Promise<string | null>
}

/** Asks with the configuration in `directory`; null: with the one of this host, when that one is fatal. */
export function lookUps(host: MailServerHost, directory: string | null): LookUps {
  const known = new Map<
    string,
    { readonly asked: Set<string>; readonly answers: Map<string, string>; broken: string | null }
  >()
  const ask = async (table: TableName, keys: readonly string[]): Promise<Looked> => {
    const name = `${table.type}:${table.name}`
    const memory = known.get(name) ?? {
      asked: new Set<string>(),
      answers: new Map<string, string>(),
      broken: null,
    }
    known.set(name, memory)
    const fresh = [...new Set(keys)].filter((key) => key !== '' && !memory.asked.has(key))
    if (fresh.length > 0 && memory.broken === null) {
      for (const key of fresh) memory.asked.add(key)
      const looked = await askPostmap(host, directory, name, fresh)
      const found = looked === null ? await askText(host, table, fresh) : looked
      if ('broken' in found) memory.broken = found.broken
      else for (const [key, value] of found.answers) memory.answers.set(key, value)
    }
    if (memory.broken !== null) return { broken: memory.broken }
    return { answers: new Map([...memory.answers].filter(([key]) => keys.includes(key))) }
  }
  return {
    ask,
    askOne: async (table, key) => {
      const looked = await ask(table, [key])
      return 'broken' in looked ? null : (looked.answers.get(key) ?? null)
    },
  }
}

/** Null: there is no postmap here, or it cannot read main.cf. */
async function askPostmap(
  host: MailServerHost,
  directory: string | null,
  name: string,
  keys: readonly string[],
): Promise<Looked | null> {
  const where = directory === null ? [] : ['-c', directory]
  const ended = await host.run(['postmap', ...where, '-q', '-', name], `${keys.join('\n')}\n`)
  if (ended === null) return null
  const fault = ended.err.split('\n').find((line) => /: (?:fatal|error): /.test(line))
  if (fault !== undefined) {
    const words = fault.replace(/^[\w./-]*postmap: /, '')
    return isOfConfiguration(words) ? null : { broken: words }
  }
  const answers = new Map<string, string>()
  for (const line of ended.out.split('\n')) {
    const tab = line.indexOf('\t')
    if (tab > 0) answers.set(line.slice(0, tab), line.slice(tab + 1))
  }
  return { answers }
}

/** What stops every program of Postfix, before it has looked at a table. */
const isOfConfiguration = (words: string): boolean =>
  /^fatal: (?:bad |parameter |config variable |unknown inet_protocols |.*main\.cf\b)/.test(words)

/** Why no program of Postfix runs with this configuration; null when they do, or there is none here. */
export async function fatalWords(host: MailServerHost, directory: string): Promise<string | null> {
  const ended = await host.run(['postmap', '-c', directory, '-q', 'x', 'static:x'])
  const fault = ended?.err.split('\n').find((line) => line.includes(': fatal: '))
  return fault === undefined ? null : fault.replace(/^[\w./-]*postmap: /, '')
}

// Without postmap: the text of a table, compiled or not, and patterns as far as JavaScript reads them alike.
async function askText(host: MailServerHost, table: TableName, keys: readonly string[]): Promise<Looked> {
  const patterns = table.type === 'regexp' || table.type === 'pcre'
  if (!patterns && table.type !== 'texthash' && !Object.hasOwn(compiledTypes, table.type))
    return {
      broken: `postmap is needed to ask ${table.shown}, and it is not to be found or cannot read main.cf`,
    }
  const text = await host.readText(table.name)
  if (text === null) return { broken: `fatal: open ${table.name}: No such file or directory` }
  const lines = tableLines(text)
  const answers = new Map<string, string>()
  for (const key of keys) {
    const value = patterns
      ? matched(lines, key)
      : lines.find((line) => line.key.toLowerCase() === key.toLowerCase())?.value
    if (value !== undefined) answers.set(key, value)
  }
  return { answers }
}

export interface TableLine {
  readonly key: string
  readonly value: string
  readonly line: number
}

/** The entries of a table's text (postmap(1)): `key value`, going on where a line begins with a blank. */
export function tableLines(text: string): readonly TableLine[] {
  const entries: { key: string; value: string; line: number }[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const trimmed = raw.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const last = entries.at(-1)
    if (/^\s/.test(raw)) {
      if (last !== undefined) last.value = `${last.value} ${trimmed}`.trim()
      continue
    }
    const blank = trimmed.search(/\s/)
    const key = blank < 0 ? trimmed : trimmed.slice(0, blank)
    entries.push({ key, value: blank < 0 ? '' : trimmed.slice(blank).trim(), line: index + 1 })
  }
  return entries
}

function matched(lines: readonly TableLine[], key: string): string | undefined {
  for (const line of lines) {
    const pattern = /^(!?)\/(.*)\/([a-z]*)$/i.exec(line.key)
    if (pattern === null) continue
    // regexp_table(5): letter case does not count, unless the flag i turns that off.
    const found =
      compiledPattern(pattern[2] ?? '', (pattern[3] ?? '').includes('i') ? '' : 'i')?.exec(key) ?? null
    if ((found === null) === (pattern[1] === '!'))
      return line.value.replace(/\$(?:(\$)|[({]?(\d+)[)}]?)/g, (_, dollar, number) =>
        dollar === '$' ? '$' : (found?.[Number(number)] ?? ''),
      )
  }
  return undefined
}

function compiledPattern(source: string, flags: string): RegExp | null {
  try {
    return new RegExp(source, flags)
  } catch {
    return null
  }
}

/**
 * What Postfix asks of a list of tables for an address (virtual(5), transport(5)), in order: the whole address,
 * without extension, and so on; patterns hear the whole address alone. Null: nothing, or all that could say it is broken.
 */
export async function firstAnswer(
  ask: LookUps,
  tables: readonly TableName[],
  keys: readonly [string, ...string[]],
): Promise<{ readonly table: TableName; readonly key: string; readonly value: string } | null> {
  const [whole, ...parts] = keys
  for (const key of [whole, ...parts])
    for (const table of tables) {
      if (key !== whole && isPattern(table)) continue
      const looked = await ask.ask(table, isPattern(table) ? [whole] : keys)
      const value = 'broken' in looked ? undefined : looked.answers.get(key)
      if (value !== undefined) return { table, key, value }
    }
  return null
}

/** The tables of a value that is a list; words that name none are left out. */
export const tablesIn = (value: string): readonly TableName[] =>
  splitOutsideBraces(value, /[\s,]/).flatMap((word) => tableOf(word) ?? [])
