// The mail server Postfix: its tables are written after a list change has committed (database(5), postmap(1)).
//
// Law: Postfix sees the old tables or the new ones. All new tables are written and compiled under names of their own
// first, so a failing postmap changes nothing. Then they are renamed into place, in the order of `tableNames`, each
// compiled file before its text: Postfix reads the compiled file alone and notices that it was replaced; the text is
// our record of what is in force. Stopped between the two, the text still differs from what is wanted, and the next
// publication does that table again, all of it.
//
// A compiled table that this process made itself, and nobody touched since, is not compiled again when little of it
// changes: a copy of it is amended, and takes its place like any other. Its text and it are known to be of one piece then.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SECOND } from '../base/clock.ts'
import type { MailServer, PublishedFile } from '../model/mail-server.ts'
import { emptyVmap, type TableName, tableNames, tableWriter } from './postfix-tables.ts'
import {
  amendTable,
  type CompiledSuffix,
  compiledBeside,
  compiledSuffixes,
  isCompiled,
  type PostmapCommand,
  postmap,
  type TableType,
} from './postmap.ts'
import { about, changeTime, removeFile, renameOver, syncPath, writeUnsynced } from './replace-files.ts'
import { publishAlone, type Reread } from './rereading.ts'
import { changeBetween } from './table-change.ts'
import type { Parts } from './table-parts.ts'
import { copyTable, type Table, TablesInForce } from './tables-in-force.ts'

export interface PostfixSettings {
  /** Where the tables are: it must exist, and Postfix must be able to read it. */
  readonly directory: string
  readonly lmtpHost: string
  readonly lmtpPort: number
  readonly postmapCommand: string
  readonly tableType: TableType
  /** Exactly the lines of Mailman 3.3.8. */
  readonly compatible: boolean
  /** Between a local part and its extension, in tables of regular expressions; `+` unless said. */
  readonly delimiter?: string
  /** Milliseconds until a postmap that hangs is killed; 30 s unless said. */
  readonly postmapTimeLimit?: number
  /** Run after tables have changed; nothing unless said. */
  readonly reloadCommand?: readonly string[]
  /** Milliseconds until that is killed; 30 s unless said. */
  readonly reloadTimeLimit?: number
}

/** `publish` throws Unavailable with words for the operator; when postmap failed the tables in force are the old ones. */
export function postfix(settings: PostfixSettings): MailServer {
  const { directory, tableType: type, reloadCommand: command = [], reloadTimeLimit: timeLimit } = settings
  const write = tableWriter({ ...settings, type: type === 'regexp' || type === 'pcre' ? 'regex' : 'hash' })
  const inForce = new TablesInForce()
  const compiled: CompiledInForce = new Map()
  const reread: Reread = {
    command,
    byHand: isCompiled(type)
      ? null
      : `Postfix does not reread ${type} tables by itself: run 'postfix reload'`,
    ...(timeLimit === undefined ? {} : { timeLimit }),
  }
  return {
    name: 'postfix',
    publish: (lists) =>
      publishAlone({ name: 'postfix', directory, reread }, async (changing) => {
        const tables = await wanted(directory, write(lists))
        if (!isCompiled(type)) return inForce.replace(tables, changing)
        const files: (Table & PublishedFile)[] = []
        for (const table of tables)
          files.push({ ...table, changed: !(await isUpToDate(table, type, inForce)) })
        const changed = files.filter((file) => file.changed)
        if (changed.length > 0) await replace(changed, settings, inForce, compiled, changing)
        await inForce.keep(tables)
        return files.map(({ path, changed }): PublishedFile => ({ path, changed }))
      }),
  }
}

// A `postfix_vmap` that is needed no more becomes an empty table rather than none: main.cf may still name it, and
// Postfix answers 451 to all mail when a table that it was told of is missing.
async function wanted(directory: string, tables: ReadonlyMap<TableName, Parts>): Promise<readonly Table[]> {
  const list: Table[] = []
  for (const name of tableNames) {
    const path = join(directory, name)
    const parts = tables.get(name) ?? ((await changeTime(path)) === null ? null : emptyVmap())
    if (parts !== null) list.push({ path, parts })
  }
  return list
}

