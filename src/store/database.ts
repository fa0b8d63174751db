// Opens the embedded database, brings its schema up to date, and runs units on one connection.
// Law: write-ahead log with a full sync at each commit; nothing is told to anyone before COMMIT returned.
import { closeSync, fchmodSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { Unavailable } from '../base/unavailable.ts'
import type { Row, Step, Value, Yields } from './unit.ts'

/** A start that cannot be: the words are for the operator. */
export class StoreRefusal extends Error {
  override readonly name = 'StoreRefusal'
}

/** One connection with its prepared statements. */
export class Connection {
  readonly db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.db = db
  }

  /** Runs a unit from first statement to last; whoever calls has opened the transaction. */
  run<R>(steps: Yields<R>): R {
    let turn = steps.next()
    while (!turn.done) {
      let answer: unknown
      try {
        answer = this.#step(turn.value)
      } catch (fault) {
        turn = steps.throw(fault)
        continue
      }
      turn = steps.next(answer)
    }
    return turn.value
  }

  #step({ query, how, args }: Step): unknown {
    const statement = this.#prepare(query.sql)
    const values = args as Value[]
    if (how === 'run') return Number(statement.run(...values).changes)
    if (how === 'get') {
      const row = statement.get(...values)
      return row === undefined ? null : query.read(row as Row)
    }
    return statement.all(...values).map((row) => query.read(row as Row))
  }

  // The frames of reading and of a group commit; prepared, since they run thousands of times a second.
  beginReading(): void {
    this.#prepare('begin').run()
  }

  begin(): void {
    this.#prepare('begin immediate').run()
  }

  commit(): void {
    this.#prepare('commit').run()
  }

  savepoint(): void {
    this.#prepare('savepoint unit').run()
  }

  release(): void {
    this.#prepare('release unit').run()
  }

  /** Undoes the unit's statements; the group goes on. */
  undo(): void {
    this.#prepare('rollback to unit').run()
    this.release()
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  close(): void {
    this.#statements.clear()
    this.db.close()
  }
}

/** The writer's connection: creates the file where there is none, and runs the migrations. Throws StoreRefusal. */
export function openForWriting(path: string): Connection {
  createOwnFile(path)
  const db = openFile(path, false)
  try {
    db.exec('pragma auto_vacuum = incremental')
    db.exec('pragma journal_mode = wal')
    db.exec('pragma synchronous = full')
    db.exec('pragma foreign_keys = on')
    // A checkpoint is three more syncs: with 4,000 pages a post costs a quarter less than with SQLite's 1,000.
    db.exec('pragma wal_autocheckpoint = 4000')
    db.exec('pragma journal_size_limit = 33554432')
    db.exec('pragma temp_store = memory')
    migrate(db, path)
    db.exec('create temp table claim (item integer primary key, claimant text not null) strict')
  } catch (fault) {
    db.close()
    throw refusal(path, fault)
  }
  return new Connection(db)
}

/** A reader's connection: one snapshot per unit, never waits for the writer. */
export function openForReading(path: string): Connection {
  const db = openFile(path, true)
  try {
    db.exec('pragma query_only = on')
    db.exec('pragma cache_size = -2000')
    checkReadable(db, path)
  } catch (fault) {
    db.close()
    throw refusal(path, fault)
  }
  return new Connection(db)
}

/**
 * An empty file for owner and group, where there is none; a file that is there keeps its mode. SQLite alone would
 * let everyone read it. The files that SQLite lays beside it take its mode over.
 */
export function createOwnFile(path: string): void {
  let file: number
  try {
    file = openSync(path, 'wx', 0o660)
  } catch {
    return // it is there, or SQLite says in better words why it cannot be
  }
  fchmodSync(file, 0o660) // whatever the umask
  closeSync(file)
}

function openFile(path: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout: 5000 })
  } catch (fault) {
    throw refusal(path, fault)
  }
}

const migrationsFolder = new URL('./migrations/', import.meta.url)

