// How long commits take, fsync included: the writer notes each, the main thread reads the sums for monitoring. A group
// of units is one commit.

/** Upper bounds in seconds; what took longer is counted beyond the last. */
export const commitBounds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
] as const

export interface CommitTimes {
  /** For each bound, and one more for what took longer: how many took so long, and not less. */
  readonly counts: readonly number[]
  /** Seconds. */
  readonly sum: number
}

// A cell for each bound, one for what lies beyond, one for the sum in microseconds.
const cellCount = commitBounds.length + 2

export const commitTimesMemory = (): SharedArrayBuffer =>
  new SharedArrayBuffer(cellCount * BigInt64Array.BYTES_PER_ELEMENT)

/** Notes one commit of so many milliseconds. */
export function commitTimer(memory: SharedArrayBuffer): (milliseconds: number) => void {
  const cells = new BigInt64Array(memory)
  return (milliseconds) => {
    const at = commitBounds.findIndex((bound) => milliseconds <= bound * 1000)
    Atomics.add(cells, at < 0 ? commitBounds.length : at, 1n)
    Atomics.add(cells, cellCount - 1, BigInt(Math.round(milliseconds * 1000)))
  }
}

export function readCommitTimes(memory: SharedArrayBuffer): CommitTimes {
  const cells = Array.from(new BigInt64Array(memory), Number)
  return { counts: cells.slice(0, -1), sum: (cells.at(-1) ?? 0) / 1e6 }
}
