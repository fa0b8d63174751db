// What smtpd -n would say of smtpd.conf, as far as it can be said without it: words that there are not, names that are not
// defined before they are used, tables without a file or without a line. Pure.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import type { Statement } from './opensmtpd-configuration.ts'
import * as kinds from './opensmtpd-kinds.ts'
import { placeOf, type Situation } from './opensmtpd-situation.ts'

const statements = new Set(
  'action admd bounce ca filter include limit listen match mda mta pki proc queue smtp srs table'.split(' '),
)
const methods = new Set('expand-only forward-only lmtp maildir mbox mda relay'.split(' '))
const backends = new Set(
  'static file db getpwnam proc ldap mysql passwd postgres redis socketmap sqlite'.split(' '),
)

/** A macro that there is not, a quote that goes on in the next line, or what excludes each other. */
const isBroken = ({ words }: Statement): boolean =>
  words.some((word) => /^\$\w+$/.test(word) || word.includes('\n')) ||
  (words[0] === 'action' && words.includes('backup') && words.includes('host'))

function* checkFilterNames(ordered: readonly Statement[]): Iterable<Finding> {
  const known = new Set(ordered.flatMap(({ words }) => (words[0] === 'filter' ? [words[1]] : [])))
  for (const statement of ordered) {
    const { words } = statement
    const named = words[words.indexOf('filter') + 1]
    if (words[0] === 'listen' && words.includes('filter') && named !== '{' && !known.has(named))
      yield finding(kinds.configurationError, placeOf(statement))
  }
}

const conditions = new Set([
  ...['any', 'auth', 'local', 'mail-from', 'rdns', 'socket', 'src'].map((word) => `from ${word}`),
  ...['any', 'local', 'domain', 'rcpt-to'].map((word) => `for ${word}`),
  ...['auth', 'helo', 'mail-from', 'rcpt-to', 'tag', 'tls'],
])

export function* checkByReading({ configuration, rules, tables, actions }: Situation): Iterable<Finding> {
  const ordered = configuration.statements
  const before = (a: (typeof ordered)[number], b: (typeof ordered)[number]): boolean =>
    ordered.indexOf(a) < ordered.indexOf(b)
  for (const statement of ordered)
    if (!statements.has(statement.words[0] ?? '') || isBroken(statement))
      yield finding(kinds.configurationError, placeOf(statement))
  for (const statement of configuration.missing) yield finding(kinds.configurationError, placeOf(statement))
  yield* checkFilterNames(ordered)
  const names = new Set<string>()
  for (const { words } of ordered)
    if (words[0] === 'action' && names.size === names.add(words[1] ?? '').size) {
      const again = ordered.findLast((one) => one.words[0] === 'action' && one.words[1] === words[1])
      if (again !== undefined) yield finding(kinds.configurationError, placeOf(again))
    }
  for (const { kind, statement } of tables.values())
    if (!backends.has(kind)) yield finding(kinds.configurationError, placeOf(statement))
  for (const { statement, method } of actions.values())
    if (!methods.has(method)) yield finding(kinds.configurationError, placeOf(statement))
  for (const { statement, action, conditions: all } of rules) {
    if (all.some(({ about }) => !conditions.has(about)))
      yield finding(kinds.configurationError, placeOf(statement))
    const named = action === null ? undefined : actions.get(action)
    if (action !== null && (named === undefined || !before(named.statement, statement)))
      yield finding(kinds.undefinedName, placeOf(statement))
    for (const { value } of all) {
      if (value === null || !('table' in value)) continue
      const table = tables.get(value.table)
      if (table === undefined || !before(table.statement, statement))
        yield finding(kinds.undefinedName, placeOf(statement))
      else if (table.entries?.length === 0) yield finding(kinds.tableEmpty, placeOf(table.statement))
      else if (table.kind === 'file' && table.facts === null)
        yield finding(kinds.tableMissing, placeOf(table.statement))
    }
  }
}
