// Backup while mail goes on: one moment of the database, then the files that it names, then the manifest. Law: no message
// goes away while it runs, so what the copy names is there; what was there before is never overwritten.
import { access, chmod, constants, copyFile, mkdir, open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Unavailable } from '../base/unavailable.ts'
import type { Config } from '../config/config.ts'
import type { Services } from '../services.ts'
import { contentsOf } from '../store/snapshot.ts'
import {
  type BackupFile,
  BackupRefusal,
  configurationName,
  databaseName,
  type Manifest,
  manifestName,
  measure,
  messagesName,
  syncFile,
} from './backup-files.ts'
import { databasePath, messagesDirectory } from './data-directory.ts'
import { accountName } from './ownership.ts'
import { startWorker } from './start-worker.ts'
import type { BackupNews, BackupStart } from './workers/backup.ts'

export interface BackupSettings {
  readonly directory: string
  /** The release that writes it. */
  readonly version: string
  readonly keepMessages: () => Promise<() => void>
  readonly progress: (words: string) => void
}

/** Throws BackupRefusal for a folder that is not empty, Unavailable when the disk will not; nothing stays behind then. */
export async function makeBackup(
  { config, clock }: Pick<Services, 'config' | 'clock'>,
  { directory, version, keepMessages, progress }: BackupSettings,
): Promise<Manifest> {
  const made = new Date(clock.now()).toISOString()
  const wasThere = await prepare(directory)
  const release = await keepMessages()
  try {
    progress('copying the database')
    const database = join(directory, databaseName)
    await copyInThread({ database: databasePath(config), target: database })
    await chmod(database, 0o600)
    const { schema, rows, files } = contentsOf(database)
    const kept = [databaseName]
    const folders = new Set<string>()
    for (const [at, file] of files.entries()) {
      if (at % 100 === 0) progress(`message files: ${at} of ${files.length}`)
      const path = `${messagesName}/${file}`
      const folder = dirname(path)
      if (!folders.has(folder)) await mkdir(join(directory, folder), { recursive: true, mode: 0o700 })
      folders.add(folder)
      await copyFile(join(messagesDirectory(config), file), join(directory, path))
      kept.push(path)
    }
    for (const [path, source] of configurationFiles(config)) {
      await mkdir(join(directory, configurationName), { recursive: true, mode: 0o700 })
      await copyFile(source, join(directory, path))
      kept.push(path)
    }
    const measured: BackupFile[] = []
    for (const [at, path] of kept.entries()) {
      if (at % 100 === 0) progress(`hashes: ${at} of ${kept.length}`)
      await syncFile(join(directory, path))
      measured.push(await measure(directory, path))
    }
    const manifest: Manifest = { format: 1, posthorn: version, made, schema, rows, files: measured }
    for (const folder of ['', ...folders]) await syncFile(join(directory, folder))
    await writeLast(join(directory, manifestName), `${JSON.stringify(manifest, null, 1)}\n`)
    await syncFile(directory)
    if (!wasThere) await syncFile(dirname(directory))
    return manifest
  } catch (fault) {
    await removeWhatWeMade(directory, wasThere)
    throw asUnavailable(directory, fault)
  } finally {
    release()
  }
}

// The folder is ours alone: new, or empty.
async function prepare(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { mode: 0o700 })
    return false
  } catch (fault) {
    const { code, message } = fault as NodeJS.ErrnoException
    if (code === 'ENOENT')
      throw new BackupRefusal(`${dirname(directory)} does not exist; make it first, or name another place`)
    if (code === 'EACCES' || code === 'EPERM') throw mayNotWrite(dirname(directory), fault)
    if (code !== 'EEXIST') throw asUnavailable(directory, fault)
    const names = await readdir(directory).catch(() => null)
    if (names === null) throw new BackupRefusal(`${directory} is no directory that can be read (${message})`)
    if (names.length > 0)
      throw new BackupRefusal(`${directory} is not empty; each backup goes into a new directory`)
    await access(directory, constants.W_OK | constants.X_OK).catch((why: unknown) => {
      throw mayNotWrite(directory, why)
    })
    return true
  }
}

async function copyInThread(start: BackupStart): Promise<void> {
  const worker = startWorker('backup', start)
  const news = await new Promise<BackupNews>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the backup thread ended with code ${code}`)))
  })
  if ('fault' in news)
    throw new Unavailable(`the database cannot be copied to ${start.target}: ${news.fault}`)
}

// For a person who sets the machine up again; a restore never puts them in place. Numbered, as two may have one name.
function configurationFiles({ source, mta }: Config): readonly (readonly [string, string])[] {
  const files = [source, mta.configuration.kind === 'file' ? mta.configuration.path : null]
  return files
    .filter((file) => file !== null)
    .map((file, at) => [`${configurationName}/${at + 1}-${basename(file)}`, file] as const)
}

async function writeLast(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
}

async function removeWhatWeMade(directory: string, wasThere: boolean): Promise<void> {
  if (!wasThere) return rm(directory, { recursive: true, force: true })
  for (const name of [databaseName, messagesName, configurationName, manifestName])
    await rm(join(directory, name), { recursive: true, force: true })
}

// The server makes the copy, whoever asked for it.
function mayNotWrite(place: string, cause: unknown): BackupRefusal {
  const self = accountName(process.geteuid?.() ?? -1)
  return new BackupRefusal(
    `the backup was not made: ${self}, who runs Posthorn, may not write in ${place}; make a directory for backups that belongs to ${self}, such as 'install -d -m 0700 -o ${self} ${join(place, 'posthorn')}', and name one below it`,
    { cause },
  )
}

function asUnavailable(directory: string, fault: unknown): unknown {
  const { code, message } = fault as NodeJS.ErrnoException
  if (fault instanceof Unavailable || fault instanceof BackupRefusal || code === undefined) return fault
  const words: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full; free some space or name another place',
    EACCES: message,
    EPERM: message,
    EROFS: `${dirname(directory)} is read-only for the server; under systemd 'ReadWritePaths=${dirname(directory)}' lets it in ('systemctl edit posthorn')`,
  }
  // A full disk may have room later; the others stay as they are until somebody mends them.
  const Kind = code === 'ENOSPC' || words[code] === undefined ? Unavailable : BackupRefusal
  return new Kind(`the backup to ${directory} was not made: ${words[code] ?? message}`, { cause: fault })
}
