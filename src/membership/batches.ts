// Bulk work goes to the writer 500 rows at a time, so that the door never waits seconds behind a large file.

export const batchSize = 500

/** With a letter to each: to write one takes longer than to add a member, and the door shares our thread. */
export const batchSizeWithLetters = 40

/** Groups of at most `size`, in order. */
export async function* batches<T>(
  items: AsyncIterable<T> | Iterable<T>,
  size: number,
): AsyncGenerator<readonly T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
