// The words of a command line: options and arguments are declared once; parsing and help both come from that.
// Options may stand anywhere, short ones together (`-qd`), values after a blank, `=` or at once (`-fFILE`).
import { didYouMean } from '../config/section.ts'

/** A mistake on the command line: printed with the usage, exit 2. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault'
}

/** `'shwo' is none of list, show; did you mean 'show'?`, without the stop. */
export function noneOf(word: string, known: readonly string[]): string {
  return `'${word}' is none of ${known.join(', ')}${didYouMean(word, known)}`
}

interface Described {
  /** One letter. */
  readonly short?: string
  readonly help: string
}
/** Given or not. */
export interface Flag extends Described {
  readonly kind: 'flag'
}
/** On, off, or left to the default. */
export interface Switch extends Described {
  readonly kind: 'switch'
  readonly off: { readonly long: string; readonly short?: string }
}
/** One value; the last one given counts. */
export interface One extends Described {
  readonly kind: 'one'
  readonly value: string
  readonly choices?: readonly string[]
}
/** Any number of values. */
export interface Many extends Described {
  readonly kind: 'many'
  readonly value: string
}
export type Option = Flag | Switch | One | Many
/** By long name. */
export type Options = Readonly<Record<string, Option>>

/** By name in lower case; `rest` takes all that is left, and may be empty. */
export type Arguments = Readonly<Record<string, 'required' | 'optional' | 'rest'>>

type OptionValue<O extends Option> = O extends Flag
  ? boolean
  : O extends Switch
    ? boolean | null
    : O extends One
      ? string | null
      : readonly string[]

type ArgumentValue<A> = A extends 'required'
  ? string
  : A extends 'optional'
    ? string | null
    : readonly string[]

export type Parsed<O extends Options, A extends Arguments> = {
  readonly [Name in keyof O]: OptionValue<O[Name]>
} & { readonly [Name in keyof A]: ArgumentValue<A[Name]> }

type Value = boolean | null | string | string[]

/** Throws UsageFault. `help` is true when `-h` or `--help` was there; then nothing else was looked at. */
export function parseOptions<O extends Options, A extends Arguments>(
  argv: readonly string[],
  options: O,
  args: A,
): { readonly help: true } | { readonly help: false; readonly parsed: Parsed<O, A> } {
  const values: Record<string, Value> = {}
  for (const [long, option] of Object.entries<Option>(options)) values[long] = absent(option)
  const words: string[] = []
  const queue = [...argv]
  let help = false

  const take = ({ long, option, off }: Found, shown: string, attached: string | null): void => {
    if (option.kind === 'flag' || option.kind === 'switch') {
      if (attached !== null) throw new UsageFault(`Option ${shown} takes no value.`)
      values[long] = !off
      return
    }
    const value = attached ?? queue.shift()
    if (value === undefined) throw new UsageFault(`Option ${shown} needs a value: ${option.value}.`)
    if (option.kind === 'many') {
      values[long] = [...(values[long] as string[]), value]
      return
    }
    if (option.choices !== undefined && !option.choices.includes(value))
      throw new UsageFault(
        `Invalid value for ${shown}: '${value}' is not one of ${option.choices.join(', ')}.`,
      )
    values[long] = value
  }

  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      words.push(...queue.splice(0))
    } else if (word === '--help' || word === '-h') {
      help = true
    } else if (word.startsWith('--')) {
      const cut = word.indexOf('=')
      const name = cut < 0 ? word.slice(2) : word.slice(2, cut)
      take(findLong(name, options), `--${name}`, cut < 0 ? null : word.slice(cut + 1))
    } else if (word.startsWith('-') && !/^-(?:\d|$)/.test(word)) {
      for (let at = 1; at < word.length; at += 1) {
        const letter = word[at] ?? ''
        const found = findShort(letter, options)
        const takesValue = found.option.kind === 'one' || found.option.kind === 'many'
        const rest = word.slice(at + 1).replace(/^=/, '')
        take(found, `-${letter}`, takesValue && rest !== '' ? rest : null)
        if (takesValue) break
      }
    } else {
      words.push(word)
    }
  }
  if (help) return { help: true }
  // Each value has the shape that its option declares, each argument the one of its place.
  return { help: false, parsed: { ...values, ...placeArguments(words, args, options) } as Parsed<O, A> }
}

