// The writer's loop: takes groups from any number of threads, commits all that waits as one transaction, and
// answers each thread after the fsync. The only place that changes the database.
import type { MessagePort } from 'node:worker_threads'
import { receiveMessageOnPort } from 'node:worker_threads'
import { Unavailable } from '../base/unavailable.ts'
import { type Connection, sqliteCode } from './database.ts'
import { commitGroup, type Outcome, type Wanted } from './group-commit.ts'
import type { GroupAnswer, GroupRequest, SentFault } from './store.ts'
import type { UnitRef } from './unit.ts'

// Enough to fill a commit at any rate seen; a bound, so that one answer never waits for a flood.
const unitsPerCommit = 400

export interface Writer {
  /** Serves one more thread. */
  serve(port: MessagePort): void
}

/** `noteCommit` hears how many milliseconds each group took. */
export function startWriter(
  connection: Connection,
  units: readonly UnitRef<never, unknown>[],
  noteCommit: (milliseconds: number) => void,
): Writer {
  const byName = new Map(units.map((unit) => [unit.name, unit]))
  const ports = new Set<MessagePort>()

  const work = (first: { port: MessagePort; request: GroupRequest }): void => {
    const batch = [first]
    let size = first.request.group.length
    for (const port of ports) {
      while (size < unitsPerCommit) {
        const more = receiveMessageOnPort(port) as { message: GroupRequest } | undefined
        if (more === undefined) break
        batch.push({ port, request: more.message })
        size += more.message.group.length
      }
    }
    const group: Wanted[] = batch.flatMap(({ request }) => request.group)
    const began = performance.now()
    const outcomes = commitGroup(connection, byName, group)
    noteCommit(performance.now() - began)
    let at = 0
    for (const { port, request } of batch) {
      const own = outcomes.slice(at, at + request.group.length)
      at += request.group.length
      const answer: GroupAnswer = { id: request.id, outcomes: own.map(sendable) }
      port.postMessage(answer)
    }
  }

  return {
    serve: (port) => {
      ports.add(port)
      port.on('message', (request: GroupRequest) => work({ port, request }))
      port.on('close', () => ports.delete(port))
    },
  }
}

function sendable(outcome: Outcome): Outcome | { readonly refused: SentFault } {
  if ('done' in outcome) return outcome
  const { fault } = outcome
  const cause = fault instanceof Unavailable && fault.cause instanceof Error ? fault.cause : fault
  return {
    refused: {
      unavailable: fault instanceof Unavailable,
      message: fault instanceof Error ? fault.message : String(fault),
      stack: fault instanceof Error ? fault.stack : undefined,
      sqlite: sqliteCode(cause),
    },
  }
}
