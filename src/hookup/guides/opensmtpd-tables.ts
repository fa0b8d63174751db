// The tables of smtpd.conf (table(5)): lists written in the configuration, and files. Law: a file is read as it is now,
// which may be newer than what OpenSMTPD knows.
import type { FileFacts, MailServerHost } from '../../model/hookup.ts'
import type { SmtpdConfiguration, Statement } from './opensmtpd-configuration.ts'
import type { SeenAt } from './seen-at.ts'

export interface Table {
  readonly name: string
  readonly statement: Statement
  /** `static`, `file`, `db`, or the name of a backend, such as `sqlite`. */
  readonly kind: string
  /** Where it is seen from here; null for a static table. */
  readonly path: string | null
  /** Null when it cannot be known: a backend, or a file that is not there. */
  readonly entries: readonly string[] | null
  /** Null for a static table, and for a file that is not there. */
  readonly facts: FileFacts | null
}

/** Throws Unavailable when a table cannot be read. */
export async function readTables(
  host: MailServerHost,
  seenAt: SeenAt,
  { statements }: SmtpdConfiguration,
): Promise<ReadonlyMap<string, Table>> {
  const tables = new Map<string, Table>()
  for (const statement of statements) {
    const [word, name] = statement.words
    if (word === 'table' && name !== undefined)
      tables.set(name, await readTable(host, seenAt, statement, name))
  }
  return tables
}

async function readTable(
  host: MailServerHost,
  seenAt: SeenAt,
  statement: Statement,
  name: string,
): Promise<Table> {
  const rest = statement.words.slice(2)
  if (rest[0] === '{') {
    const entries = rest.filter((word) => !['{', '}', ','].includes(word))
    return { name, statement, kind: 'static', path: null, entries, facts: null }
  }
  const place = rest.join('')
  // Without a colon it is the name of a backend.
  const [, kind = place, written = ''] = /^(\w+):(.*)$/.exec(place) ?? []
  if (written === '') return { name, statement, kind, path: null, entries: null, facts: null }
  const path = await seenAt(written)
  const there = await host.stat(path)
  const facts = there?.kind === 'directory' ? null : there
  const text = kind === 'file' && facts !== null ? await host.readText(path) : null
  return { name, statement, kind, path, entries: text === null ? null : entriesOf(text), facts }
}

/** A line is an entry; what follows # at its start is a remark. */
const entriesOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
