// Looks into the database of a running server from outside: is everything out, was anything set aside?
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Site } from './crash-site.ts'

export interface Leftovers {
  /** Queue items and posts that are still on their way. */
  readonly waiting: number
  /** Set aside for an operator: shunted, parked or held. */
  readonly aside: number
}

/** Waits until nothing is on its way, or nobody wants to know any more; throws with what is left when it takes too long. */
export async function untilAllIsOut(
  site: Site,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<Leftovers> {
  const db = new DatabaseSync(join(site.varDir, 'posthorn.db'), { readOnly: true, timeout: 5000 })
  try {
    const end = performance.now() + milliseconds
    for (;;) {
      const left = leftovers(db)
      if (left.waiting === 0 || signal?.aborted) return left
      if (performance.now() > end)
        throw new Error(`after ${milliseconds} ms ${left.waiting} are still waiting, ${left.aside} set aside`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  } finally {
    db.close()
  }
}

/** What SQLite says of a database that nobody has open: `ok`, or what is damaged. */
export function checkDatabase(site: Site): string {
  const db = new DatabaseSync(join(site.varDir, 'posthorn.db'))
  try {
    return db
      .prepare('pragma integrity_check')
      .all()
      .map((row) => String(row.integrity_check))
      .join('; ')
  } finally {
    db.close()
  }
}

function leftovers(db: DatabaseSync): Leftovers {
  const row = db
    .prepare(
      `select (select count(*) from queue_item where shunted_at is null)
            + (select count(*) from outgoing where done_at is null and parked is null) as waiting,
              (select count(*) from queue_item where shunted_at is not null)
            + (select count(*) from outgoing where parked is not null)
            + (select count(*) from held) as aside`,
    )
    .get()
  return { waiting: Number(row?.waiting), aside: Number(row?.aside) }
}

export function countMembers(site: Site): number {
  const db = new DatabaseSync(join(site.varDir, 'posthorn.db'), { readOnly: true, timeout: 5000 })
  try {
    return Number(db.prepare('select count(*) as members from member').get()?.members)
  } finally {
    db.close()
  }
}

/** Resolves as soon as there are so many members; throws after so many milliseconds. */
export async function untilMembers(site: Site, members: number, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds
  while (countMembers(site) < members) {
    if (performance.now() > end) throw new Error(`there were never ${members} members`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
