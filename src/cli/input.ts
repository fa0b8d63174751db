// What a command reads: lines of text, or all the bytes up to a limit.

const longestLine = 64 * 1024

/** Lines of UTF-8 text without their ends. Ends early when `signal` is aborted, by its reason. */
export async function* linesOf(
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of input) {
    signal.throwIfAborted()
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    // A line that never ends is cut: no name and address are that long.
    rest = (lines.pop() ?? '').slice(0, longestLine)
    for (const line of lines) yield line.replace(/\r$/, '')
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}

/** All bytes, or null when there are more than `limit`. */
export async function bytesOf(input: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of input) {
    size += chunk.length
    if (size > limit) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