/** The text is as wanted, and what Postfix reads is there and not older than it. */
async function isUpToDate(table: Table, type: TableType, inForce: TablesInForce): Promise<boolean> {
  if (!(await inForce.says(table))) return false
  const { path } = table
  const [compiled, at] = await Promise.all([compiledBeside(path, type), changeTime(path)])
  return compiled !== null && at !== null && compiled.at >= at
}

/** The compiled files that this process put in place, by the path of their text: which file, and as of when. */
type CompiledInForce = Map<string, { readonly suffix: CompiledSuffix; readonly identity: string }>

async function replace(
  tables: readonly Table[],
  settings: PostfixSettings,
  inForce: TablesInForce,
  compiled: CompiledInForce,
  changing: () => Promise<void>,
): Promise<void> {
  const ready: { path: string; suffix: CompiledSuffix }[] = []
  try {
    for (const table of tables) {
      const suffix = await prepare(table, settings, inForce, compiled)
      ready.push({ path: table.path, suffix })
    }
    await changing()
  } catch (fault) {
    await Promise.allSettled(tables.map(({ path }) => removeNew(path)))
    throw fault
  }
  for (const { path, suffix } of ready) {
    compiled.delete(path)
    await renameOver(`${path}.new${suffix}`, path + suffix)
    await renameOver(`${path}.new`, path)
  }
  await syncPath(settings.directory)
  for (const { path, suffix } of ready)
    compiled.set(path, { suffix, identity: await identityOf(path + suffix) })
}

async function prepare(
  { path, parts }: Table,
  { postmapCommand: command, tableType: type, postmapTimeLimit: timeLimit }: PostfixSettings,
  inForce: TablesInForce,
  compiled: CompiledInForce,
): Promise<CompiledSuffix> {
  const program: PostmapCommand = { command, type, ...(timeLimit === undefined ? {} : { timeLimit }) }
  await removeNew(path) // what a stop in the middle left: postmap would add to it
  await writeUnsynced(`${path}.new`, parts)
  const compile = async (): Promise<CompiledSuffix> =>
    (await amended({ path, parts }, program, inForce, compiled)) ?? postmap(program, `${path}.new`)
  const [suffix] = await Promise.all([compile(), syncPath(`${path}.new`)])
  await syncPath(`${path}.new${suffix}`)
  return suffix
}

/** Below this many characters a table is compiled as quickly as it is amended. */
const worthAmending = 200_000
/** Beyond this many entries it is compiled as quickly. */
const mostAmended = 5_000

/** A postmap that hangs is found out, and told of, by the long way. */
const amendingLimit = 5 * SECOND

/** Null: it has to be compiled. Whatever is wrong with an amended copy, postmap itself may know no such options. */
async function amended(
  { path, parts }: Table,
  program: PostmapCommand,
  inForce: TablesInForce,
  compiled: CompiledInForce,
): Promise<CompiledSuffix | null> {
  const known = compiled.get(path)
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  const before = size < worthAmending ? null : await inForce.known(path)
  if (known === undefined || before === null || known.suffix === '.cdb') return null // cdb(5) is made once
  if ((await compiledBeside(path, program.type))?.suffix !== known.suffix) return null
  if ((await identityOf(path + known.suffix)) !== known.identity) return null
  const change = changeBetween(before, parts)
  if (change.gone.length + change.come.length > mostAmended) return null
  const copy = `${path}.new${known.suffix}`
  try {
    await copyTable(path + known.suffix, copy)
    const timeLimit = Math.min(program.timeLimit ?? amendingLimit, amendingLimit)
    await amendTable({ ...program, timeLimit }, `${path}.new`, change)
    return known.suffix
  } catch {
    await removeFile(copy) // the long way may work, and if not says why
    return null
  }
}

/** Changes whenever the file is replaced or written. Throws Unavailable. */
async function identityOf(path: string): Promise<string> {
  const { ino, mtimeNs, size } = await about(path, 'read', () => stat(path, { bigint: true }))
  return `${ino} ${mtimeNs} ${size}`
}

async function removeNew(path: string): Promise<void> {
  for (const suffix of ['', ...compiledSuffixes]) await removeFile(`${path}.new${suffix}`)
}
