// Sees when the database is removed, or another put in its place, under the running server. Law: what is written into
// a file that has no name any more is lost, so no mail is taken from then on; the mail server keeps it.
import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Log } from '../base/log.ts'

export interface DatabaseWatch {
  isThere(): boolean
  stop(): void
}

const lookEvery = 1000

/** Looks every second. The database must be there. */
export function watchDatabase(path: string, { log }: { readonly log: Log }): DatabaseWatch {
  const { ino, dev } = statSync(path)
  let there = true
  const look = async (): Promise<void> => {
    const found = await stat(path).catch((fault: NodeJS.ErrnoException) => fault)
    const gone = found instanceof Error ? found.code === 'ENOENT' : found.ino !== ino || found.dev !== dev
    if (gone && there)
      log.error('database.gone', {
        path,
        remedy:
          'mail is answered with 451, and changes made now are lost; end the server, restore a backup, start it',
      })
    there &&= !gone
  }
  const timer = setInterval(() => {
    void look()
  }, lookEvery)
  timer.unref()
  return { isThere: () => there, stop: () => clearInterval(timer) }
}
