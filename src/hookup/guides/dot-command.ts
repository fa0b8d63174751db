// Reads what dot files tell the mail server to do (dot-courier(5), dot-qmail(5)), and the call of posthorn-qmail in such
// a line, as sh(1) takes it apart. Pure. Law: what is not understood stays text; the call itself is read by the very
// code that the program reads it with.
import { basename } from 'node:path'
import { type PipeCall, type Read, readCall } from '../pipe/envelope.ts'

/** One line of a dot file that says what becomes of a message. */
export interface DotInstruction {
  /** `output`: a program whose output is read as more instructions, which Courier alone knows (`||`). */
  readonly kind: 'program' | 'output' | 'mailbox' | 'forward'
  /** From 1: where it begins. */
  readonly line: number
  /** As it stands there; with the lines that a backslash joins to it. */
  readonly text: string
  /** Without the sign before it: a command, a path, or addresses. */
  readonly value: string
}

/** No instructions, in a file that is not empty, throw the mail away. */
export function readDotFile(text: string): readonly DotInstruction[] {
  const instructions: DotInstruction[] = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const line = at + 1
    let whole = (lines[at] ?? '').trim()
    while (whole.startsWith('|') && whole.endsWith('\\') && at + 1 < lines.length) {
      at += 1
      whole = `${whole.slice(0, -1)}${(lines[at] ?? '').trim()}`
    }
    if (whole === '' || whole.startsWith('#')) continue
    const [, sign = ''] = /^(\|\|?|[&!]?)/.exec(whole) ?? []
    const kind =
      sign === '||' ? 'output' : sign === '|' ? 'program' : /^[./]/.test(whole) ? 'mailbox' : 'forward'
    instructions.push({ kind, line, text: whole, value: whole.slice(sign.length).trim() })
  }
  return instructions
}

/** How a command starts posthorn-qmail, or `qmail-lmtp` by its other name. */
export interface PipeCommand {
  /** Set before it, also by env(1): `HOST=lists.example.org`. */
  readonly assignments: ReadonlyMap<string, string>
  /** Other words before it, which start it: `exec`, `preline`, `sudo -u list`. */
  readonly before: readonly string[]
  /** As written. */
  readonly program: string
  readonly sysexits: boolean
  readonly call: Read<PipeCall>
  /** What follows the simple command: `; exit 0`, `2>/dev/null`. */
  readonly rest: string
}

const names = new Set(['posthorn-qmail', 'qmail-lmtp'])

/** Null when the command does not start it. */
export function readPipeCommand(command: string): PipeCommand | null {
  const { words, rest } = shellWords(command)
  const at = words.findIndex((word) => names.has(basename(word)))
  const program = words[at]
  if (program === undefined) return null
  const assignments = new Map<string, string>()
  const before: string[] = []
  for (const word of words.slice(0, at)) {
    const [, name, value = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? []
    if (name !== undefined) assignments.set(name, value)
    else if (basename(word) !== 'env') before.push(word)
  }
  const argv = words.slice(at + 1)
  const others = argv.filter((word) => word !== '--sysexits')
  return {
    assignments,
    before,
    program,
    sysexits: others.length < argv.length,
    call: readCall(others),
    rest,
  }
}

/** The words of the first simple command, quotes taken off and variables as written; and what follows it. */
function shellWords(command: string): { readonly words: readonly string[]; readonly rest: string } {
  const words: string[] = []
  let word: string | null = null
  const piece =
    /\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"|(\s+)|((?<!\S)#.*$|(?<!\S)\d+[<>].*$|[<>;&|()].*$)|[^\s\\'"<>;&|()]+|./gsy
  for (const [all, escaped, single, double, blank, end] of command.matchAll(piece)) {
    if (blank === undefined && end === undefined) {
      word = (word ?? '') + (escaped ?? single ?? double?.replace(/\\([\\"$`])/g, '$1') ?? all)
      continue
    }
    if (word !== null) words.push(word)
    word = null
    if (end !== undefined) return { words, rest: end.startsWith('#') ? '' : end.trim() }
  }
  if (word !== null) words.push(word)
  return { words, rest: '' }
}
