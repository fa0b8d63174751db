// Programs of the mail server that a publication runs (postmap, reload commands): an argument vector, never a shell, and
// never longer than its limit. Law: a program that hangs, and whatever it started, holds nothing up beyond that.
import { type ChildProcess, spawn } from 'node:child_process'
import { SECOND } from '../base/clock.ts'
import { Unavailable } from '../base/unavailable.ts'

export interface ProgramRun {
  readonly argv: readonly [string, ...string[]]
  /** Milliseconds until it is killed, with all that it started. */
  readonly timeLimit: number
  /** For its standard input, which else is empty. */
  readonly input?: string
  /** What follows when it fails, as part of a sentence: `the tables in force stay as they were`. */
  readonly otherwise: string
  /** What to look at when there is no such program: `install Postfix, or set postmap_command`. */
  readonly whenMissing: string
}

/** What a program said, from its end, for a line of ours. */
const longestWords = 500
/** A child of its own may hold standard error open; what was said by then is enough. */
const graceForWords = SECOND

/** Resolves when it ended with 0. Throws Unavailable with words for the operator. */
export async function runProgram(run: ProgramRun): Promise<void> {
  const ended = await end(run)
  if (ended.kind === 'code' && ended.code === 0) return
  const { what, advice, cause } = explain(ended, run)
  const said = ended.words === '' ? '' : `, saying '${ended.words}'`
  const told = `'${run.argv.join(' ')}' ${what}${said}; ${run.otherwise}; ${advice}, then run 'posthorn aliases'`
  throw new Unavailable(told, { cause })
}

type Ended = { readonly words: string } & (
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'late' }
  | { readonly kind: 'not-run'; readonly fault: NodeJS.ErrnoException }
)

function end({ argv: [program, ...args], timeLimit, input = '' }: ProgramRun): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  // A process group of its own, so that what it started ends with it.
  const child = spawn(program, args, { detached: true, stdio: ['pipe', 'ignore', 'pipe'] })
  let text = ''
  let grace: NodeJS.Timeout | undefined
  const settle = (ended: Ended): void => {
    clearTimeout(limit)
    clearTimeout(grace)
    child.stderr.destroy()
    child.unref()
    resolve(ended)
  }
  const limit = setTimeout(() => {
    killGroup(child)
    settle({ kind: 'late', words: wordsOf(text) })
  }, timeLimit)
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-8192)
  })
  child.stdin.on('error', () => undefined) // it may end without reading
  child.stdin.end(input)
  child.on('error', (fault) => settle({ kind: 'not-run', fault, words: '' }))
  child.on('exit', (code, signal) => {
    const ended = (): Ended =>
      code === null
        ? { kind: 'signal', signal: String(signal), words: wordsOf(text) }
        : { kind: 'code', code, words: wordsOf(text) }
    clearTimeout(limit)
    grace = setTimeout(() => settle(ended()), graceForWords)
    child.on('close', () => settle(ended()))
  })
  return promise
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended just now, or runs as another user: then nobody waits for it any more.
  }
}

const wordsOf = (text: string): string =>
  text
    .trim()
    .replace(/\s*\n\s*/g, ' | ')
    .slice(-longestWords)

function explain(
  ended: Ended,
  { timeLimit, whenMissing, argv: [program] }: ProgramRun,
): { what: string; advice: string; cause: unknown } {
  const mend = 'mend the cause'
  switch (ended.kind) {
    case 'not-run':
      return ended.fault.code === 'ENOENT'
        ? { what: 'is no program here', advice: whenMissing, cause: ended.fault }
        : {
            what: `cannot be run (${ended.fault.code})`,
            advice: `check that ${program} may be run by this user`,
            cause: ended.fault,
          }
    case 'late': {
      const advice = 'run it by hand to see what it waits for'
      return { what: `was ended after ${timeLimit / SECOND} s`, advice, cause: null }
    }
    case 'signal':
      return { what: `was ended by ${ended.signal}`, advice: mend, cause: null }
    case 'code':
      return { what: `failed with exit status ${ended.code}`, advice: mend, cause: null }
  }
}
