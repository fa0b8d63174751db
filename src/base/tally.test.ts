import { deepEqual } from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { tallyMemory, tallyOn } from './tally.ts'

const names = ['tea', 'milk'] as const

test('what one thread counts another reads, also after its end', async () => {
  const memory = tallyMemory(names)
  const tally = tallyOn(names, memory)
  tally.add('tea')
  const code = `
    const { workerData } = require('node:worker_threads')
    import(workerData.url).then(({ tallyOn }) => {
      const tally = tallyOn(['tea', 'milk'], workerData.memory)
      tally.add('tea', 2)
      tally.add('milk', 5_000_000_000)
    })`
  const url = new URL('./tally.ts', import.meta.url).href
  const worker = new Worker(code, { eval: true, workerData: { url, memory } })
  await once(worker, 'exit')
  deepEqual(tally.read(), { tea: 3, milk: 5_000_000_000 })
})
