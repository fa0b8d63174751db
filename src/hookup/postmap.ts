// Runs postmap(1), by argument vector and never through a shell, on a table that is not in force yet.
import { execFile } from 'node:child_process'
import { SECOND } from '../base/clock.ts'
import { Unavailable } from '../base/unavailable.ts'
import { changeTime } from './replace-files.ts'

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
export async function postmap(
  { command, type, timeLimit = 30 * SECOND }: PostmapCommand,
  path: string,
): Promise<CompiledSuffix> {
  const [program, ...given] = command.split(/\s+/).filter((word) => word !== '')
  if (program === undefined)
    throw new Unavailable(
      "postmap_command is empty in the file that [mta] configuration names: name the program, as '/usr/sbin/postmap'",
    )
  const args = [...given, type === 'default' ? path : `${type}:${path}`]
  await run(program, args, timeLimit)
  const compiled = await compiledBeside(path, type)
  if (compiled !== null) return compiled.suffix
  throw new Unavailable(
    `'${[program, ...args].join(' ')}' ended with status 0 but wrote no ${path}${suffixesOf(type)[0]}; is postmap_command really Postfix's postmap?`,
  )
}

function run(program: string, args: readonly string[], timeLimit: number): Promise<void> {
  const shown = [program, ...args].join(' ')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  execFile(program, args, { timeout: timeLimit, killSignal: 'SIGKILL' }, (fault, _, stderr) => {
    if (fault === null) return resolve()
    const words = stderr.trim().replace(/\s*\n\s*/g, ' | ')
    const said = words === '' ? '' : `, saying '${words}'`
    const { what, advice } = ending(fault, timeLimit)
    const told = `'${shown}' ${what}${said}; the tables in force stay as they were; ${advice}`
    reject(new Unavailable(told, { cause: fault }))
  })
  return promise
}

type Ending = Error & {
  readonly code?: string | number | null
  readonly killed?: boolean
  readonly signal?: unknown
}

function ending(fault: Ending, timeLimit: number): { what: string; advice: string } {
  const then = "then run 'posthorn aliases'"
  if (fault.code === 'ENOENT')
    return { what: 'is no program here', advice: `install Postfix, or set postmap_command, ${then}` }
  if (typeof fault.code === 'string')
    return { what: `cannot be run (${fault.code})`, advice: `check postmap_command, ${then}` }
  if (fault.killed === true) {
    const advice = `run it by hand to see what it waits for, ${then}`
    return { what: `was ended after ${timeLimit / SECOND} s`, advice }
  }
  const advice = `mend the cause, ${then}`
  if (typeof fault.code === 'number') return { what: `failed with exit status ${fault.code}`, advice }
  return { what: `was ended by ${fault.signal}`, advice }
}
