// Keeps a large message in a file below VAR/messages, so that the database stays small. Law: the bytes, the
// name and every new folder on the way to it are on disk before the row that names the file is committed.
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { base32, systemRandom } from '../base/random.ts'
import { Unavailable } from '../base/unavailable.ts'

/** Messages beyond so many bytes go to a file. */
export const largestInRow = 256 * 1024

/**
 * Returns the file's name below `spool`: two levels of folders from the hash, then the hash and a random part, as
 * each message owns its file. Throws Unavailable.
 */
export async function writeMessageFile(spool: string, hash: Buffer, bytes: Uint8Array): Promise<string> {
  const hex = hash.toString('hex')
  const name = join(hex.slice(0, 2), hex.slice(2, 4), `${hex}-${base32(systemRandom.bytes(5))}`)
  const path = join(spool, name)
  const temporary = `${join(spool, hex)}-${base32(systemRandom.bytes(5))}.tmp`
  try {
    await mkdir(spool, { recursive: true })
    await writeSynced(temporary, bytes)
    await makeFolders(spool, dirname(path))
    await rename(temporary, path)
    await syncFolder(dirname(path))
    return name
  } catch (fault) {
    await rm(temporary, { force: true }).catch(() => undefined)
    const words = fault instanceof Error ? fault.message : String(fault)
    throw new Unavailable(`a large message cannot be written below ${spool}: ${words}`, { cause: fault })
  }
}

/** The row was never committed: the file goes; if it cannot, it only takes room. */
export async function removeMessageFile(spool: string, name: string): Promise<void> {
  await rm(join(spool, name), { force: true }).catch(() => undefined)
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, 'wx', 0o640)
  await file.writeFile(bytes)
  await file.datasync()
}

async function makeFolders(spool: string, folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o750 })
  if (first === undefined) return
  await syncFolder(dirname(folder))
  await syncFolder(spool)
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync()
}
