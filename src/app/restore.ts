// A backup put in place of a data directory that is empty, and the trial of one. Law: the copy is checked first, marked as
// restored (delivery paused) while it has another name, and renamed last: no start ever sees half of it, or sends from it unasked.
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Clock, instant } from '../base/clock.ts'
import type { Config } from '../config/config.ts'
import { StoreRefusal, sqliteCode } from '../store/database.ts'
import { contentsOf, faultsOfCopy } from '../store/snapshot.ts'
import { openStore } from '../store/store.ts'
import { markRestored } from '../store/units/pausing.ts'
import {
  BackupRefusal,
  databaseName,
  type Manifest,
  measure,
  messagesName,
  readManifest,
  syncFile,
} from './backup-files.ts'
import { databasePath, messagesDirectory } from './data-directory.ts'
import { giveToOwner } from './ownership.ts'
import { startWriterThread } from './writer-thread.ts'

/**
 * Checks a backup as a restore would find it: each file against the manifest, and in a copy below the temporary
 * directory the database with every message. Throws BackupRefusal with all that is wrong.
 */
export async function verifyBackup(directory: string, progress: (words: string) => void): Promise<Manifest> {
  const manifest = readManifest(directory)
  const trial = mkdtempSync(join(tmpdir(), 'posthorn-verify-'))
  try {
    await checkFiles(directory, manifest, progress)
    progress('restoring into a temporary directory')
    putInPlace(directory, manifest, { database: join(trial, databaseName), spool: join(trial, messagesName) })
    progress('checking the database and every message')
    checkDatabase(join(trial, databaseName), manifest)
    // What a restore does: bring the schema up to date and open it for work.
    const writer = await startWriterThread(join(trial, databaseName))
    await writer.close()
    return manifest
  } catch (fault) {
    if (fault instanceof BackupRefusal || fault instanceof StoreRefusal) throw fault
    if ((fault as NodeJS.ErrnoException).code === 'ENOSPC')
      throw new BackupRefusal(
        `${directory} was not checked to its end: ${tmpdir()} is full. It takes as much space as the backup; TMPDIR names another directory`,
        { cause: fault },
      )
    throw new BackupRefusal(`${directory} cannot be restored: ${(fault as Error).message}`, { cause: fault })
  } finally {
    rmSync(trial, { recursive: true, force: true })
  }
}

/** Whoever calls holds the lock. Throws BackupRefusal; the data directory is then as it was. */
export async function restoreBackup(
  config: Config,
  directory: string,
  { clock, progress }: { readonly clock: Clock; readonly progress: (words: string) => void },
): Promise<Manifest> {
  const database = databasePath(config)
  if (existsSync(database))
    throw new BackupRefusal(
      `${database} is there; a restore never overwrites: move it and ${messagesDirectory(config)} away first`,
    )
  const manifest = readManifest(directory)
  await checkFiles(directory, manifest, progress)
  checkDatabase(join(directory, databaseName), manifest)
  const unfinished = `${database}.restoring`
  const forget = (): void => {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(unfinished + suffix, { force: true })
  }
  forget()
  progress('putting the files in place')
  try {
    putInPlace(directory, manifest, { database: unfinished, spool: messagesDirectory(config) })
  } catch (fault) {
    forget()
    const { code, message } = fault as NodeJS.ErrnoException
    const words = code === 'ENOSPC' ? 'the disk is full; free some space, and restore again' : message
    throw new BackupRefusal(`nothing was restored into ${config.paths.varDir}: ${words}`, { cause: fault })
  }
  await markPaused(unfinished, manifest, clock)
  for (const { path } of manifest.files)
    if (path.startsWith(`${messagesName}/`)) {
      const file = join(messagesDirectory(config), path.slice(messagesName.length + 1))
      await syncFile(file)
      await syncFile(dirname(file))
    }
  await syncFile(unfinished)
  giveToOwner(config.paths.varDir)
  renameSync(unfinished, database)
  await syncFile(dirname(database))
  return manifest
}

async function markPaused(path: string, { made }: Manifest, clock: Clock): Promise<void> {
  const writer = await startWriterThread(path)
  const port = writer.port()
  const store = openStore(port, path)
  try {
    await store.commit(markRestored, {
      since: clock.now(),
      why: `restored from a backup of ${made}`,
      restoredFrom: instant(Date.parse(made)),
    })
  } finally {
    store.close()
    port.close()
    await writer.close()
  }
}

async function checkFiles(
  directory: string,
  { files }: Manifest,
  progress: (words: string) => void,
): Promise<void> {
  const faults: string[] = []
  for (const [at, { path, size, sha256 }] of files.entries()) {
    if (at % 100 === 0) progress(`hashes: ${at} of ${files.length}`)
    const found = await measure(directory, path).catch((fault: NodeJS.ErrnoException) => fault)
    if (found instanceof Error)
      faults.push(found.code === 'ENOENT' ? `${path} is missing` : `${path}: ${found.message}`)
    else if (found.size !== size) faults.push(`${path} has ${found.size} bytes instead of ${size}`)
    else if (found.sha256 !== sha256) faults.push(`${path} was changed`)
  }
  refuse(faults)
}

function checkDatabase(path: string, manifest: Manifest): void {
  const hashes = new Map(manifest.files.map(({ path: name, sha256 }) => [name, sha256]))
  try {
    const { rows } = contentsOf(path)
    const tables = new Set([...Object.keys(rows), ...Object.keys(manifest.rows)])
    const differing = [...tables].filter((table) => rows[table] !== manifest.rows[table])
    refuse([
      ...differing.map(
        (table) =>
          `table ${table} has ${rows[table] ?? 'no'} rows instead of ${manifest.rows[table] ?? 'none'}`,
      ),
      ...faultsOfCopy(path, (file) => hashes.get(`${messagesName}/${file}`) ?? null),
    ])
  } catch (fault) {
    if (sqliteCode(fault) === null) throw fault
    throw new BackupRefusal(`the database of the backup is damaged: ${(fault as Error).message}`, {
      cause: fault,
    })
  }
}

function refuse(faults: readonly string[]): void {
  const [first, ...more] = faults
  if (first === undefined) return
  const shown = [first, ...more.slice(0, 9)]
  const rest = faults.length > shown.length ? [`and ${faults.length - shown.length} more`] : []
  throw new BackupRefusal(`the backup is not sound:\n  ${[...shown, ...rest].join('\n  ')}`)
}

function putInPlace(
  directory: string,
  { files }: Manifest,
  to: { readonly database: string; readonly spool: string },
): void {
  copyFileSync(join(directory, databaseName), to.database)
  chmodSync(to.database, 0o660) // as a new one is: the copy may have been made with any umask
  for (const { path } of files) {
    if (!path.startsWith(`${messagesName}/`)) continue
    const target = join(to.spool, path.slice(messagesName.length + 1))
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(join(directory, path), target)
  }
}
