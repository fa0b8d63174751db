// A copy of the database for a backup, and what one looks at to know that a copy is sound. Law: the copy is one moment of
// the store, made by one long read, while the writer goes on.
import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'

/** Writes a copy to `target`, which must not be there. Blocks its thread. Throws SQLite's faults. */
export function copyDatabase(source: string, target: string): void {
  using db = new DatabaseSync(source, { readOnly: true, timeout: 5000 })
  db.prepare('vacuum into ?').run(target)
}

export interface CopyContents {
  readonly schema: number
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>
  /** The files of large messages, below the spool. */
  readonly files: readonly string[]
}

/** Throws SQLite's faults. */
export function contentsOf(path: string): CopyContents {
  using db = new DatabaseSync(path, { readOnly: true })
  const tables = db
    .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name")
    .all()
    .map(({ name }) => String(name))
  const count = (table: string): number =>
    Number(db.prepare(`select count(*) as number from "${table.replaceAll('"', '""')}"`).get()?.number ?? 0)
  return {
    schema: Number(db.prepare('select max(version) as version from schema').get()?.version ?? 0),
    rows: Object.fromEntries(tables.map((table) => [table, count(table)])),
    files: db
      .prepare('select file from message where file is not null order by file')
      .all()
      .map(({ file }) => String(file)),
  }
}

/**
 * What is wrong with a copy, a sentence each; empty when it is sound: its pages, its references, and the bytes of
 * every kept message against their hash. `hashOf` gives the SHA-256 (hex) of the file of a large message, or null.
 */
export function faultsOfCopy(path: string, hashOf: (file: string) => string | null): readonly string[] {
  using db = new DatabaseSync(path, { readOnly: true })
  const faults: string[] = []
  for (const { integrity_check: words } of db.prepare('pragma integrity_check(10)').all())
    if (words !== 'ok') faults.push(`the database is damaged: ${words}`)
  if (faults.length > 0) return faults
  for (const { table, parent } of db.prepare('pragma foreign_key_check').all().slice(0, 10))
    faults.push(`a row of ${table} points to a row of ${parent} that is not there`)
  for (const { id, hash, bytes, file } of db.prepare('select id, hash, bytes, file from message').iterate()) {
    const wanted = Buffer.from(hash as Uint8Array).toString('hex')
    if (bytes !== null) {
      if (
        createHash('sha256')
          .update(bytes as Uint8Array)
          .digest('hex') !== wanted
      )
        faults.push(`message ${id}: its bytes are not what they were`)
      continue
    }
    const found = hashOf(String(file))
    if (found === null) faults.push(`message ${id}: its file messages/${file} is missing`)
    else if (found !== wanted) faults.push(`message ${id}: its file messages/${file} is not what it was`)
  }
  return faults
}