interface Migration {
  readonly version: number
  readonly minReader: number
  readonly sql: string
}

// A migration's first line: `-- 0001 why; min-reader 1`.
function migrations(): readonly Migration[] {
  return readdirSync(migrationsFolder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const sql = readFileSync(new URL(name, migrationsFolder), 'utf8')
      const minReader = /^-- .*; min-reader (\d+)$/m.exec(sql.slice(0, sql.indexOf('\n')))?.[1]
      if (minReader === undefined) throw new Error(`${name}: the first line names no min-reader`)
      return { version: Number(name.slice(0, 4)), minReader: Number(minReader), sql }
    })
}

function schemaOf(db: DatabaseSync): { version: number; minReader: number } {
  const has = db.prepare("select 1 from sqlite_schema where type = 'table' and name = 'schema'").get()
  if (has === undefined) return { version: 0, minReader: 0 }
  const row = db.prepare('select max(version) as version, max(min_reader) as min_reader from schema').get()
  return { version: Number(row?.version ?? 0), minReader: Number(row?.min_reader ?? 0) }
}

function migrate(db: DatabaseSync, path: string): void {
  const known = migrations()
  const { version } = schemaOf(db)
  checkReadable(db, path)
  for (const migration of known) {
    if (migration.version <= version) continue
    db.exec('begin immediate')
    try {
      db.exec(migration.sql)
      db.prepare('insert into schema (version, min_reader) values (?, ?)').run(
        migration.version,
        migration.minReader,
      )
      db.exec('commit')
    } catch (fault) {
      if (db.isTransaction) db.exec('rollback')
      throw fault
    }
  }
}

function checkReadable(db: DatabaseSync, path: string): void {
  const ours = migrations().at(-1)?.version ?? 0
  const { minReader } = schemaOf(db)
  if (minReader > ours) {
    throw new StoreRefusal(
      `${path} was written by a newer Posthorn (it needs schema ${minReader}, this one knows ${ours}); install that version again, or restore a backup made before the upgrade`,
    )
  }
}

/** SQLite's primary result code, or null for a fault that is not SQLite's. */
export function sqliteCode(fault: unknown): number | null {
  const code = (fault as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : null
}

const constraint = 19
const codes = {
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
  busy: 5,
} as const

/** The world's faults become Unavailable; constraints and our own mistakes stay what they are. */
export function classify(fault: unknown): unknown {
  const code = sqliteCode(fault)
  if (code === null || code === constraint || fault instanceof Unavailable) return fault
  if (code === codes.full)
    return new Unavailable('the disk is full, or the database has reached its limit', { cause: fault })
  if ((Object.values(codes) as number[]).includes(code))
    return new Unavailable(`the database cannot be used: ${(fault as Error).message}`, { cause: fault })
  return fault
}

function refusal(path: string, fault: unknown): StoreRefusal {
  if (fault instanceof StoreRefusal) return fault
  const words = fault instanceof Error ? fault.message : String(fault)
  switch (sqliteCode(fault)) {
    case codes.notADatabase:
    case codes.corrupt:
      return new StoreRefusal(
        `${path} is damaged or no database (${words}); keep the file, and restore a backup or recover it with 'sqlite3 ${path} .recover'`,
        { cause: fault },
      )
    case codes.readOnly:
      return new StoreRefusal(
        `${path} cannot be written (${words}); check owner and mode of the file and its directory`,
        { cause: fault },
      )
    case codes.cannotOpen:
      return new StoreRefusal(
        `${path} cannot be opened (${words}); check that its directory exists and that each belongs to the user that runs Posthorn`,
        {
          cause: fault,
        },
      )
    case codes.full:
      return new StoreRefusal(`${path}: the disk is full; free some space and start again`, { cause: fault })
    case codes.busy:
      return new StoreRefusal(`${path} is held by another process; stop that one first`, { cause: fault })
    default:
      return new StoreRefusal(`${path}: ${words}`, { cause: fault })
  }
}
