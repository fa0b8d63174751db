// One look into the database, read-only and without the lock, beside a server that may be running.
import { Unavailable } from '../../base/unavailable.ts'
import { classify, openForReading, StoreRefusal } from '../../store/database.ts'
import type { UnitRef } from '../../store/unit.ts'

/** Null where there is no database that can be read: the check of the files says why. */
export function readRecords<A, R>(database: string, unit: UnitRef<A, R>, args: A): R | null {
  try {
    return look(database, unit, args)
  } catch (fault) {
    if (fault instanceof StoreRefusal || fault instanceof Unavailable) return null
    throw fault
  }
}

/** Throws StoreRefusal and Unavailable. */
export function look<A, R>(database: string, unit: UnitRef<A, R>, args: A): R {
  const store = openForReading(database)
  try {
    store.beginReading()
    const answer = store.run(unit.unit(args))
    store.commit()
    return answer
  } catch (fault) {
    throw classify(fault)
  } finally {
    store.close()
  }
}
