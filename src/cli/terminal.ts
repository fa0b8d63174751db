// The process's own standard input, output and error, as a command's output; and the files that stand in for them.

import { once } from 'node:events'
import {
  createReadStream,
  createWriteStream,
  fstatSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  type WriteStream,
} from 'node:fs'
import { Socket } from 'node:net'
import { isAbsolute, resolve } from 'node:path'
import type { CallOutput } from '../app/control.ts'

/**
 * Ends without a word when the reader of a pipe has gone, as in `posthorn members … | head`, and with words when the
 * output cannot be written. Nobody reading the mistakes is no reason to stop in the middle of the work.
 */
export function endWithTheOutput(): void {
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
    if (fault.code === 'EPIPE') process.exit(0)
    process.stderr.write(`posthorn: standard output cannot be written: ${reasonOf(fault)}\n`)
    process.exit(1)
  })
}

/** Output to `target`, mistakes and progress to standard error. */
export function terminalOutput(
  target: NodeJS.WritableStream & { writableNeedDrain: boolean; errored?: Error | null } = process.stdout,
): CallOutput {
  let progressShown = false
  const clear = () => {
    if (progressShown) process.stderr.write('\r\u001b[K')
    progressShown = false
  }
  process.once('exit', clear)
  return {
    out: (text) => {
      clear()
      target.write(text)
    },
    err: (text) => {
      clear()
      process.stderr.write(text)
    },
    progress: (text) => {
      if (!process.stderr.isTTY) return
      process.stderr.write(`\r\u001b[K${text}`)
      progressShown = true
    },
    drained: async () => {
      try {
        if (target.errored) throw target.errored
        if (target.writableNeedDrain) await once(target, 'drain')
      } catch (fault) {
        // Who listens to standard output ends the process, with the words that fit.
        if (target === process.stdout) await new Promise(() => undefined)
        throw new FileFault(`the output cannot be written: ${reasonOf(fault)}`, { cause: fault })
      }
    },
  }
}

/** A file that cannot be used, with words for the operator. */
export class FileFault extends Error {
  override readonly name = 'FileFault'
}

/** The bytes of a file, or of standard input for `-`. Throws FileFault for one that is not there. */
export function openInput(name: string): AsyncIterable<Uint8Array> {
  if (name === '-') {
    if (fstatSync(0).isDirectory()) throw new FileFault('standard input is a directory')
    // A command that ends before its input does must not wait for the rest.
    if (process.stdin instanceof Socket) process.stdin.unref()
    return readOrExplain('standard input', process.stdin)
  }
  switch (whatIs(name)) {
    case 'nothing': {
      const place = isAbsolute(name) ? '' : `; it is looked for in ${process.cwd()}`
      const list = name.includes('@') ? '. The file comes first, then the list' : ''
      throw new FileFault(`there is no file '${name}': check the name${place}${list}`)
    }
    case 'directory':
      throw new FileFault(`'${name}' is a directory, not a file`)
  }
  return readOrExplain(`'${name}'`, createReadStream(name))
}

/** Throws FileFault for what this user may not even look at. */
function whatIs(name: string): 'nothing' | 'directory' | 'file' {
  try {
    const found = statSync(name, { throwIfNoEntry: false })
    if (found === undefined) return 'nothing'
    return found.isDirectory() ? 'directory' : 'file'
  } catch (fault) {
    throw unreadable(`'${name}'`, fault)
  }
}

const unreadable = (what: string, fault: unknown): FileFault =>
  new FileFault(`${what} cannot be read: ${reasonOf(fault)}`, { cause: fault })

async function* readOrExplain(what: string, input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of input) yield chunk
  } catch (fault) {
    throw unreadable(what, fault)
  }
}

export interface OutputFile {
  readonly stream: WriteStream
  /** Puts the file in its place when all went well; else nothing is left of it. Throws FileFault. */
  finish(good: boolean): Promise<void>
}

/**
 * Written beside its place first, so that a listing that breaks off leaves the old file; what is no file (a device, a
 * pipe) is written as it is, and a link stays one. Throws FileFault.
 */
export async function openOutput(name: string): Promise<OutputFile> {
  const unwritable = (fault: unknown) =>
    new FileFault(`'${name}' cannot be written: ${reasonOf(fault)}`, { cause: fault })
  let place: { readonly path: string; readonly mode?: number; readonly isFile: boolean }
  try {
    place = placeOf(resolve(name))
  } catch (fault) {
    throw unwritable(fault)
  }
  const { path, mode, isFile } = place
  const written = isFile ? `${path}.${process.pid}.new` : path
  const stream = createWriteStream(written, {
    flags: isFile ? 'wx' : 'w',
    ...(mode === undefined ? {} : { mode }),
  })
  let fault: unknown = null
  stream.on('error', (why) => {
    fault = why
  })
  try {
    await once(stream, 'open')
  } catch (why) {
    throw unwritable(why)
  }
  return {
    stream,
    finish: async (good) => {
      if (!stream.destroyed) {
        stream.end()
        await once(stream, 'close').catch(() => undefined) // `fault` has it
      }
      if (isFile && good && fault === null) return renameSync(written, path)
      if (isFile) rmSync(written, { force: true })
      if (fault !== null) throw unwritable(fault)
    },
  }
}

/** Where the text ends up, links followed. Throws for a directory, and what the file system says. */
function placeOf(path: string): { readonly path: string; readonly mode?: number; readonly isFile: boolean } {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return { path, isFile: true }
  if (found.isDirectory()) throw new Error('it is a directory')
  return { path: realpathSync(path), mode: found.mode & 0o777, isFile: found.isFile() }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EISDIR: 'it is a directory',
  ENOENT: 'its directory does not exist',
  ENOSPC: 'no space is left',
  EROFS: 'the file system is read-only',
}

function reasonOf(fault: unknown): string {
  const { code, message } = fault as NodeJS.ErrnoException
  return reasons[code ?? ''] ?? message
}
