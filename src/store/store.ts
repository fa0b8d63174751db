// The store as stations see it: `commit` runs a unit in the writer thread and resolves after the fsync;
// `read` runs one on this thread's own read-only connection.
import type { MessagePort } from 'node:worker_threads'
import { Unavailable } from '../base/unavailable.ts'
import { type Connection, classify, openForReading } from './database.ts'
import type { Outcome, Wanted } from './group-commit.ts'
import type { UnitRef } from './unit.ts'

export interface Store {
  /** Commits the unit with whatever else waits; resolves after the fsync. Rejects with Unavailable when the world is down. */
  commit<A, R>(unit: UnitRef<A, R>, args: A): Promise<R>
  /** One snapshot, never waits for the writer. Throws Unavailable. */
  read<A, R>(unit: UnitRef<A, R>, args: A): R
  close(): void
}

/** What travels to the writer: one message per turn of the loop. */
export interface GroupRequest {
  readonly id: number
  readonly group: readonly Wanted[]
}

/** What comes back: faults travel as plain data. */
export interface GroupAnswer {
  readonly id: number
  readonly outcomes: readonly (Outcome | { readonly refused: SentFault })[]
}

export interface SentFault {
  readonly unavailable: boolean
  readonly message: string
  readonly stack: string | undefined
  readonly sqlite: number | null
}

/** A unit failed in the writer thread: a constraint, or a fault of ours. */
export class UnitFault extends Error {
  override readonly name = 'UnitFault'
  /** SQLite's primary result code (19 is a constraint), or null. */
  readonly sqlite: number | null

  constructor(fault: SentFault, unit: string) {
    super(`${unit}: ${fault.message}`)
    this.sqlite = fault.sqlite
    if (fault.stack !== undefined) this.stack = fault.stack
  }
}

interface Waiting {
  readonly unit: string
  readonly resolve: (value: never) => void
  readonly reject: (fault: unknown) => void
}

/** `port` leads to the writer thread; `path` is the database file that this thread reads. */
export function openStore(port: MessagePort, path: string): Store {
  let reader: Connection | null = null
  let collected: Wanted[] = []
  let waiting: Waiting[] = []
  let lastId = 0
  const sent = new Map<number, readonly Waiting[]>()
  let closed = false

  const flush = (): void => {
    if (collected.length === 0) return
    const id = ++lastId
    sent.set(id, waiting)
    const request: GroupRequest = { id, group: collected }
    collected = []
    waiting = []
    port.postMessage(request)
  }

  port.on('message', ({ id, outcomes }: GroupAnswer) => {
    const asked = sent.get(id)
    if (asked === undefined) return
    sent.delete(id)
    asked.forEach((one, i) => {
      const outcome = outcomes[i]
      if (outcome !== undefined && 'done' in outcome) one.resolve(outcome.done as never)
      else one.reject(faultOf(outcome as { refused: SentFault } | undefined, one.unit))
    })
  })

  // The writer is gone: what was sent may be committed or not, and nobody will say.
  port.on('close', () => {
    closed = true
    for (const one of [...waiting, ...[...sent.values()].flat()])
      one.reject(new Unavailable(`${one.unit}: the writer gave no answer`))
    sent.clear()
  })

  return {
    commit: (unit, args) => {
      if (closed) return Promise.reject(new Unavailable('the store is closed'))
      return new Promise((resolve, reject) => {
        if (collected.length === 0) setImmediate(flush)
        collected.push({ name: unit.name, args })
        waiting.push({ unit: unit.name, resolve, reject })
      })
    },
    read: (unit, args) => {
      try {
        reader ??= openForReading(path)
        return snapshot(reader, unit, args)
      } catch (fault) {
        throw classify(fault)
      }
    },
    close: () => {
      closed = true
      for (const one of [...waiting, ...[...sent.values()].flat()])
        one.reject(new Unavailable('the store is closed'))
      collected = []
      waiting = []
      sent.clear()
      reader?.close()
      reader = null
    },
  }
}

// The statements of one call see one state; the transaction is as short as the unit.
function snapshot<A, R>(reader: Connection, unit: UnitRef<A, R>, args: A): R {
  reader.beginReading()
  try {
    return reader.run(unit.unit(args))
  } finally {
    reader.commit()
  }
}

function faultOf(outcome: { refused: SentFault } | undefined, unit: string): Error {
  if (outcome === undefined) return new Unavailable(`${unit}: the writer gave no answer`)
  const fault = outcome.refused
  return fault.unavailable ? new Unavailable(fault.message) : new UnitFault(fault, unit)
}
