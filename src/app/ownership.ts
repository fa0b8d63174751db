// Whose the files of the data directory are. Law: what root makes there belongs to whom the directory belongs to, else the
// server could not open it; no link is followed on the way, and no file with two names is given away.
import { type Dirent, lchownSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** To whom root has to give what it makes in `varDir`; null for nobody: we are not root, or root is the owner. */
export function ownerToServe(varDir: string): Owner | null {
  if (process.geteuid?.() !== 0) return null
  const owner = statSync(varDir, { throwIfNoEntry: false })
  return owner === undefined || owner.uid === 0 ? null : { uid: owner.uid, gid: owner.gid }
}

/** Gives all that is in `varDir`, and these other files, to its owner. Does nothing unless this is root on another's. */
export function giveToOwner(varDir: string, others: readonly string[] = []): void {
  const owner = ownerToServe(varDir)
  if (owner === null) return
  for (const path of [...others, ...below(varDir)]) give(path, owner)
}

/** Directories that `mkdir -p` made, from `first` down to `last`. */
export function giveNewDirectories(varDir: string, first: string, last: string): void {
  const owner = ownerToServe(varDir)
  if (owner === null) return
  for (let path = last; path.length >= first.length; path = dirname(path)) give(path, owner)
}

function give(path: string, { uid, gid }: Owner): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined || (found.uid === uid && found.gid === gid)) return
  if (!found.isDirectory() && found.nlink > 1) return
  try {
    lchownSync(path, uid, gid)
  } catch (fault) {
    // It has just gone, or this root may not give away (a container): then `posthorn doctor` tells of it.
    if (!['ENOENT', 'EPERM', 'EROFS'].includes((fault as NodeJS.ErrnoException).code ?? '')) throw fault
  }
}

function* below(directory: string): Generator<string> {
  let entries: readonly Dirent[]
  try {
    entries = readdirSync(directory, { withFileTypes: true })
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return
    throw fault
  }
  for (const entry of entries) {
    const path = join(directory, entry.name)
    yield path
    if (entry.isDirectory()) yield* below(path)
  }
}

/** The name of an account of this host (passwd(5)); `user 999` where it has none. */
export function accountName(uid: number): string {
  let accounts = ''
  try {
    accounts = readFileSync('/etc/passwd', 'utf8')
  } catch {
    // A container may have no such file.
  }
  const line = accounts.split('\n').find((each) => each.split(':')[2] === String(uid))
  return line?.split(':')[0] || `user ${uid}`
}
