// The mail server Postfix: its tables are written after a list change has committed (database(5), postmap(1)).
//
// Law: Postfix sees the old tables or the new ones. All new tables are written and compiled under names of their own
// first, so a failing postmap changes nothing. Then they are renamed into place, in the order of `tableNames`, each
// compiled file before its text: Postfix reads the compiled file alone and notices that it was replaced; the text is
// our record of what is in force. Stopped between the two, the text still differs from what is wanted, and the next
// publication does that table again.
import { join } from 'node:path'
import type { MailServer, PublishedFile } from '../model/mail-server.ts'
import { emptyVmap, type TableName, tableNames, tableWriter } from './postfix-tables.ts'
import {
  type CompiledSuffix,
  compiledBeside,
  compiledSuffixes,
  isCompiled,
  postmap,
  type TableType,
} from './postmap.ts'
import { withPublicationLock } from './publication-lock.ts'
import { changeTime, removeFile, renameOver, syncPath, textOf, writeSynced } from './replace-files.ts'

export interface PostfixSettings {
  /** Where the tables are: it must exist, and Postfix must be able to read it. */
  readonly directory: string
  readonly lmtpHost: string
  readonly lmtpPort: number
  readonly postmapCommand: string
  readonly tableType: TableType
  /** Exactly the lines of Mailman 3.3.8. */
  readonly compatible: boolean
  /** Milliseconds until a postmap that hangs is killed; 30 s unless said. */
  readonly postmapTimeLimit?: number
}

/** `publish` throws Unavailable with words for the operator; the tables in force are then the old ones. */
export function postfix(settings: PostfixSettings): MailServer {
  const { directory, tableType: type } = settings
  const write = tableWriter({ ...settings, type: type === 'regexp' || type === 'pcre' ? 'regex' : 'hash' })
  const inForce: InForce = new Map()
  return {
    name: 'postfix',
    publish: (lists) =>
      withPublicationLock(join(directory, 'postfix.lock'), async () => {
        const tables = await wanted(directory, write(lists))
        const files = await Promise.all(tables.map((table) => compare(table, type, inForce)))
        const changed = files.filter((file) => file.changed)
        if (changed.length > 0) await replace(directory, changed, settings)
        for (const { path, text } of files) inForce.set(path, { text, at: await changeTime(path) })
        return files.map(({ path, changed }): PublishedFile => ({ path, changed }))
      }),
  }
}

interface Table {
  readonly path: string
  readonly text: string
}

// A `postfix_vmap` that is needed no more becomes an empty table rather than none: main.cf may still name it, and
// Postfix answers 451 to all mail when a table that it was told of is missing.
async function wanted(directory: string, tables: ReadonlyMap<TableName, string>): Promise<readonly Table[]> {
  const list: Table[] = []
  for (const name of tableNames) {
    const path = join(directory, name)
    const text = tables.get(name) ?? ((await textOf(path)) === null ? null : emptyVmap())
    if (text !== null) list.push({ path, text })
  }
  return list
}

/** What this process put or found in place, and when it was written: megabytes need not be read again to be compared. */
type InForce = Map<string, { readonly text: string; readonly at: number | null }>

/** Changed: the text is another, or what Postfix reads is missing or older than it. */
async function compare(table: Table, type: TableType, inForce: InForce): Promise<Table & PublishedFile> {
  const known = inForce.get(table.path)
  const untouched = known !== undefined && known.at !== null && known.at === (await changeTime(table.path))
  const same = table.text === (untouched ? known.text : await textOf(table.path))
  return { ...table, changed: !same || (isCompiled(type) && !(await isUpToDate(table.path, type))) }
}

async function isUpToDate(path: string, type: TableType): Promise<boolean> {
  const [compiled, at] = await Promise.all([compiledBeside(path, type), changeTime(path)])
  return compiled !== null && at !== null && compiled.at >= at
}

async function replace(
  directory: string,
  tables: readonly Table[],
  settings: PostfixSettings,
): Promise<void> {
  const ready: { path: string; compiled: CompiledSuffix | null }[] = []
  try {
    for (const { path, text } of tables) ready.push({ path, compiled: await prepare(path, text, settings) })
  } catch (fault) {
    await Promise.allSettled(tables.map(({ path }) => removeNew(path)))
    throw fault
  }
  for (const { path, compiled } of ready) {
    if (compiled !== null) await renameOver(`${path}.new${compiled}`, path + compiled)
    await renameOver(`${path}.new`, path)
  }
  await syncPath(directory)
}

async function prepare(
  path: string,
  text: string,
  settings: PostfixSettings,
): Promise<CompiledSuffix | null> {
  await removeNew(path) // what a stop in the middle left: postmap would add to it
  await writeSynced(`${path}.new`, text)
  if (!isCompiled(settings.tableType)) return null
  const { postmapCommand: command, tableType: type, postmapTimeLimit: timeLimit } = settings
  const compiled = await postmap(
    { command, type, ...(timeLimit === undefined ? {} : { timeLimit }) },
    `${path}.new`,
  )
  await syncPath(`${path}.new${compiled}`)
  return compiled
}

async function removeNew(path: string): Promise<void> {
  for (const suffix of ['', ...compiledSuffixes]) await removeFile(`${path}.new${suffix}`)
}
