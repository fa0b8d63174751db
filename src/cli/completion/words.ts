// What a shell has to know to complete a command line: made from the declared options, so that it is never behind.
import type { Command, Suggestion } from '../command.ts'
import type { Option } from '../options.ts'

/** One way to write an option. */
export interface Spelling {
  /** With its dashes. */
  readonly words: readonly string[]
  readonly help: string
  /** Null: it takes no value. */
  readonly value: Suggestion | 'anything' | null
  readonly metavar: string
}

/** Every option of a command; the two sides of a switch are two. */
export function spellingsOf(command: Command): readonly Spelling[] {
  const help: Spelling = { words: ['-h', '--help'], help: 'Show this and exit.', value: null, metavar: '' }
  return [...Object.entries(command.options).flatMap(([long, option]) => spellings(long, option)), help]
}

function spellings(long: string, option: Option): readonly Spelling[] {
  const { help } = option
  if (option.kind === 'flag') return [{ words: dashed(long, option.short), help, value: null, metavar: '' }]
  if (option.kind === 'switch') {
    const { off } = option
    return [
      { words: dashed(long, option.short), help, value: null, metavar: '' },
      { words: dashed(off.long, off.short), help: `Not --${long}.`, value: null, metavar: '' },
    ]
  }
  const choices = option.kind === 'one' ? option.choices : undefined
  const value = choices ?? lookedUp[option.value] ?? 'anything'
  return [{ words: dashed(long, option.short), help, value, metavar: option.value }]
}

const dashed = (long: string, short: string | undefined): readonly string[] =>
  short === undefined ? [`--${long}`] : [`-${short}`, `--${long}`]

const lookedUp: Readonly<Record<string, Suggestion>> = {
  LISTSPEC: 'list',
  FILE: 'file',
  DIR: 'directory',
  FOLDER: 'directory',
}

/** What stands before the command's name. */
export const generalSpellings: readonly Spelling[] = [
  { words: ['-C', '--config'], help: 'The configuration file.', value: 'file', metavar: 'FILE' },
  { words: ['--run-as-root'], help: 'Running as root is meant.', value: null, metavar: '' },
  { words: ['--version'], help: 'Show the version and exit.', value: null, metavar: '' },
  { words: ['-h', '--help'], help: 'Show this and exit.', value: null, metavar: '' },
]

/** Text between single quotes for bash and zsh. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
