// Units: every change to the store is one named sentence, a generator that yields statements and receives
// rows. It can await nothing else, so it runs whole; clock and random values are arguments, so it may run twice.

export type Value = null | number | bigint | string | Uint8Array

/** One statement; `read` is the only place where its row is parsed. */
export interface Query<T> {
  readonly sql: string
  readonly read: (row: Row) => T
}

/** A row as the database gives it: unknown until `read` has looked at it. */
export type Row = Readonly<Record<string, unknown>>

export interface Step {
  readonly query: Query<unknown>
  readonly how: 'get' | 'all' | 'run'
  readonly args: readonly Value[]
}

export type Yields<R> = Generator<Step, R, unknown>

/** What travels between threads is the name and plain arguments. */
export interface UnitRef<A, R> {
  readonly name: string
  readonly unit: (args: A) => Yields<R>
}

export function defineUnit<A, R>(name: string, unit: (args: A) => Yields<R>): UnitRef<A, R> {
  return { name, unit }
}

export function query<T>(sql: string, read: (row: Row) => T): Query<T> {
  return { sql, read }
}

/** A statement whose rows nobody reads. */
export function command(sql: string): Query<null> {
  return { sql, read: () => null }
}

/** The first row, or null. New ids come by `INSERT … RETURNING` through here. */
export function* get<T>(query: Query<T>, ...args: readonly Value[]): Yields<T | null> {
  return (yield { query, how: 'get', args }) as T | null
}

export function* all<T>(query: Query<T>, ...args: readonly Value[]): Yields<readonly T[]> {
  return (yield { query, how: 'all', args }) as readonly T[]
}

/** The number of rows changed. */
export function* run(query: Query<unknown>, ...args: readonly Value[]): Yields<number> {
  return (yield { query, how: 'run', args }) as number
}

/** The one row that a law of the schema promises. */
export function* one<T>(query: Query<T>, ...args: readonly Value[]): Yields<T> {
  const row = yield* get(query, ...args)
  if (row === null) throw new Error(`no row where the schema promises one: ${query.sql}`)
  return row
}

// Readers of columns: a wrong type in the database is a fault of ours and says which column.
export function integer(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw new TypeError(`column ${column} is not a number`)
  return value
}

export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column)
}

export function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new TypeError(`column ${column} is not text`)
  return value
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

export function blob(row: Row, column: string): Uint8Array {
  const value = row[column]
  if (!(value instanceof Uint8Array)) throw new TypeError(`column ${column} is not a blob`)
  return value
}

export function json<T>(row: Row, column: string): T {
  return JSON.parse(text(row, column)) as T
}
