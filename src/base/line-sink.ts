// Where log lines go: a file, or standard output. Each is written before `write` returns, so that a crash loses none.
// Law: a log that cannot be written costs lines, never the server; how many is told once it can be written again.
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'

export interface LineSink {
  /** `text` is a whole line. Never throws. */
  write(text: string): void
  /** Opens the path anew, after logrotate moved the file; where that fails the old file goes on. */
  reopen(): void
}

// A reader of our pipe that is slow has one second; once lines are lost, nobody waits for it.
const pause = 10
const pauses = 100

/** `target` is a path, whose file is made with mode 0640, or an open descriptor. Throws when the path cannot be opened. */
export function openLineSink(target: string | number): LineSink {
  let descriptor = typeof target === 'number' ? target : openSync(target, 'a', 0o640)
  let lost = 0
  let why = ''
  /** What is still owed of a line that a slow reader of our pipe cut in two: it goes first. */
  let rest = Buffer.alloc(0)

  /** How many bytes were written. */
  const put = (bytes: Buffer): number => {
    let written = 0
    let patience = lost > 0 || rest.length > 0 ? 0 : pauses
    while (written < bytes.length) {
      try {
        written += writeSync(descriptor, bytes, written)
      } catch (fault) {
        if ((fault as NodeJS.ErrnoException).code === 'EAGAIN' && patience > 0) {
          patience -= 1
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
          continue
        }
        why = (fault as Error).message
        break
      }
    }
    return written
  }

  /** False when nothing of the line was written; true also when its rest has to follow. */
  const begin = (line: string): boolean => {
    const bytes = Buffer.from(line)
    const written = put(bytes)
    if (written === 0 || (written < bytes.length && takeBack(written))) return false
    rest = bytes.subarray(written)
    return true
  }

  // A full disk cuts lines too; other threads write to the file next, so the part goes away again. While the disk is
  // full nobody can have written behind it.
  const takeBack = (written: number): boolean => {
    try {
      ftruncateSync(descriptor, fstatSync(descriptor).size - written)
      return true
    } catch {
      return false
    }
  }

  return {
    write: (text) => {
      rest = rest.subarray(put(rest))
      if (rest.length === 0 && lost > 0 && begin(lostLine(lost, why))) lost = 0
      if (rest.length > 0 || lost > 0 || !begin(text)) lost += 1
    },
    reopen: () => {
      if (typeof target === 'number') return
      try {
        const next = openSync(target, 'a', 0o640)
        closeSync(descriptor)
        descriptor = next
        rest = Buffer.alloc(0)
      } catch (fault) {
        why = (fault as Error).message
      }
    },
  }
}

const lostLine = (lines: number, reason: string): string =>
  `${JSON.stringify({ level: 'error', time: new Date().toISOString(), lines, reason, event: 'log.lost' })}\n`
