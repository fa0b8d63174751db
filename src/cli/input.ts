// What a command reads: lines of text however they end and whoever wrote them, or all the bytes up to a limit.
import { FileFault } from './terminal.ts'

const longestLine = 64 * 1024

/**
 * Lines without their ends (LF, CRLF or CR). The text is UTF-8, or UTF-16 where the file begins with its mark or looks
 * like it; bytes that are neither become U+FFFD. Ends early when `signal` is aborted, by its reason. Throws FileFault for
 * what is no text at all.
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
    refuseOtherKinds(head)
    decoder = new TextDecoder(encodingOf(head))
    yield decoder.decode(head, { stream: true })
  }
  decoder ??= new TextDecoder()
  yield decoder.decode(head.length < 2 ? head : undefined)
}

// A letter beside a zero is UTF-16 without a mark: no text in UTF-8 begins with U+0000, or has it behind its first letter.
function encodingOf([first = 1, second = 1]: Uint8Array): string {
  if ((first === 0xff && second === 0xfe) || (second === 0 && first !== 0)) return 'utf-16le'
  return (first === 0xfe && second === 0xff) || (first === 0 && second !== 0) ? 'utf-16be' : 'utf-8'
}

const otherKinds = [
  { begins: 'PK\u0003\u0004', what: 'a spreadsheet or an archive' },
  { begins: '\u00d0\u00cf\u0011\u00e0', what: 'a document of an office program' },
  { begins: '\u001f\u008b', what: 'compressed' },
  { begins: '%PDF', what: 'a PDF' },
  { begins: '\u007fELF', what: 'a program' },
] as const

function refuseOtherKinds(head: Uint8Array): void {
  const start = Buffer.from(head.subarray(0, 8)).toString('latin1')
  const kind = otherKinds.find(({ begins }) => start.startsWith(begins))
  if (kind !== undefined)
    throw new FileFault(
      `what was given is ${kind.what}, not text; write it as text in UTF-8, one address a line`,
    )
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
