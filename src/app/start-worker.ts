// Starts a thread from its entry file: `.ts` in the repository, `.js` in the published package.
import { type TransferListItem, Worker } from 'node:worker_threads'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

export function startWorker(
  name: 'writer' | 'judging' | 'delivery' | 'backup',
  workerData: unknown,
  transferList: TransferListItem[] = [],
): Worker {
  return new Worker(new URL(`./workers/${name}.${extension}`, import.meta.url), {
    name,
    workerData,
    transferList,
  })
}
