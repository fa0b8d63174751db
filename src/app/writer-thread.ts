// Starts the writer thread on a database file and hands out ports to it, one for each thread that commits.
import { once } from 'node:events'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { type CommitTimes, commitTimesMemory, readCommitTimes } from '../store/commit-times.ts'
import { StoreRefusal } from '../store/database.ts'
import { startWorker } from './start-worker.ts'
import type { WriterHello, WriterOrder, WriterStart } from './workers/writer.ts'

export interface WriterThread {
  readonly path: string
  /** A port for one more thread; transfer it with the worker's data, or use it here. */
  port(): MessagePort
  readonly worker: Worker
  /** How long its commits have taken. */
  commitTimes(): CommitTimes
  /** Called when the thread ends though nobody closed it: nothing can be committed any more. */
  onDeath(tell: (words: string) => void): void
  /** Closes the database after the units that have arrived. */
  close(): Promise<void>
}

/** Throws StoreRefusal with words for the operator when the database cannot be used. */
export async function startWriterThread(path: string): Promise<WriterThread> {
  const commitTimes = commitTimesMemory()
  const worker = startWorker('writer', { path, commitTimes } satisfies WriterStart)
  const [hello] = (await once(worker, 'message')) as [WriterHello]
  if (hello.kind === 'refused') {
    await worker.terminate()
    throw new StoreRefusal(hello.words)
  }
  let closing = false
  let death: string | null = null
  const listeners: ((words: string) => void)[] = []
  worker.on('error', (fault) => {
    death = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
  })
  worker.on('exit', (code) => {
    if (!closing) for (const tell of listeners) tell(death ?? `it ended with code ${code}`)
  })
  return {
    onDeath: (tell) => {
      listeners.push(tell)
    },
    path,
    worker,
    commitTimes: () => readCommitTimes(commitTimes),
    port: () => {
      const { port1, port2 } = new MessageChannel()
      worker.postMessage({ kind: 'serve', port: port1 } satisfies WriterOrder, [port1])
      return port2
    },
    close: async () => {
      closing = true
      const ended = once(worker, 'exit')
      worker.postMessage({ kind: 'end' } satisfies WriterOrder)
      await ended
    },
  }
}
