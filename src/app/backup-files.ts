// What a backup is: a folder with the database as it was at one moment, the files of the large messages that it names,
// the configuration files, and a manifest with size and SHA-256 of each. Law: the manifest is written last and synced,
// so a folder without one is no backup.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { isAbsolute, join, normalize } from 'node:path'

export const manifestName = 'manifest.json'
export const databaseName = 'posthorn.db'
export const messagesName = 'messages'
export const configurationName = 'configuration'

export interface BackupFile {
  /** Below the folder, with `/`. */
  readonly path: string
  readonly size: number
  readonly sha256: string
}

export interface Manifest {
  readonly format: 1
  /** The release that made it. */
  readonly posthorn: string
  /** ISO 8601, UTC: before the first byte was copied. */
  readonly made: string
  readonly schema: number
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>
  readonly files: readonly BackupFile[]
}

/** The folder is no backup, or not a sound one: words for the operator. */
export class BackupRefusal extends Error {
  override readonly name = 'BackupRefusal'
}

/** Throws BackupRefusal. */
export function readManifest(directory: string): Manifest {
  if (!existsSync(directory))
    throw new BackupRefusal(`${directory} is not there, or not to be seen by this user`)
  const path = join(directory, manifestName)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException
    throw new BackupRefusal(
      code === 'ENOENT' || code === 'ENOTDIR'
        ? `${directory} is no backup, or one that did not come to its end: it has no ${manifestName}`
        : `${path} cannot be read: ${(fault as Error).message}`,
      { cause: fault },
    )
  }
  const manifest = parseManifest(text)
  if (manifest === null)
    throw new BackupRefusal(`${path} is damaged, or was written by a newer Posthorn; use another backup`)
  return manifest
}

function parseManifest(text: string): Manifest | null {
  try {
    const found: unknown = JSON.parse(text)
    if (typeof found !== 'object' || found === null) return null
    const { format, posthorn, made, schema, rows, files } = found as Readonly<Record<string, unknown>>
    const sound =
      format === 1 &&
      typeof posthorn === 'string' &&
      typeof made === 'string' &&
      Number.isFinite(Date.parse(made)) &&
      typeof schema === 'number' &&
      typeof rows === 'object' &&
      rows !== null &&
      Object.values(rows).every((count) => typeof count === 'number') &&
      Array.isArray(files) &&
      files.every(isBackupFile)
    return sound ? (found as Manifest) : null
  } catch {
    return null
  }
}

// A manifest comes from a disk that others may have written: no path of it may lead out of the folder.
function isBackupFile(file: unknown): file is BackupFile {
  if (typeof file !== 'object' || file === null) return false
  const { path, size, sha256 } = file as Readonly<Record<string, unknown>>
  return (
    typeof path === 'string' &&
    path !== '' &&
    !isAbsolute(path) &&
    normalize(path) === path &&
    !path.startsWith('..') &&
    typeof size === 'number' &&
    typeof sha256 === 'string'
  )
}

/** Size and hash of a file. Rejects with the file system's fault. */
export async function measure(directory: string, path: string): Promise<BackupFile> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(join(directory, path)) as AsyncIterable<Uint8Array>) {
    hash.update(chunk)
    size += chunk.length
  }
  return { path, size, sha256: hash.digest('hex') }
}

export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync()
}
