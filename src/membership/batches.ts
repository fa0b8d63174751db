// Bulk work goes to the writer 500 rows at a time, so that the door never waits seconds behind a large file.

export const batchSize = 500

/** Groups of at most `batchSize`, in order. */
export async function* batches<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<readonly T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < batchSize) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
