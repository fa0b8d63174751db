// One publication at a time, over all processes that share a data directory: the server, and an `aliases` run by hand.
//
// The lock is an exclusive SQLite lock on a file of its own. The kernel lets go of it when its holder dies, so there
// is no stale lock to recognise and no process number to mistake for another's.
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { Unavailable } from '../base/unavailable.ts'

export interface LockPatience {
  /** Milliseconds between two tries. */
  readonly pause: number
  readonly tries: number
}

const patience: LockPatience = { pause: 100, tries: 600 }

/** Runs `work` alone. Throws Unavailable when another process holds the lock for a minute. */
export async function withPublicationLock<T>(
  path: string,
  work: () => Promise<T>,
  { pause, tries }: LockPatience = patience,
): Promise<T> {
  const db = open(path)
  try {
    for (let left = tries; !locked(db, path); left--) {
      if (left <= 1)
        throw new Unavailable(
          `${path} is locked by another process that publishes tables; see who with 'fuser ${path}', and end it if it hangs`,
        )
      await wait(pause)
    }
    return await work()
  } finally {
    db.close()
  }
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 })
  } catch (fault) {
    throw new Unavailable(
      `${path} cannot be opened (${(fault as Error).message}); check owner and mode of its directory`,
      {
        cause: fault,
      },
    )
  }
}

const busy = 5

function locked(db: DatabaseSync, path: string): boolean {
  try {
    db.exec('begin exclusive')
    return true
  } catch (fault) {
    if (((fault as { errcode?: number }).errcode ?? 0) % 256 === busy) return false
    throw new Unavailable(
      `${path} cannot be locked (${(fault as Error).message}); check free space, and owner and mode of it and its directory; it holds nothing and may be removed`,
      { cause: fault },
    )
  }
}
