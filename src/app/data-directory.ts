// The data directory (`var_dir`): its layout, its one lock, the server's pid file and the place of the control
// socket. Law: whoever changes the database holds the lock, and the kernel takes it back when that process dies.
import { createHash } from 'node:crypto'
import { accessSync, constants, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type LogFile, openLog } from '../base/log.ts'
import type { Config } from '../config/config.ts'
import { createOwnFile, sqliteCode } from '../store/database.ts'
import { accountName, giveNewDirectories } from './ownership.ts'

type Site = Pick<Config, 'paths'>

/** The data directory cannot be used: words for the operator. */
export class DirectoryRefusal extends Error {
  override readonly name = 'DirectoryRefusal'
}

export const databasePath = ({ paths }: Site): string => join(paths.varDir, 'posthorn.db')
export const messagesDirectory = ({ paths }: Site): string => join(paths.varDir, 'messages')
export const logPath = ({ paths }: Site): string => join(paths.logDir, 'posthorn.log')
const runDirectory = ({ paths }: Site): string => join(paths.varDir, 'run')

/** Creates what is missing, readable by the owner and the group. Throws DirectoryRefusal. */
export function prepareDataDirectory(config: Site): void {
  const { varDir, dataDir, listDataDir, logDir, pidFile } = config.paths
  const before = process.umask(0o007)
  try {
    const directories = [
      varDir,
      dataDir,
      listDataDir,
      logDir,
      runDirectory(config),
      messagesDirectory(config),
      dirname(pidFile),
    ]
    for (const directory of directories) prepare(directory, varDir)
  } finally {
    process.umask(before)
  }
}