interface Found {
  readonly long: string
  readonly option: Option
  readonly off: boolean
}

function absent(option: Option): Value {
  if (option.kind === 'flag') return false
  return option.kind === 'many' ? [] : null
}

function findLong(name: string, options: Options): Found {
  for (const [long, option] of Object.entries(options)) {
    if (long === name) return { long, option, off: false }
    if (option.kind === 'switch' && option.off.long === name) return { long, option, off: true }
  }
  const known = Object.entries(options).flatMap(([long, option]) =>
    option.kind === 'switch' ? [long, option.off.long] : [long],
  )
  const dashed = known.map((each) => `--${each}`)
  throw new UsageFault(`No such option: --${name}${didYouMean(`--${name}`, dashed)}`)
}

function findShort(letter: string, options: Options): Found {
  for (const [long, option] of Object.entries(options)) {
    if (option.short === letter) return { long, option, off: false }
    if (option.kind === 'switch' && option.off.short === letter) return { long, option, off: true }
  }
  throw new UsageFault(`No such option: -${letter}`)
}

/** An address where none is wanted is mostly meant for an option: `delmembers tea@…` for `-l tea@…`. */
function remedyFor(left: readonly string[], options: Options): string {
  const list = Object.entries(options).find(([, option]) => 'value' in option && option.value === 'LISTSPEC')
  if (list !== undefined && left.some((word) => word.includes('@')))
    return `The list is named by --${list[0]}.`
  return 'Put an argument with blanks between quotes.'
}

function placeArguments(words: readonly string[], args: Arguments, options: Options): Record<string, Value> {
  const left = [...words]
  const placed: Record<string, Value> = {}
  for (const [name, kind] of Object.entries(args)) {
    if (kind === 'rest') {
      placed[name] = left.splice(0)
      continue
    }
    const word = left.shift() ?? null
    if (word === null && kind === 'required') throw new UsageFault(`Missing argument '${metavar(name)}'.`)
    placed[name] = word
  }
  if (left.length > 0)
    throw new UsageFault(
      `Got unexpected extra argument${left.length > 1 ? 's' : ''} (${left.join(' ')}). ${remedyFor(left, options)}`,
    )
  return placed
}

// ---- help ----

const metavar = (name: string): string => name.toUpperCase()

/** `create [OPTIONS] LISTNAME` */
export function usageOf(name: string, args: Arguments): string {
  const words = Object.entries(args).map(([argument, kind]) => {
    const shown = metavar(argument)
    return kind === 'required' ? shown : kind === 'optional' ? `[${shown}]` : `[${shown}]...`
  })
  return [name, '[OPTIONS]', ...words].join(' ')
}

/** The options in two columns. */
export function helpOf(options: Options): string {
  const rows = [...Object.entries(options).map(rowOf), ['-h, --help', 'Show this and exit.'] as const]
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)))
  return rows
    .map(([left, help]) =>
      left.length > width ? `  ${left}\n  ${' '.repeat(width)}  ${help}` : `  ${left.padEnd(width)}  ${help}`,
    )
    .join('\n')
}

function rowOf([long, option]: [string, Option]): readonly [string, string] {
  const dashed = (name: string, short: string | undefined) =>
    short === undefined ? `--${name}` : `-${short}, --${name}`
  const names = dashed(long, option.short)
  if (option.kind === 'switch')
    return [`${names} / ${dashed(option.off.long, option.off.short)}`, option.help]
  if (option.kind === 'flag') return [names, option.help]
  const choices = option.kind === 'one' ? option.choices : undefined
  return [`${names} ${choices?.join('|') ?? option.value}`, option.help]
}
