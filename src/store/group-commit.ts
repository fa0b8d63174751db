// The writer's core: the units that wait run one after the other under savepoints and share one COMMIT, one
// fsync. If the transaction has died, each runs again alone; none is reported done before its COMMIT returned.
import { type Connection, classify } from './database.ts'
import type { UnitRef } from './unit.ts'

export interface Wanted {
  readonly name: string
  readonly args: unknown
}

export type Outcome = { readonly done: unknown } | { readonly fault: unknown }

/** Runs the units as one group. The outcomes are in the order of the units. Throws only when a rollback fails. */
export function commitGroup(
  connection: Connection,
  units: ReadonlyMap<string, UnitRef<never, unknown>>,
  group: readonly Wanted[],
): readonly Outcome[] {
  const outcomes = tryGroup(connection, units, group)
  if (outcomes !== null) return outcomes
  if (group.length === 1) return [alone(connection, units, group[0] as Wanted)]
  return group.map((wanted) => alone(connection, units, wanted))
}

// null: the transaction died or its COMMIT failed, and nothing of the group was kept.
function tryGroup(
  connection: Connection,
  units: ReadonlyMap<string, UnitRef<never, unknown>>,
  group: readonly Wanted[],
): readonly Outcome[] | null {
  const { db } = connection
  const outcomes: Outcome[] = []
  try {
    connection.begin()
    for (const wanted of group) {
      connection.savepoint()
      try {
        const done = runUnit(connection, units, wanted)
        connection.release()
        outcomes.push({ done })
      } catch (fault) {
        if (!db.isTransaction) return null
        connection.undo()
        outcomes.push({ fault: classify(fault) })
      }
    }
    connection.commit()
    return outcomes
  } catch {
    rollBack(connection)
    return null
  }
}

function alone(
  connection: Connection,
  units: ReadonlyMap<string, UnitRef<never, unknown>>,
  wanted: Wanted,
): Outcome {
  try {
    connection.begin()
    const done = runUnit(connection, units, wanted)
    connection.commit()
    return { done }
  } catch (fault) {
    rollBack(connection)
    return { fault: classify(fault) }
  }
}

function rollBack({ db }: Connection): void {
  if (db.isTransaction) db.exec('rollback')
}

function runUnit(
  connection: Connection,
  units: ReadonlyMap<string, UnitRef<never, unknown>>,
  { name, args }: Wanted,
): unknown {
  const ref = units.get(name)
  if (ref === undefined) throw new Error(`no unit is called ${name}`)
  return connection.run(ref.unit(args as never))
}
