// What a .qmail file does with a message (dot-qmail(5)), and which recipient posthorn-qmail takes from its environment
// (qmail-command(8)). Pure.
import type { PipeCall } from '../pipe/envelope.ts'
import { type DotInstruction, type PipeCommand, readPipeCommand } from './dot-command.ts'

/** The lines that do something. Unlike Courier qmail joins no lines, and looks at the very first character. */
export function readDotQmail(text: string): readonly DotInstruction[] {
  return text.split('\n').flatMap((whole, at): readonly DotInstruction[] => {
    const line = whole.replace(/[ \t]+$/, '')
    const sign = line[0]
    if (sign === undefined || sign === '#' || sign === '+') return []
    const kind = sign === '|' ? 'program' : sign === '/' || sign === '.' ? 'mailbox' : 'forward'
    const value = sign === '|' || sign === '&' ? line.slice(1) : line
    return [{ kind, line: at + 1, text: line, value: value.trim() }]
  })
}

export interface HandOver {
  readonly instruction: DotInstruction
  readonly command: PipeCommand
}

/** The lines that start posthorn-qmail. */
export function handOversIn(instructions: readonly DotInstruction[]): readonly HandOver[] {
  return instructions.flatMap((instruction) => {
    const command = instruction.kind === 'program' ? commandIn(instruction.value) : null
    return command === null ? [] : [{ instruction, command }]
  })
}

/** In a pipeline, or behind what comes first: `spamc | posthorn-qmail 8024 1`, `cd / && posthorn-qmail 8024 1`. */
function commandIn(text: string): PipeCommand | null {
  const starts = [...text.matchAll(/&&|\|\|?|;|\bthen\b/g)].map((found) => found.index + found[0].length)
  for (const start of [0, ...starts]) {
    const command = readPipeCommand(text.slice(start))
    if (command !== null) return command
  }
  return null
}

/** What qmail-local knows of one address. */
export interface Surroundings {
  readonly local: string
  readonly host: string
  readonly ext: string
  /** What `default` in the name of the file stands for; null for a file without it. */
  readonly rest: string | null
}

/** The recipient that the call makes of it. Null when it cannot be known: a variable that the line sets is worked out. */
export function recipientOf(
  { assignments }: Pick<PipeCommand, 'assignments'>,
  call: PipeCall,
  surroundings: Surroundings,
): string | null {
  if (call.recipient !== null) return call.recipient.includes('$') ? null : call.recipient
  const local = assignments.get(call.localPartIn) ?? variablesOf(surroundings).get(call.localPartIn) ?? ''
  const host = assignments.get('HOST') ?? surroundings.host
  return /[$`]/.test(`${local}${host}`) ? null : `${local}@${host}`
}

function variablesOf({ local, ext, rest }: Surroundings): ReadonlyMap<string, string> {
  const second = behindDash(ext)
  const third = behindDash(second)
  return new Map([
    ['LOCAL', local],
    ['EXT', ext],
    ['EXT2', second],
    ['EXT3', third],
    ['EXT4', behindDash(third)],
    ...(rest === null ? [] : [['DEFAULT', rest] as const]),
  ])
}

const behindDash = (text: string): string => (text.includes('-') ? text.slice(text.indexOf('-') + 1) : '')

/** PARTS that gives the list's own address; null when none does. */
export function partsFor(surroundings: Surroundings, localPart: string): string | null {
  const known = variablesOf(surroundings)
  const words: readonly (readonly [string, string])[] = [
    ['1', 'EXT'],
    ['2', 'EXT2'],
    ['3', 'EXT3'],
    ['4', 'EXT4'],
    ['default', 'DEFAULT'],
    ['0', 'LOCAL'],
  ]
  return words.find(([, variable]) => known.get(variable) === localPart)?.[0] ?? null
}
