// What a command is. Most work on the store: they run in the server process when one runs, else in this one with
// the data directory's lock. The others (start, stop, version …) run where they were typed and never hold it.
import type { Call } from '../app/control.ts'
import type { ServerSide } from '../app/control-server-side.ts'
import type { Config } from '../config/config.ts'
import type { Services } from '../services.ts'
import { type Arguments, helpOf, type Options, type Parsed, parseOptions, usageOf } from './options.ts'

/** Exit codes: done, not done, wrong use or configuration, not found, try again later. */
export const EX = { ok: 0, failed: 1, usage: 2, notFound: 3, tryLater: 75 } as const

/** What a command says. */
export interface Output {
  line(text: string): void
  errorLine(text: string): void
  json(value: unknown): void
  /** How far long work has come; seen on a terminal only. */
  progress(text: string): void
  /** Long listings wait for it now and then, so that they never pile up in memory. */
  drained(): Promise<void>
}

export interface CommandContext {
  readonly services: Services
  readonly server: ServerSide
  readonly out: Output
  /** The command's input: standard input, or the file that `reads` named. */
  readonly stdin: AsyncIterable<Uint8Array>
  /** Where the caller stands. */
  readonly cwd: string
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** For commands that run where they were typed. */
export interface LocalContext {
  /** Reads the configuration, once. Throws ConfigFault. */
  config(): Config
  /** As given with -C, absolute; null when it was searched for. */
  readonly configFile: string | null
  /** --run-as-root was given. */
  readonly asRoot: boolean
  readonly out: Output
  /** Text to a file, whole or not at all, or to standard output for null and `-`. Throws FileFault. */
  write(file: string | null, text: string): Promise<void>
  /** Every command, for what tells of all of them. */
  readonly commands: readonly Command[]
  /** Runs commands on the store; the server gets it from here. */
  readonly answer: (services: Services, server: ServerSide, call: Call) => Promise<number>
}

interface Declared<O extends Options, A extends Arguments> {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** What the help says beside the options; with examples, one a line, each starting with `posthorn`. */
  readonly about: string
  readonly examples: readonly string[]
  readonly options: O
  readonly args: A
  /** What an argument may be, where its name does not say it (`listspec`, `filename`); for completion. */
  readonly suggests?: { readonly [Name in keyof A]?: Suggestion }
}

/** Words, or what the shell looks up. */
export type Suggestion = 'list' | 'file' | 'directory' | 'command' | readonly string[]

/** A command that works on the store. */
export interface StoreCommand<O extends Options, A extends Arguments> extends Declared<O, A> {
  run(context: CommandContext, args: Parsed<O, A>): Promise<number>
  /** The file to read as standard input, `-` for the real one; null: nothing is read. Opened by the caller's process. */
  reads?(args: Parsed<O, A>): string | null
  /** The file that takes the output instead of standard output. Written by the caller's process, whole or not at all. */
  writes?(args: Parsed<O, A>): string | null
  /** With these arguments it runs where it was typed, and not on the store; null: on the store. */
  here?(args: Parsed<O, A>): ((context: LocalContext) => Promise<number>) | null
  /** What to do when no server runs, in place of taking the lock. */
  withoutServer?(context: LocalContext, args: Parsed<O, A>): Promise<number>
}

/** A command that runs where it was typed. */
export interface LocalCommand<O extends Options, A extends Arguments> extends Declared<O, A> {
  runHere(context: LocalContext, args: Parsed<O, A>): Promise<number>
}

/** A command line that was understood. */
export type Prepared =
  | { readonly place: 'help' }
  | { readonly place: 'here'; run(context: LocalContext): Promise<number> }
  | {
      readonly place: 'store'
      readonly reads: string | null
      readonly writes: string | null
      readonly withoutServer: ((context: LocalContext) => Promise<number>) | null
      run(context: CommandContext): Promise<number>
    }

export interface Command {
  readonly name: string
  readonly summary: string
  readonly usage: string
  readonly about: string
  readonly examples: readonly string[]
  readonly options: Options
  /** In order, each with what it may be; null: anything. */
  readonly args: readonly Argument[]
  /** The whole help page. */
  readonly help: string
  /** Throws UsageFault. */
  prepare(argv: readonly string[]): Prepared
}

export interface Argument {
  readonly name: string
  readonly kind: 'required' | 'optional' | 'rest'
  readonly suggestion: Suggestion | null
}

/** Ties the declared options to the types that `run` gets. */
export function defineCommand<const O extends Options, const A extends Arguments>(
  command: StoreCommand<O, A> | LocalCommand<O, A>,
): Command {
  const usage = usageOf(command.name, command.args)
  return {
    name: command.name,
    summary: command.summary,
    usage,
    about: command.about,
    examples: command.examples,
    options: command.options,
    args: Object.entries(command.args).map(([name, kind]) => ({
      name,
      kind,
      suggestion: command.suggests?.[name] ?? usualSuggestions[name] ?? null,
    })),
    help: helpPage(usage, command),
    prepare: (argv) => {
      const read = parseOptions(argv, command.options, command.args)
      if (read.help) return { place: 'help' }
      const { parsed } = read
      if ('runHere' in command) return { place: 'here', run: (context) => command.runHere(context, parsed) }
      const here = command.here?.(parsed) ?? null
      if (here !== null) return { place: 'here', run: here }
      const { withoutServer } = command
      return {
        place: 'store',
        reads: command.reads?.(parsed) ?? null,
        writes: command.writes?.(parsed) ?? null,
        withoutServer: withoutServer === undefined ? null : (context) => withoutServer(context, parsed),
        run: (context) => command.run(context, parsed),
      }
    },
  }
}

const usualSuggestions: Readonly<Record<string, Suggestion>> = { listspec: 'list', filename: 'file' }

function helpPage(usage: string, { about, examples, options }: Declared<Options, Arguments>): string {
  const shown =
    examples.length === 0 ? '' : `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}\n`
  return `Usage: posthorn ${usage}\n\n${about}\n\nOptions:\n${helpOf(options)}\n${shown}`
}

/** The page of a mistake: how it should have been, and what was wrong. */
export function usageError(usage: string, name: string, words: string): string {
  return `Usage: posthorn ${usage}\nTry 'posthorn ${name === '' ? '' : `${name} `}-h' for help.\n\nError: ${words}\n`
}
