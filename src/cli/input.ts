// What a command reads: lines of text however they end and whoever wrote them, or all the bytes up to a limit.

const longestLine = 64 * 1024

/**
 * Lines without their ends (LF, CRLF or CR). The text is UTF-8, or UTF-16 where the file begins with its mark; bytes
 * that are neither become U+FFFD. Ends early when `signal` is aborted, by its reason.
 */
export async function* linesOf(
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let rest = ''
  let endedWithCr = false
  for await (const text of textOf(input)) {
    signal.throwIfAborted()
    // A CRLF may be cut in two by the chunks.
    const more = endedWithCr && text.startsWith('\n') ? text.slice(1) : text
    if (text !== '') endedWithCr = text.endsWith('\r')
    const lines = (rest + more).split(/\r\n|\r|\n/)
    // A line that never ends is cut: no name and address are that long.
    rest = (lines.pop() ?? '').slice(0, longestLine)
    yield* lines
  }
  if (rest !== '') yield rest
}

async function* textOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null
  let head: Uint8Array = new Uint8Array()
  for await (const chunk of input) {
    if (decoder !== null) {
      yield decoder.decode(chunk, { stream: true })
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < 2) continue
    decoder = new TextDecoder(encodingOf(head))
    yield decoder.decode(head, { stream: true })
  }
  decoder ??= new TextDecoder()
  yield decoder.decode(head.length < 2 ? head : undefined)
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
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
