// Cuts command lines out of what a client sends (RFC 5321 §2.3.8): only CRLF ends a line. Law: a line costs at
// most its limit in memory, however it arrives, and a line that is refused is passed over to its end.
import { isUtf8 } from 'node:buffer'

/** RFC 5321 §4.5.3.1.4 asks for 512 octets and lets extensions ask for more. */
export const longestLine = 2048

/** A line without its CRLF, or why it is none. */
export type Line = { readonly text: string } | { readonly fault: 'too-long' | 'bare-line-end' | 'not-text' }

const nothing = Buffer.alloc(0)

export class LineReader {
  line: Line = { text: '' }
  #held: Buffer = nothing
  #tooLong = false

  /** Reads on from `at`. Returns where the next line begins, with this one in `line`; -1: the line goes on in the next chunk. */
  read(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(0x0a, at)
    if (end < 0) {
      this.#hold(chunk.subarray(at))
      return -1
    }
    const tail = chunk.subarray(at, end + 1)
    const whole = this.#held.length === 0 ? tail : Buffer.concat([this.#held, tail])
    this.line = this.#tooLong || whole.length > longestLine ? { fault: 'too-long' } : lineOf(whole)
    this.#held = nothing
    this.#tooLong = false
    return end + 1
  }

  #hold(part: Buffer): void {
    this.#tooLong ||= this.#held.length + part.length > longestLine
    this.#held = this.#tooLong ? nothing : Buffer.concat([this.#held, part])
  }
}

function lineOf(bytes: Buffer): Line {
  const end = bytes.length - 2
  if (end < 0 || bytes[end] !== 0x0d) return { fault: 'bare-line-end' }
  const text = bytes.toString('latin1', 0, end)
  if (text.includes('\r')) return { fault: 'bare-line-end' }
  if (text.includes('\0')) return { fault: 'not-text' }
  if (!/[\u0080-\u00ff]/.test(text)) return { text }
  const body = bytes.subarray(0, end)
  return isUtf8(body) ? { text: body.toString('utf8') } : { fault: 'not-text' }
}
