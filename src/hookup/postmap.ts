// Runs postmap(1), by argument vector and never through a shell, on a table that is not in force yet.
import { SECOND } from '../base/clock.ts'
import { Unavailable } from '../base/unavailable.ts'
import { changeTime } from './replace-files.ts'
import { type ProgramRun, runProgram } from './run-program.ts'
import type { TableChange } from './table-change.ts'

/** Kinds of tables (DATABASE_README); those of text are read as they are, `default` is postmap's own choice. */
export type TableType = 'hash' | 'btree' | 'lmdb' | 'cdb' | 'default' | 'texthash' | 'regexp' | 'pcre'

export const isCompiled = (type: TableType): boolean =>
  type !== 'texthash' && type !== 'regexp' && type !== 'pcre'

/** What postmap appends to the name of the file that it compiles to. */
export const compiledSuffixes = ['.db', '.lmdb', '.cdb'] as const
export type CompiledSuffix = (typeof compiledSuffixes)[number]

function suffixesOf(type: TableType): readonly CompiledSuffix[] {
  if (type === 'lmdb' || type === 'cdb') return [`.${type}`]
  return type === 'default' ? compiledSuffixes : ['.db']
}

export interface PostmapCommand {
  /** The program and its arguments, between blanks. */
  readonly command: string
  readonly type: TableType
  /** Milliseconds until it is killed. */
  readonly timeLimit?: number
}

/** The compiled file beside the text at `path` and when it was written, or null; the newer of two kinds. */
export async function compiledBeside(
  path: string,
  type: TableType,
): Promise<{ suffix: CompiledSuffix; at: number } | null> {
  let newest: { suffix: CompiledSuffix; at: number } | null = null
  for (const suffix of suffixesOf(type)) {
    const at = await changeTime(path + suffix)
    if (at !== null && (newest === null || at > newest.at)) newest = { suffix, at }
  }
  return newest
}

/** Compiles the table at `path`, beside it. Throws Unavailable with the words for the operator. */
export async function postmap(given: PostmapCommand, path: string): Promise<CompiledSuffix> {
  const argv = [...programOf(given), tableName(given.type, path)] as const
  await runProgram(runOf(given, argv))
  const compiled = await compiledBeside(path, given.type)
  if (compiled !== null) return compiled.suffix
  throw new Unavailable(
    `'${argv.join(' ')}' ended with status 0 but wrote no ${path}${suffixesOf(given.type)[0]}; is postmap_command really Postfix's postmap?`,
  )
}

/**
 * Changes a compiled table that no one reads yet: the work is that of the change, not of the table. Throws Unavailable;
 * the table is then good for nothing.
 */
export async function amendTable(given: PostmapCommand, path: string, change: TableChange): Promise<void> {
  const table = tableName(given.type, path)
  const run = async (options: readonly string[], lines: readonly string[]): Promise<void> => {
    if (lines.length === 0) return
    const argv = [...programOf(given), ...options, table] as const
    await runProgram({ ...runOf(given, argv), input: `${lines.join('\n')}\n` })
  }
  await run(['-d', '-'], change.gone)
  await run(['-i', '-r'], change.come)
}

const tableName = (type: TableType, path: string): string => (type === 'default' ? path : `${type}:${path}`)

function programOf({ command }: PostmapCommand): [string, ...string[]] {
  const [program, ...args] = command.split(/\s+/).filter((word) => word !== '')
  if (program === undefined)
    throw new Unavailable(
      "postmap_command is empty in the file that [mta] configuration names: name the program, as '/usr/sbin/postmap'",
    )
  return [program, ...args]
}

const runOf = (
  { timeLimit = 30 * SECOND }: PostmapCommand,
  argv: readonly [string, ...string[]],
): ProgramRun => ({
  argv,
  timeLimit,
  otherwise: 'the tables in force stay as they were',
  whenMissing: 'install Postfix, or set postmap_command',
})
