// How far a post had come in the store when the server died; read from a copy, so that the next start finds the
// files as the kill left them.
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Site } from './crash-site.ts'

export type Progress = 'nothing' | 'queued' | 'claimed' | 'accepted' | 'frozen' | 'recorded' | 'done'

export async function progressOf(site: Site, post: number): Promise<Progress> {
  const copy = await mkdtemp(join(site.directory, 'copy-'))
  for (const end of ['', '-wal'])
    await cp(join(site.varDir, `posthorn.db${end}`), join(copy, `posthorn.db${end}`)).catch(absent)
  const db = new DatabaseSync(join(copy, 'posthorn.db'))
  try {
    return progressIn(db, `<post-${post}@example.com>`)
  } finally {
    db.close()
    await rm(copy, { recursive: true })
  }
}

function progressIn(db: DatabaseSync, messageId: string): Progress {
  const item = db.prepare('select attempts from queue_item').get()
  if (item !== undefined) return Number(item.attempts) > 0 ? 'claimed' : 'queued'
  const outgoing = db.prepare('select id, done_at from outgoing where rfc822_id = ?').get(messageId)
  if (outgoing === undefined) return 'nothing'
  if (outgoing.done_at !== null) return 'done'
  const pages = db.prepare('select states from outgoing_page where outgoing_id = ?').all(Number(outgoing.id))
  if (pages.length === 0) return 'accepted'
  return pages.every(({ states }) => /^\.*$/.test(String(states))) ? 'frozen' : 'recorded'
}

function absent(fault: NodeJS.ErrnoException): void {
  if (fault.code !== 'ENOENT') throw fault
}
