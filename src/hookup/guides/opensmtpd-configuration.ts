// Reads smtpd.conf as OpenSMTPD's own parser does (smtpd.conf(5)): words with quotes, braces, macros, includes, lines
// that go on behind a backslash. Law: a statement keeps the file and line where it stands; what is not understood stays
// words.
import { join } from 'node:path'
import type { MailServerHost } from '../../model/hookup.ts'
import type { SeenAt } from './seen-at.ts'

export interface Statement {
  readonly file: string
  /** From 1: where it begins. */
  readonly line: number
  /** On one line, blanks made single, macros as written. */
  readonly text: string
  /** Macros expanded, quotes taken off; `<`, `>`, `{`, `}`, `!`, `=` and `,` are words of their own. */
  readonly words: readonly string[]
}

export interface SmtpdConfiguration {
  readonly path: string
  /** When the latest of its files changed, in milliseconds since 1970. */
  readonly changed: number
  readonly statements: readonly Statement[]
  /** The `include` lines whose file is not there. */
  readonly missing: readonly Statement[]
}

/** Where a system keeps smtpd.conf: OpenBSD, Debian and Alpine, FreeBSD. */
const usualPlaces = [
  '/etc/smtpd.conf',
  '/etc/mail/smtpd.conf',
  '/etc/opensmtpd/smtpd.conf',
  '/usr/local/etc/mail/smtpd.conf',
]

/** The path that counts, whether it is there or not. */
export async function smtpdConfPath(host: MailServerHost): Promise<string> {
  if (host.configDir !== null) return join(host.configDir, 'smtpd.conf')
  for (const path of usualPlaces) if ((await host.stat(path)) !== null) return path
  return '/etc/smtpd.conf'
}

const deepestInclude = 8

/** Null when there is no such file; an included file that is missing is empty. Throws Unavailable. */
export async function readSmtpdConf(
  host: MailServerHost,
  path: string,
  seenAt: SeenAt = async (included) => included,
): Promise<SmtpdConfiguration | null> {
  const macros = new Map<string, string>()
  const statements: Statement[] = []
  const missing: Statement[] = []
  let changed = 0
  const readOne = async (file: string, depth: number): Promise<boolean> => {
    const text = await host.readText(file)
    if (text === null) return false
    changed = Math.max(changed, (await host.stat(file))?.changed ?? 0)
    for (const statement of parseSmtpdConf(text, file, macros)) {
      const [word, included] = statement.words
      if (word !== 'include' || included === undefined || depth >= deepestInclude) statements.push(statement)
      else if (!(await readOne(await seenAt(included), depth + 1))) missing.push(statement)
    }
    return true
  }
  return (await readOne(path, 0)) ? { path, changed, statements, missing } : null
}

/** Pure; macros that the text sets are added to `macros`. */
export function parseSmtpdConf(
  text: string,
  file: string,
  macros: Map<string, string>,
): readonly Statement[] {
  const statements: Statement[] = []
  let line = 1
  let begin = 1
  let depth = 0
  let raw = ''
  let words: string[] = []
  const end = (): void => {
    if (words.length > 0) {
      const [name = '', sign, ...value] = words
      if (sign === '=' && /^\w+$/.test(name) && depth === 0) macros.set(name, value.join(' '))
      else statements.push({ file, line: begin, text: raw.trim().replace(/\s+/g, ' '), words })
    }
    raw = ''
    words = []
  }
  const token =
    /\\\r?\n|\r?\n|#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[<>{}!=,]|\$\w+|[^\s<>{}!=,#"']+|[^\S\n]+/g
  for (const [piece] of text.matchAll(token)) {
    if (piece.startsWith('#')) continue
    if (/^\\\r?\n$/.test(piece)) {
      line += 1
      continue
    }
    if (/^\r?\n$/.test(piece)) {
      line += 1
      if (depth === 0) end()
      else raw += ' '
      continue
    }
    if (words.length === 0 && piece.trim() !== '') begin = line
    raw += piece
    if (piece.trim() === '') continue
    if (piece === '{') depth += 1
    if (piece === '}') depth = Math.max(0, depth - 1)
    words.push(...wordsOf(piece, macros))
  }
  depth = 0
  end()
  return statements
}

function wordsOf(piece: string, macros: ReadonlyMap<string, string>): readonly string[] {
  if (/^["']/.test(piece)) return [piece.slice(1, -1).replace(/\\(.)/g, '$1')]
  if (piece.startsWith('$')) {
    const value = macros.get(piece.slice(1))
    return value === undefined ? [piece] : [value]
  }
  return [piece]
}
