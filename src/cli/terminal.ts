// The process's own standard input, output and error, as a command's output; and the files that stand in for them.

import { once } from 'node:events'
import { createReadStream, createWriteStream, renameSync, rmSync, statSync, type WriteStream } from 'node:fs'
import { Socket } from 'node:net'
import { resolve } from 'node:path'
import type { CallOutput } from '../app/control.ts'

/** Exit without a word when the reader of a pipe has gone, as `posthorn members … | head` does. */
export function endQuietlyWithThePipe(): void {
  process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
    if (fault.code === 'EPIPE') process.exit(0)
    throw fault
  })
}

/** Output to `target`, mistakes and progress to standard error. */
export function terminalOutput(
  target: NodeJS.WritableStream & { writableNeedDrain: boolean } = process.stdout,
): CallOutput {
  let progressShown = false
  const clear = () => {
    if (progressShown) process.stderr.write('\r\u001b[K')
    progressShown = false
  }
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
      if (target.writableNeedDrain) await once(target, 'drain')
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
    // A command that ends before its input does must not wait for the rest.
    if (process.stdin instanceof Socket) process.stdin.unref()
    return process.stdin
  }
  if (!isThere(name))
    throw new FileFault(`'${name}' is no file: check the name; it is looked for in ${process.cwd()}`)
  return readOrExplain(name)
}

/** Throws FileFault for what this user may not even look at. */
function isThere(name: string): boolean {
  try {
    return statSync(name, { throwIfNoEntry: false })?.isDirectory() === false
  } catch (fault) {
    throw unreadable(name, fault)
  }
}

const unreadable = (name: string, fault: unknown): FileFault =>
  new FileFault(`'${name}' cannot be read: ${(fault as Error).message}`, { cause: fault })

async function* readOrExplain(name: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(name)) yield chunk
  } catch (fault) {
    throw unreadable(name, fault)
  }
}

export interface OutputFile {
  readonly stream: WriteStream
  /** Puts the file in its place when all went well; else nothing is left of it. */
  finish(good: boolean): Promise<void>
}

/** Written beside its place first, so that a listing that breaks off leaves the old file. Throws FileFault. */
export async function openOutput(name: string): Promise<OutputFile> {
  const path = resolve(name)
  const draft = `${path}.${process.pid}.new`
  const stream = createWriteStream(draft, { flags: 'wx' })
  try {
    await once(stream, 'open')
  } catch (fault) {
    throw new FileFault(`'${name}' cannot be written: ${(fault as Error).message}`, { cause: fault })
  }
  return {
    stream,
    finish: async (good) => {
      stream.end()
      await once(stream, 'close')
      if (good) renameSync(draft, path)
      else rmSync(draft, { force: true })
    },
  }
}
