// The writer thread: owns the one connection that changes the database, and serves every other thread.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { commitTimer } from '../../store/commit-times.ts'
import { openForWriting, StoreRefusal } from '../../store/database.ts'
import { units } from '../../store/units.ts'
import { startWriter, type Writer } from '../../store/writer.ts'

export interface WriterStart {
  readonly path: string
  readonly commitTimes: SharedArrayBuffer
}

/** The first message to the parent: `ready`, or the words of a refusal. */
export type WriterHello = { readonly kind: 'ready' } | { readonly kind: 'refused'; readonly words: string }

/** What the parent asks: serve one more port, or end after what waits. */
export type WriterOrder = { readonly kind: 'serve'; readonly port: MessagePort } | { readonly kind: 'end' }

const parent = parentPort as MessagePort
const say = (hello: WriterHello): void => parent.postMessage(hello)

try {
  const { path, commitTimes } = workerData as WriterStart
  const connection = openForWriting(path)
  const writer: Writer = startWriter(connection, units, commitTimer(commitTimes))
  parent.on('message', (order: WriterOrder) => {
    if (order.kind === 'serve') {
      writer.serve(order.port)
      return
    }
    connection.close()
    parent.close()
    process.exit(0)
  })
  say({ kind: 'ready' })
} catch (fault) {
  if (!(fault instanceof StoreRefusal)) throw fault
  say({ kind: 'refused', words: fault.message })
  parent.close()
}
