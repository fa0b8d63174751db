// Compiles shim.c, and reads what it wrote down: each change below the data directory, each fsync and what went over
// sockets, in the order in which it happened.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export type Entry =
  | {
      readonly kind: 'opened'
      readonly inode: number
      readonly path: string
      /** The name was not there before. */
      readonly isNew: boolean
      /** What it held is gone. */
      readonly emptied: boolean
    }
  | { readonly kind: 'written'; readonly inode: number; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'cut to'; readonly inode: number; readonly length: number }
  | { readonly kind: 'synced'; readonly inode: number }
  | { readonly kind: 'renamed' | 'linked'; readonly from: string; readonly to: string }
  | { readonly kind: 'unlinked' | 'folder made' | 'folder gone'; readonly path: string }
  | { readonly kind: 'sent' | 'received'; readonly socket: number; readonly bytes: Buffer }

/** Returns the path of the library. Throws, by name, when there is no C compiler. */
export async function compileShim(directory: string): Promise<string> {
  const source = fileURLToPath(new URL('shim.c', import.meta.url))
  const library = join(directory, 'power-cut.so')
  const options = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror']
  try {
    await promisify(execFile)('cc', [...options, '-o', library, source, '-ldl', '-pthread'])
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault
    throw new Error('the power-cut test needs a C compiler, and there is no `cc`: install Debian’s gcc', {
      cause: fault,
    })
  }
  return library
}

/** What the server's environment needs to be recorded, and to die at the last of the `steps` (see shim.c). */
export function recording(
  library: string,
  journal: string,
  below: string,
  steps: readonly string[] = [],
): Record<string, string> {
  return {
    LD_PRELOAD: library,
    POWER_CUT_JOURNAL: journal,
    POWER_CUT_BELOW: below,
    POWER_CUT_KILL: steps.join(';'),
  }
}

export async function readJournal(path: string): Promise<readonly Entry[]> {
  const bytes = await readFile(path)
  const entries: Entry[] = []
  // The last record may be cut short where the process was killed.
  for (let at = 0; at + 28 <= bytes.length; ) {
    const end = at + bytes.readUInt32LE(at)
    if (end > bytes.length) break
    entries.push(readEntry(bytes.subarray(at, end)))
    at = end
  }
  return entries
}

function readEntry(record: Buffer): Entry {
  const kind = record.readUInt32LE(4)
  const of = Number(record.readBigUInt64LE(8))
  const at = Number(record.readBigUInt64LE(16))
  const pathEnd = 28 + record.readUInt32LE(24)
  const path = record.toString('utf8', 28, pathEnd)
  const bytes = record.subarray(pathEnd)
  switch (kind) {
    case 1:
      return { kind: 'opened', inode: of, path, isNew: (at & 1) !== 0, emptied: (at & 2) !== 0 }
    case 2:
      return { kind: 'written', inode: of, at, bytes }
    case 3:
      return { kind: 'cut to', inode: of, length: at }
    case 4:
      return { kind: 'synced', inode: of }
    case 5:
      return { kind: 'renamed', from: bytes.toString('utf8'), to: path }
    case 6:
      return { kind: 'unlinked', path }
    case 7:
      return { kind: 'folder made', path }
    case 8:
      return { kind: 'folder gone', path }
    case 9:
      return { kind: 'linked', from: bytes.toString('utf8'), to: path }
    case 10:
      return { kind: 'sent', socket: of, bytes }
    case 11:
      return { kind: 'received', socket: of, bytes }
    default:
      throw new Error(`the journal has a record of kind ${kind}`)
  }
}
