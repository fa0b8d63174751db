// Bytes from a server become replies (RFC 5321 §4.2, RFC 2034). Its place is right behind the socket of the
// client; packets may cut anywhere. Its law: what it holds is bounded, and what is no reply ends the talk.
import type { EnhancedCode, Reply } from './reply.ts'

/** Bytes of one reply, all its lines together. QUIRK: RFC 5321 §4.5.3.1.5 says 512 a line; servers send URLs and more. */
const longestReply = 64 * 1024

/** Push bytes in, then read until `null`; after a `fault` nothing more can be trusted. */
export class ReplyReader {
  #held: Buffer[] = []
  #heldBytes = 0
  #text = ''
  #at = 0
  #lines: string[] = []
  #enhanced: EnhancedCode | null = null
  #replyBytes = 0
  #lastLine = ''
  #lastReply: Reply | null = null
  #fault: string | null = null

  /** What was wrong with the bytes, in words for the operator; `null` while all is well. */
  get fault(): string | null {
    return this.#fault
  }

  /** Takes what came; copies what it keeps, so the chunk may be used again. Read all replies between two pushes. */
  push(chunk: Buffer): void {
    const end = chunk.lastIndexOf(10) + 1
    if (end > 0) {
      const complete = chunk.subarray(0, end)
      const bytes = this.#heldBytes > 0 ? Buffer.concat([...this.#held, complete]) : complete
      this.#text = this.#text.slice(this.#at) + bytes.toString('utf8')
      this.#at = 0
      this.#held = []
      this.#heldBytes = 0
    }
    if (end < chunk.length) {
      this.#held.push(Buffer.from(chunk.subarray(end)))
      this.#heldBytes += chunk.length - end
      if (this.#heldBytes > longestReply) this.#fault ??= tooLong
    }
  }

  /** The next whole reply, or `null`: none yet, or never again (see `fault`). */
  read(): Reply | null {
    while (this.#fault === null) {
      const end = this.#text.indexOf('\n', this.#at)
      if (end < 0) return null
      const line = this.#text.slice(
        this.#at,
        this.#text.charCodeAt(end - 1) === 13 && end > this.#at ? end - 1 : end,
      )
      this.#at = end + 1
      const reply = this.#takeLine(line)
      if (reply !== null) return reply
    }
    return null
  }

  #takeLine(line: string): Reply | null {
    // A page of recipients is answered by the same line again and again: one object serves them all.
    if (line === this.#lastLine && this.#lastReply !== null && this.#lines.length === 0)
      return this.#lastReply
    const code = codeOf(line)
    if (code === null) {
      this.#fault = `the server sent something that is no SMTP reply: ${JSON.stringify(line.slice(0, 80))}`
      return null
    }
    this.#replyBytes += line.length
    if (this.#replyBytes > longestReply) {
      this.#fault = tooLong
      return null
    }
    const words = line.slice(4).replaceAll('\r', ' ')
    const found = enhancedCode.exec(words)
    const enhanced =
      found !== null && found[0].charCodeAt(0) === line.charCodeAt(0) ? (found[1] as EnhancedCode) : null
    this.#enhanced ??= enhanced
    this.#lines.push(enhanced === null ? words : words.slice(found?.[0].length))
    if (line.charCodeAt(3) === hyphen) return null
    // RFC 5321 §4.2.1 wants one code in all lines. QUIRK: where they differ, Postfix believes the last; so do we.
    const reply: Reply = { code, enhanced: this.#enhanced, lines: this.#lines }
    this.#lastLine = this.#lines.length === 1 ? line : ''
    this.#lastReply = this.#lines.length === 1 ? reply : null
    this.#lines = []
    this.#enhanced = null
    this.#replyBytes = 0
    return reply
  }
}

const tooLong = `the server sent a reply of more than ${longestReply} bytes`
const enhancedCode = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/
const hyphen = 45

/** `250 ok`, `250-ok`, and `250` alone (RFC 5321 §4.2: the client takes the bare code too); 2xx to 5xx. */
function codeOf(line: string): number | null {
  const first = line.charCodeAt(0) - 48
  const second = line.charCodeAt(1) - 48
  const third = line.charCodeAt(2) - 48
  if (!(first >= 2 && first <= 5 && second >= 0 && second <= 9 && third >= 0 && third <= 9)) return null
  const separator = line.charCodeAt(3)
  if (line.length > 3 && separator !== 32 && separator !== hyphen) return null
  return first * 100 + second * 10 + third
}
