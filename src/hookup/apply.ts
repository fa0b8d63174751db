// Brings a hook-up into the files of the mail server: what would change is worked out first and shown, then written.
// Law: only files that the hook-up names are written, whole or not at all, with their owner and mode; what the operator wrote
// is kept beside each; a file that somebody else changed meanwhile is left alone, and then nothing is written at all.
import { constants } from 'node:fs'
import {
  chmod,
  chown,
  copyFile,
  type FileHandle,
  open,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { Unavailable } from '../base/unavailable.ts'
import type { ConfigurationFile } from '../model/hookup.ts'
import { withBlocks } from './blocks.ts'
import { unifiedDiff } from './diff.ts'
import { about, syncPath } from './replace-files.ts'

/** What one file would become; `before` null where there is none. The texts hold octets, as latin1 does. */
export interface FileChange {
  readonly path: string
  readonly before: string | null
  readonly after: string
  /** Of a new file. */
  readonly mode: number
  /** Nothing in it is the operator's. No copy is kept: Courier reads every file of a folder, whatever its name is. */
  readonly isOurs: boolean
}

export interface Plan {
  /** Only files whose content would be another. */
  readonly changes: readonly FileChange[]
  /** Words for what cannot be done; then nothing may be written. */
  readonly refusals: readonly string[]
}

/** Throws Unavailable when a file cannot be read. */
export async function planChanges(files: readonly ConfigurationFile[]): Promise<Plan> {
  const changes: FileChange[] = []
  const refusals: string[] = []
  for (const [path, parts] of Map.groupBy(files, (file) => file.path)) {
    const before = await octetsOf(path)
    const joined = withBlocks(before, parts.map(inOctets))
    if ('refusal' in joined) refusals.push(joined.refusal)
    else if (joined.text !== before) {
      const mode = parts[0]?.mode ?? 0o644
      changes.push({ path, before, after: joined.text, mode, isOurs: parts[0]?.kind === 'whole' })
    }
  }
  return { changes, refusals }
}

/** The change as a unified diff. */
export function diffOf({ path, before, after }: FileChange): string {
  return unifiedDiff(path, before === null ? null : textOf(before), textOf(after))
}

/** A file as it was written, and where the text before is kept. */
export interface WrittenFile {
  readonly path: string
  readonly backup: string | null
}

/**
 * All changes or none. `stamp` ends the names of the backups. Throws Unavailable with words for the operator; every
 * file is then as it was.
 */
export async function writeChanges(
  changes: readonly FileChange[],
  stamp: string,
): Promise<readonly WrittenFile[]> {
  const ready: Ready[] = []
  const done: Ready[] = []
  try {
    for (const change of changes) ready.push(await prepare(change, stamp))
    for (const one of ready) {
      await mustBeUntouched(one)
      await about(one.path, 'replaced', () => rename(one.fresh, one.path))
      done.push(one)
    }
  } catch (fault) {
    for (const one of ready) await (done.includes(one) ? putBack(one) : discard(one))
    throw fault
  }
  return ready.map(({ path, backup }) => ({ path, backup }))
}

interface Ready {
  readonly change: FileChange
  /** Where the file really is: a link to it stays a link. */
  readonly path: string
  readonly fresh: string
  readonly backup: string | null
}

async function prepare(change: FileChange, stamp: string): Promise<Ready> {
  const { path: named, before, after } = change
  return about(named, 'written', async () => {
    const path = before === null ? named : await realpath(named)
    const fresh = `${path}.posthorn-new`
    const backup = before === null || change.isOurs ? null : `${path}.posthorn-${stamp}`
    await rm(fresh, { force: true })
    if (backup !== null) await copyFile(path, backup, constants.COPYFILE_EXCL)
    try {
      await withFile(fresh, async (file) => {
        await file.writeFile(after, 'latin1')
        await file.sync()
      })
      if (before === null) await chmod(fresh, change.mode)
      else await likeThe(path, backup === null ? [fresh] : [backup, fresh])
      await syncPath(fresh)
    } catch (fault) {
      await discard({ fresh, backup })
      throw fault
    }
    return { change, path, fresh, backup }
  })
}

async function withFile(path: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await work(file)
  } finally {
    await file.close()
  }
}

/** Gives these files the owner and the mode of `path`. */
async function likeThe(path: string, files: readonly string[]): Promise<void> {
  const { uid, gid, mode } = await stat(path)
  for (const file of files) {
    await chown(file, uid, gid)
    await chmod(file, mode & 0o7777)
  }
}

async function discard({ fresh, backup }: Pick<Ready, 'fresh' | 'backup'>): Promise<void> {
  await rm(fresh, { force: true })
  if (backup !== null) await rm(backup, { force: true })
}

async function mustBeUntouched({ path, change }: Ready): Promise<void> {
  if ((await octetsOf(path)) === change.before) return
  throw new Unavailable(
    `${path} was changed by somebody else while this ran; nothing was written: look at it and run this again`,
  )
}

async function putBack({ path, backup, change: { before } }: Ready): Promise<void> {
  if (before === null) await rm(path, { force: true })
  else if (backup === null) await writeFile(path, before, 'latin1')
  else await rename(backup, path)
}

async function octetsOf(path: string): Promise<string | null> {
  return about(path, 'read', async () => {
    try {
      return await readFile(path, 'latin1')
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw fault
    }
  })
}

// A configuration may hold a comment in any charset: its octets stay, and our lines come in as UTF-8.
const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
const textOf = (octets: string): string => Buffer.from(octets, 'latin1').toString('utf8')

function inOctets(file: ConfigurationFile): ConfigurationFile {
  return {
    ...file,
    settings: file.settings.map(({ lines, why, replaces }) => ({
      lines: lines.map(octets),
      why: octets(why),
      replaces,
    })),
  }
}
