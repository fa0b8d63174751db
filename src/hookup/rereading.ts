// A publication is done by one process at a time, and ends when the mail server reads what was published: some read a
// table once and have to be told that it changed (DATABASE_README: regexp, pcre, texthash; OpenSMTPD's table(5)).
//
// Law: a change that the mail server was not told of is never forgotten. A mark is on disk before the first new table
// comes into force, and goes when the command that tells it has succeeded, in this process or in a later one.
import { join } from 'node:path'
import { SECOND } from '../base/clock.ts'
import type { PublishedFile } from '../model/mail-server.ts'
import { withPublicationLock } from './publication-lock.ts'
import { changeTime, removeFile, syncPath, writeSynced } from './replace-files.ts'
import { runProgram } from './run-program.ts'

export interface Reread {
  /** Tells the mail server; empty: nobody does. */
  readonly command: readonly string[]
  /** What a person does instead: `run 'postfix reload'`; null where the mail server notices changes by itself. */
  readonly byHand: string | null
  /** Milliseconds until a command that hangs is killed; 30 s unless said. */
  readonly timeLimit?: number
}

export interface PublicationPlace {
  /** The name of the mail server. */
  readonly name: string
  /** Where its lock and its mark are. */
  readonly directory: string
  readonly reread: Reread
}

/** Publishes; `changing` is to be called before anything that is in force is replaced or removed. */
export type Publish = (changing: () => Promise<void>) => Promise<readonly PublishedFile[]>

/** Throws Unavailable with words for the operator; the files may be in place even then, and only the rereading be due. */
export function publishAlone(
  { name, directory, reread }: PublicationPlace,
  publish: Publish,
): Promise<readonly PublishedFile[]> {
  const mark = join(directory, `${name}.reread`)
  const [program, ...args] = reread.command
  return withPublicationLock(join(directory, `${name}.lock`), async () => {
    const files = await publish(async () => {
      if (program === undefined) return
      await writeSynced(mark, [])
      await syncPath(directory)
    })
    if (program === undefined) {
      await removeFile(mark) // of a command that is no longer configured
      return files.map((file) => withAdvice(file, reread.byHand))
    }
    if ((await changeTime(mark)) === null) return files
    await runProgram({
      argv: [program, ...args],
      timeLimit: reread.timeLimit ?? 30 * SECOND,
      otherwise: `the new tables are in place, but ${name} may still go by the old ones`,
      whenMissing: `correct [${name}] reload_command`,
    })
    await removeFile(mark)
    return files
  })
}

const withAdvice = (file: PublishedFile, byHand: string | null): PublishedFile =>
  file.changed && byHand !== null ? { ...file, advice: byHand } : file
