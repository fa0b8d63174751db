import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { commitBounds, commitTimer, commitTimesMemory, readCommitTimes } from './commit-times.ts'

test('each commit counts in the first bucket that it fits in, and in the sum', () => {
  const memory = commitTimesMemory()
  const note = commitTimer(memory)
  for (const milliseconds of [0.5, 0.6, 4, 60_000]) note(milliseconds)
  const { counts, sum } = readCommitTimes(memory)
  const wanted = [...commitBounds, Number.POSITIVE_INFINITY].map(() => 0)
  for (const at of [0, 1, commitBounds.indexOf(0.005), commitBounds.length]) wanted[at] = 1
  deepEqual(counts, wanted)
  deepEqual(sum, 60.0051)
})
