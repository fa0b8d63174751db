// Puts files into force whole or not at all: new content is written and synced beside the old, then renamed over it.
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { Unavailable } from '../base/unavailable.ts'

/**
 * Readable for all: Postfix's own tools ask as its own user (postmap -q, proxymap), and whoever can speak SMTP to this
 * host can ask for these addresses anyway. Close the directory's mode to hide them.
 */
export const publishedMode = 0o644

/** Writes and syncs a text in parts. Throws Unavailable. */
export async function writeSynced(path: string, parts: readonly string[]): Promise<void> {
  await writeNew(path, parts, (file) => file.sync())
}

/** Writes a text in parts; it may be lost in a power cut unless it is synced. Throws Unavailable. */
export async function writeUnsynced(path: string, parts: readonly string[]): Promise<void> {
  await writeNew(path, parts, async () => undefined)
}

async function writeNew(
  path: string,
  parts: readonly string[],
  last: (file: FileHandle) => Promise<void>,
): Promise<void> {
  await about(path, 'written', async () => {
    await rm(path, { force: true })
    await withFile(path, 'wx', async (file) => {
      await file.chmod(publishedMode) // whatever the umask is
      await file.writeFile(parts)
      await last(file)
    })
  })
}

/** Syncs a file that another program wrote, or a directory. Throws Unavailable. */
export async function syncPath(path: string): Promise<void> {
  await about(path, 'synced', () => withFile(path, 'r', (file) => file.sync()))
}

export async function renameOver(from: string, to: string): Promise<void> {
  await about(to, 'replaced', () => rename(from, to))
}

export async function removeFile(path: string): Promise<void> {
  await about(path, 'removed', () => rm(path, { force: true }))
}

/** The text of a file, or null when there is none. Throws Unavailable. */
export async function textOf(path: string): Promise<string | null> {
  return about(path, 'read', () => orMissing(readFile(path, 'utf8')))
}

/** When the file was last written, in milliseconds, or null when there is none. Throws Unavailable. */
export async function changeTime(path: string): Promise<number | null> {
  return about(path, 'read', async () => (await orMissing(stat(path)))?.mtimeMs ?? null)
}

async function orMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw fault
  }
}

async function withFile(
  path: string,
  flags: string,
  work: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, publishedMode)
  try {
    await work(file)
  } finally {
    await file.close()
  }
}

/** Turns the system's words into ours: which path, what failed, where to look. */
export async function about<T>(path: string, deed: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (fault) {
    if (fault instanceof Unavailable) throw fault
    const words = fault instanceof Error ? fault.message : String(fault)
    const remedy = ['EACCES', 'EPERM'].includes((fault as NodeJS.ErrnoException).code ?? '')
      ? 'run this as root, or as the user to whom it belongs'
      : 'check free space, and owner and mode of the file and its directory'
    throw new Unavailable(`${path} cannot be ${deed} (${words}); ${remedy}`, { cause: fault })
  }
}
