// The mail server's tables after a crash: what the store has, they know.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Site } from './crash-site.ts'

/** Lists of the store that are not in Postfix's table, in words; asked after a start. */
export async function unpublished({ varDir }: Site): Promise<readonly string[]> {
  const db = new DatabaseSync(join(varDir, 'posthorn.db'), { readOnly: true })
  const names = db
    .prepare('select name from list')
    .all()
    .map(({ name }) => String(name))
  db.close()
  const table = await readFile(join(varDir, 'data', 'postfix_lmtp'), 'utf8')
  return names.filter((name) => !table.includes(`/^${name}(`)).map((name) => `${name} is not in postfix_lmtp`)
}