function prepare(directory: string, varDir: string): void {
  try {
    const made = mkdirSync(directory, { recursive: true })
    if (made !== undefined) giveNewDirectories(varDir, made, directory)
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (fault) {
    throw new DirectoryRefusal(wordsFor(directory, fault as NodeJS.ErrnoException), { cause: fault })
  }
}

function wordsFor(
  path: string,
  fault: { readonly code?: string | undefined; readonly message?: string },
): string {
  switch (fault.code) {
    case 'EACCES':
    case 'EPERM': {
      const [owner, self] = [ownerOf(path), process.geteuid?.() ?? -1]
      if (owner === self)
        return `${path} cannot be written by ${accountName(self)}, to whom it belongs: its mode forbids it; chmod u+rwX ${path}`
      const whose = owner === null ? '' : `; it belongs to ${accountName(owner)}`
      return `${path} cannot be written by ${accountName(self)}${whose}; run this as the user that runs Posthorn, or change owner or mode`
    }
    case 'EROFS':
      return `${path} is on a read-only file system; mount it for writing, or set var_dir to another place`
    case 'ENOSPC':
      return `${path}: the disk is full; free some space and try again`
    case 'ENOTDIR':
    case 'EEXIST':
      return `${path} cannot be a directory: a file is in its way; move it away, or set [paths.*] var_dir to another place`
    default:
      return `${path}: ${fault.message}; check [paths.*] var_dir`
  }
}

/** The log file of the directory. Throws DirectoryRefusal. */
export function openSiteLog({ paths }: Site): LogFile {
  const path = logPath({ paths })
  try {
    return openLog(path)
  } catch (fault) {
    throw new DirectoryRefusal(wordsFor(path, fault as NodeJS.ErrnoException), { cause: fault })
  }
}

/** The nearest part of the path that exists. */
function ownerOf(path: string): number | null {
  const uid = uidOf(path)
  if (uid !== null) return uid
  const above = dirname(path)
  return above === path ? null : ownerOf(above)
}

/** Null for what is not there, or lies in a folder that this user may not look into. */
function uidOf(path: string): number | null {
  try {
    return statSync(path, { throwIfNoEntry: false })?.uid ?? null
  } catch {
    return null
  }
}

// ---- the lock ----

/** Who has the lock: the server, or a command that found no server. */
export interface LockHolder {
  readonly pid: number
  readonly what: string
}

export interface Lock {
  release(): void
}

export type LockTaken = Lock | { readonly heldBy: LockHolder | null }

const busy = 5
const full = 13

/**
 * Takes the exclusive lock, without waiting. `what` says who we are: `server`, or a command's name; the server
 * also writes its pid to the configured pid file. Throws DirectoryRefusal when the lock file cannot be used.
 */
export function takeLock(config: Site, what: string): LockTaken {
  const path = join(runDirectory(config), 'lock.db')
  const held = lockFile(path)
  if (held === null) return { heldBy: lockHolder(config) }
  const holderFile = holderPath(config)
  try {
    writeFileSync(holderFile, `${JSON.stringify({ pid: process.pid, what } satisfies LockHolder)}\n`)
    if (what === 'server') writeFileSync(config.paths.pidFile, `${process.pid}\n`)
  } catch (fault) {
    held.close()
    const { path: unwritable = holderFile } = fault as NodeJS.ErrnoException
    throw new DirectoryRefusal(wordsFor(unwritable, fault as NodeJS.ErrnoException), { cause: fault })
  }
  return {
    release: () => {
      if (what === 'server') rmSync(config.paths.pidFile, { force: true })
      rmSync(holderFile, { force: true })
      held.close()
    },
  }
}

/** Null when another connection has it; a transaction left open is the lock, the kernel ends it with the process. */
function lockFile(path: string): DatabaseSync | null {
  let db: DatabaseSync | null = null
  try {
    createOwnFile(path)
    db = new DatabaseSync(path, { timeout: 0 })
    db.exec('begin exclusive')
    return db
  } catch (fault) {
    db?.close()
    if (sqliteCode(fault) === busy) return null
    if (sqliteCode(fault) === full)
      throw new DirectoryRefusal(wordsFor(path, { code: 'ENOSPC' }), { cause: fault })
    const words = fault instanceof Error ? fault.message : String(fault)
    throw new DirectoryRefusal(
      `the lock ${path} cannot be taken (${words}); run this as the user that runs Posthorn, or check owner and mode of the file`,
      { cause: fault },
    )
  }
}

const holderPath = (config: Site): string => join(runDirectory(config), 'lock.holder')

/** Who says to hold the lock; null when nobody does, or the file cannot be read. True only while the lock is held. */
export function lockHolder(config: Site): LockHolder | null {
  try {
    const holder: unknown = JSON.parse(readFileSync(holderPath(config), 'utf8'))
    if (typeof holder !== 'object' || holder === null) return null
    const { pid, what } = holder as Readonly<Record<string, unknown>>
    return typeof pid === 'number' && typeof what === 'string' ? { pid, what } : null
  } catch {
    return null
  }
}

/**
 * Who holds the lock right now; null when it is free. Takes and frees it to find out; changes nothing else.
 * Throws DirectoryRefusal.
 */
export function whoHoldsLock(config: Site): LockHolder | 'unknown' | null {
  const path = join(runDirectory(config), 'lock.db')
  try {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return null
  } catch (fault) {
    throw new DirectoryRefusal(wordsFor(path, fault as NodeJS.ErrnoException), { cause: fault })
  }
  const held = lockFile(path)
  if (held === null) return lockHolder(config) ?? 'unknown'
  held.close()
  return null
}

// ---- the control socket ----

// sockaddr_un holds 108 bytes on Linux; some room is left for tools that count badly.
const longestSocketPath = 100

/** Where the server will listen; long paths go to `/run/posthorn`, and run/control.path names them. Throws DirectoryRefusal. */
export function claimControlPath(config: Site, elsewhere = '/run/posthorn'): string {
  const usual = join(runDirectory(config), 'control.sock')
  const pointer = join(runDirectory(config), 'control.path')
  if (Buffer.byteLength(usual) <= longestSocketPath) {
    rmSync(pointer, { force: true })
    return usual
  }
  try {
    mkdirSync(elsewhere, { recursive: true, mode: 0o770 })
  } catch (fault) {
    throw new DirectoryRefusal(
      `${usual} is too long for the name of a socket, and ${elsewhere} cannot be made (${(fault as Error).message}); create it for the user that runs Posthorn, or set var_dir to a shorter path`,
      { cause: fault },
    )
  }
  const hash = createHash('sha256').update(usual).digest('hex').slice(0, 16)
  const path = join(elsewhere, `${hash}.sock`)
  writeFileSync(pointer, `${path}\n`)
  return path
}

/** Where a running server listens, as its client finds it. */
export function findControlPath(config: Site): string {
  const pointer = join(runDirectory(config), 'control.path')
  try {
    return readFileSync(pointer, 'utf8').trim()
  } catch {
    return join(runDirectory(config), 'control.sock')
  }
}
