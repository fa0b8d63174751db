// Tells a new site from one whose database is gone. Law: an empty database is never put in the place of a lost one in
// silence, for the door would refuse all lists for good, and the tables would follow.
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { DirectoryRefusal, databasePath } from './data-directory.ts'

type Site = Pick<Config, 'paths'>

const markPath = ({ paths }: Site): string => join(paths.varDir, 'lived-in')

const mark = `Posthorn has kept its lists in posthorn.db beside this file. While this file is here it does not start without
that database, nor with an empty one. To begin anew without the lists that were, delete this file.
`

/** Throws DirectoryRefusal when there was a database, and it is gone or empty now. The lock must be held. */
export function refuseLostDatabase(site: Site): void {
  if (statSync(markPath(site), { throwIfNoEntry: false }) === undefined) return
  const database = databasePath(site)
  const found = statSync(database, { throwIfNoEntry: false })
  const log = statSync(`${database}-wal`, { throwIfNoEntry: false }) // what a killed server has not copied yet
  if (found !== undefined && found.size + (log?.size ?? 0) > 0) return
  throw new DirectoryRefusal(
    `${database} ${found === undefined ? 'is not there' : 'is empty'}, though lists were kept in it before; is the right disk mounted? 'posthorn restore' puts a backup in place; to begin anew without them, delete ${markPath(site)}`,
  )
}

/** The database has been opened: from now on it must be there. What cannot be marked is as it was without. */
export function markLivedIn(site: Site): void {
  try {
    writeFileSync(markPath(site), mark, { flag: 'wx', mode: 0o640 })
  } catch (fault) {
    if (!['EEXIST', 'ENOSPC', 'EROFS', 'EDQUOT'].includes((fault as NodeJS.ErrnoException).code ?? ''))
      throw fault
  }
}
