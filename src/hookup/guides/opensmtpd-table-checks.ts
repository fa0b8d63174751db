// The table of list addresses: can OpenSMTPD read it, is it ours, and who tells OpenSMTPD when it changes.
import { dirname } from 'node:path'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import * as kinds from './opensmtpd-kinds.ts'
import { tableOf } from './opensmtpd-list-checks.ts'
import { reloadCommand, tableName } from './opensmtpd-recipe.ts'
import { isForLists, placeOf, type Situation } from './opensmtpd-situation.ts'
import type { Table } from './opensmtpd-tables.ts'

/** `started`: when smtpd did, in milliseconds since 1970; null when it does not run. */
export async function* checkTables(situation: Situation, started: number | null): AsyncIterable<Finding> {
  const { facts, rules, actions, tables } = situation
  const used = rules.flatMap((rule) => {
    const action = actions.get(rule.action ?? '')
    const table = action !== undefined && isForLists(action) ? tableOf(rule, tables, 'rcpt-to') : null
    return table === null ? [] : [table]
  })
  const files = [...new Set(used)].filter(({ path }) => path !== null)
  for (const table of files) yield* checkFile(situation, table, started)
  const [first] = files
  if (first === undefined) return
  const command = facts.opensmtpd.reloadCommand
  const told = command[command.indexOf('table') + 1]
  if (command.length === 0) {
    yield finding(kinds.reloadMissing, {
      seen: '[opensmtpd] reload_command is empty',
      file: facts.configFile,
      change: `set 'reload_command: ${reloadCommand.replace(tableName, first.name)}' in [opensmtpd] of the file that [mta] configuration names`,
    })
  } else if (command.includes('update') && told !== undefined && !files.some(({ name }) => name === told))
    yield finding(kinds.reloadWrong, {
      seen: command.join(' '),
      file: facts.configFile,
      change: `name table ${first.name} in [opensmtpd] reload_command`,
    })
  if (/(^|\/)smtpctl$/.test(command[0] ?? '') && facts.account.user !== 'root')
    yield finding(kinds.reloadPowerless, {
      seen: `${command.join(' ')}, run as ${facts.account.user}`,
      file: facts.configFile,
      change: `'${facts.account.user} ALL=(root) NOPASSWD: ${command.join(' ')}' in /etc/sudoers.d/posthorn, and 'reload_command: sudo -n ${command.join(' ')}'`,
    })
}

async function* checkFile(
  { facts, host }: Situation,
  table: Table,
  started: number | null,
): AsyncIterable<Finding> {
  const { path, facts: file } = table
  if (path === null) return
  if (file === null) {
    yield finding(kinds.tableMissing, placeOf(table.statement))
    return
  }
  if (!facts.incoming.includes('opensmtpd') && path.startsWith(facts.dataDir))
    yield finding(kinds.tableNotWritten, placeOf(table.statement))
  if ((file.mode & 0o004) === 0)
    yield finding(kinds.tableUnreadable, {
      seen: `${path} is of ${file.user}:${file.group}, mode ${file.mode.toString(8)}`,
      file: path,
      change: `chmod o+r ${path}`,
    })
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    const there = await host.stat(folder)
    if (there === null || (there.mode & 0o001) !== 0) continue
    yield finding(kinds.tableUnreadable, {
      seen: `${folder} is of ${there.user}:${there.group}, mode ${there.mode.toString(8)}`,
      file: path,
      change: `chmod o+x ${folder}`,
    })
  }
  if (started !== null && file.changed > started && facts.opensmtpd.reloadCommand.length === 0)
    yield finding(kinds.tableStale, {
      seen: `${path} is of ${new Date(file.changed).toISOString()}, smtpd runs since ${new Date(started).toISOString()}`,
      file: path,
      change: `smtpctl update table ${table.name}`,
    })
}
