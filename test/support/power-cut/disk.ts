// What a disk may hold after the power went: a file has the bytes of its last fsync, and of what was written since
// nothing, all or any part, in blocks of 512; a name is there when its directory was synced after the name was made.
//
// The variant of names is the strict one: fsync of a new file does not keep its name (ext4 would), only fsync of the
// directory does; a rename comes in two halves, each kept with its own directory. SQLite is correct under it: it
// syncs the directory together with the first sync of a new journal or log. The -shm file is not replayed: it is
// mapped memory, and SQLite makes it anew from the log.
import { Buffer } from 'node:buffer'
import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { Entry } from './journal.ts'

/** Which of the writes since the last fsync reached the disk. */
export type Unsynced = 'none' | 'all' | (() => boolean)

type Change =
  | { readonly kind: 'bytes'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'length'; readonly length: number }

class FileOnDisk {
  readonly isFolder: boolean
  synced: Buffer
  since: Change[] = []

  constructor(isFolder: boolean, content: Buffer = Buffer.alloc(0)) {
    this.isFolder = isFolder
    this.synced = content
  }

  sync(): void {
    this.synced = this.content('all')
    this.since = []
  }

  content(unsynced: Unsynced): Buffer {
    if (unsynced === 'none' || this.since.length === 0) return this.synced
    let content: Buffer = Buffer.from(this.synced)
    for (const change of this.since) {
      if (change.kind === 'length') {
        if (unsynced === 'all' || unsynced()) content = resized(content, change.length)
        continue
      }
      const { at, bytes } = change
      for (let from = 0; from < bytes.length; ) {
        const to = Math.min(bytes.length, from + block - ((at + from) % block))
        if (unsynced === 'all' || unsynced()) {
          content = resized(content, Math.max(content.length, at + to))
          bytes.copy(content, at + from, from, to)
        }
        from = to
      }
    }
    return content
  }
}

const block = 512

function resized(content: Buffer, length: number): Buffer {
  if (length <= content.length) return content.subarray(0, length)
  const longer = Buffer.alloc(length)
  content.copy(longer)
  return longer
}

interface Naming {
  readonly path: string
  /** Null: the name goes. */
  readonly file: FileOnDisk | null
}

export class Disk {
  readonly #root: string
  readonly #byInode = new Map<number, FileOnDisk>()
  /** As the processes saw it. */
  readonly #names = new Map<string, FileOnDisk>()
  /** As the disk has it. */
  readonly #syncedNames = new Map<string, FileOnDisk>()
  /** Of a directory, since its last fsync. */
  readonly #namings = new Map<string, Naming[]>()

  private constructor(root: string) {
    this.#root = root
  }

  /** A disk on which all that is below `source` is safe, under the name `root`. */
  static async of(source: string, root: string): Promise<Disk> {
    const disk = new Disk(root)
    for (const from of [source, ...(await pathsBelow(source))]) {
      const facts = await lstat(from)
      if (!facts.isDirectory() && !facts.isFile()) continue
      const file = facts.isDirectory() ? new FileOnDisk(true) : new FileOnDisk(false, await readFile(from))
      const path = join(root, relative(source, from))
      disk.#names.set(path, file)
      disk.#syncedNames.set(path, file)
    }
    return disk
  }

  replay(entry: Entry): void {
    switch (entry.kind) {
      case 'opened': {
        if (isMapped(entry.path)) return
        const known = this.#names.get(entry.path)
        if (entry.isNew || known === undefined) {
          const file = new FileOnDisk(false)
          this.#byInode.set(entry.inode, file)
          this.#name(entry.path, file)
        } else {
          this.#byInode.set(entry.inode, known)
          if (entry.emptied) known.since.push({ kind: 'length', length: 0 })
        }
        return
      }
      case 'written':
        this.#byInode.get(entry.inode)?.since.push({ kind: 'bytes', at: entry.at, bytes: entry.bytes })
        return
      case 'cut to':
        this.#byInode.get(entry.inode)?.since.push({ kind: 'length', length: entry.length })
        return
      case 'synced':
        this.#sync(entry.inode)
        return
      case 'renamed':
      case 'linked': {
        const file = this.#names.get(entry.from)
        if (file === undefined) throw new Error(`${entry.from} was ${entry.kind} and never made`)
        if (entry.kind === 'renamed') this.#name(entry.from, null)
        this.#name(entry.to, file)
        return
      }
      case 'folder made':
        this.#name(entry.path, new FileOnDisk(true))
        return
      case 'unlinked':
      case 'folder gone':
        if (isMapped(entry.path)) return
        this.#name(entry.path, null)
        return
      case 'sent':
      case 'received':
        return
    }
  }

  /** Writes what the disk may hold below `directory`, which takes the place of the root. */
  async write(directory: string, unsynced: Unsynced): Promise<void> {
    const names = unsynced === 'all' ? this.#names : this.#syncedNames
    for (const [path, file] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!this.#isReachable(path, names)) continue
      const target = join(directory, relative(this.#root, path))
      if (file.isFolder) await mkdir(target, { recursive: true })
      else await writeFile(target, file.content(unsynced))
    }
  }

  /** The bytes of a file as the processes saw it; null where there is none. */
  read(path: string): Buffer | null {
    const file = this.#names.get(path)
    return file === undefined || file.isFolder ? null : file.content('all')
  }

  /** Paths of all files as the processes saw them. */
  paths(): readonly string[] {
    return [...this.#names].filter(([, { isFolder }]) => !isFolder).map(([path]) => path)
  }

  #name(path: string, file: FileOnDisk | null): void {
    if (file === null) this.#names.delete(path)
    else this.#names.set(path, file)
    const directory = dirname(path)
    const namings = this.#namings.get(directory) ?? []
    namings.push({ path, file })
    this.#namings.set(directory, namings)
  }

  #sync(inode: number): void {
    const file = this.#byInode.get(inode)
    if (file === undefined) return
    if (!file.isFolder) {
      file.sync()
      return
    }
    for (const [directory, namings] of this.#namings) {
      if (this.#names.get(directory) !== file) continue
      for (const { path, file: named } of namings) {
        if (named === null) this.#syncedNames.delete(path)
        else this.#syncedNames.set(path, named)
      }
      this.#namings.delete(directory)
    }
  }

  #isReachable(path: string, names: ReadonlyMap<string, FileOnDisk>): boolean {
    if (path === this.#root) return true
    const above = dirname(path)
    return names.get(above)?.isFolder === true && this.#isReachable(above, names)
  }
}

async function pathsBelow(root: string): Promise<readonly string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true })
  return found.map((one) => join(one.parentPath, one.name)).filter((path) => !isMapped(path))
}

const isMapped = (path: string): boolean => path.endsWith('-shm')
