// `posthorn hookup --write`: shows what would change, asks, writes, and tells the mail server.
import { createInterface } from 'node:readline/promises'
import { systemClock } from '../base/clock.ts'
import { Unavailable } from '../base/unavailable.ts'
import { diffOf, planChanges, writeChanges } from '../hookup/apply.ts'
import type { Hookup, MailServerHost } from '../model/hookup.ts'
import { EX, type Output } from './command.ts'
import { typed } from './hookup-words.ts'

export interface Writing {
  readonly host: MailServerHost
  /** Of the mail server, as the command line knows it. */
  readonly name: string
  readonly hookup: Hookup
  /** False when `--yes` was given. */
  readonly asks: boolean
  /** Brings the tables up to date; words when it cannot. */
  readonly publish: () => Promise<string | null>
  /** The hook-up as it is when that is done: what was to know about tables may be so no more. */
  readonly again: () => Promise<Hookup>
}

/** The exit code. Throws Unavailable when a file cannot be read. */
export async function writeHookup(
  out: Output,
  { host, name, hookup, asks, publish, again }: Writing,
): Promise<number> {
  const { changes, refusals } = await planChanges(hookup.files)
  if (refusals.length > 0) return refuse(out, [...refusals, 'Nothing was written.'])
  if (changes.length === 0) {
    out.line('Nothing to do: the files say all of this already.')
    return EX.ok
  }
  for (const change of changes) out.line(diffOf(change).trimEnd())
  for (const { argv, why } of hookup.afterwards) out.line(`Then: ${typed(argv)}      # ${why}`)
  if (asks && !(await isAgreed(out))) return EX.failed
  // Tables are there before the mail server hears of them: Postfix answers 451 to all mail when one is missing.
  const fault = await publish()
  if (fault !== null)
    return refuse(out, [`Nothing was written: the tables could not be brought up to date. ${fault}`])
  const { notes } = await again()
  const stamp = new Date(systemClock.now()).toISOString().slice(0, 19).replaceAll(':', '-')
  try {
    for (const { path, backup } of await writeChanges(changes, `${stamp}Z`))
      out.line(`${path} is written${backup === null ? '' : `; as it was: ${backup}`}`)
  } catch (fault) {
    if (!(fault instanceof Unavailable)) throw fault
    return refuse(out, [`Nothing was written: ${fault.message}`])
  }
  for (const note of notes) out.line(`  * ${note}`)
  return await tellMailServer(out, host, name, hookup.afterwards)
}

/** Words on standard error; the exit code. */
export function refuse(out: Output, refusals: readonly string[]): number {
  for (const words of refusals) out.errorLine(words)
  return EX.failed
}

async function isAgreed(out: Output): Promise<boolean> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    out.errorLine('Nothing was written: there is no terminal to ask on. --yes says that it is meant.')
    return false
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await asking.question('Write this? [y/N] ')
    if (/^y(?:es)?$/i.test(answer.trim())) return true
  } finally {
    asking.close()
  }
  out.errorLine('Nothing was written.')
  return false
}

async function tellMailServer(
  out: Output,
  host: MailServerHost,
  name: string,
  afterwards: Hookup['afterwards'],
): Promise<number> {
  for (const { argv } of afterwards) {
    const [program, ...rest] = argv
    if (program === undefined) continue
    const shown = typed(argv)
    const words = await faultOf(host, [program, ...rest])
    if (words !== null) {
      out.errorLine(
        `The files are written, but '${shown}' failed: ${words}. Until it is run, the mail server goes by its old configuration.`,
      )
      return EX.failed
    }
    out.line(`${shown}: done`)
  }
  out.line(`'posthorn doctor ${name}' looks whether all of it works.`)
  return EX.ok
}

/** Null when it ended well. */
async function faultOf(host: MailServerHost, argv: readonly [string, ...string[]]): Promise<string | null> {
  try {
    const ended = await host.run(argv)
    if (ended === null) return 'there is no such program here'
    if (ended.code === 0) return null
    const said = `${ended.err}${ended.out}`.trim()
    return said === '' ? 'it gave no reason; its log may, and it fails while the mail server is down' : said
  } catch (fault) {
    if (!(fault instanceof Unavailable)) throw fault
    return fault.message
  }
}
