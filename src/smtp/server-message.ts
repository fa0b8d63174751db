// Collects the bytes of one message, from DATA (RFC 5321 §4.5.2) or BDAT (RFC 3030). Law: only CRLF.CRLF ends
// DATA; a CR or LF alone is never a line end, and a message that has one is refused when its end has come, so
// that no two servers can disagree about where it ends. Linear in the bytes, however they arrive.
//
// Lines have no limit but that of the message. QUIRK: broken senders write lines far over the 998 octets of
// RFC 5322 §2.1.1, and to refuse them helps nobody.

export type Rejection = 'too-big' | 'bare-line-end' | 'no-room'

const CR = 0x0d
const LF = 0x0a
const DOT = 0x2e

// Where the next byte stands.
const lineStart = 0
const text = 1
const afterCr = 2
const afterDot = 3 // at the start of a line: a stuffed dot, or the end
const afterDotCr = 4

const smallPiece = 4096
const blockSize = 65_536

export class IncomingBytes {
  readonly #limit: number
  #state = lineStart
  #rejection: Rejection | null = null
  #pieces: Uint8Array[] = []
  #block: Uint8Array | null = null // the last piece, while it has room
  #filled = 0
  #size = 0

  /** `limit` is the largest message in bytes; stuffed dots do not count (RFC 1870 §5). */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes of the message so far; they are held unless it is rejected. */
  get size(): number {
    return this.#size
  }

  get rejection(): Rejection | null {
    return this.#rejection
  }

  /** What was collected goes, what still comes is passed over. The first reason stays. */
  reject(why: Rejection): void {
    this.#rejection ??= why
    this.#pieces = []
    this.#block = null
  }

  /** DATA: reads from `at` up to the final dot. Returns the position after it, or -1 when it has not come yet. */
  readData(chunk: Buffer, at: number): number {
    const end = chunk.length
    let state = this.#state
    let from = at
    let i = at
    while (i < end) {
      const byte = chunk[i] as number
      if (state === text) {
        if (byte === CR) state = afterCr
        else if (byte === LF) this.reject('bare-line-end')
        i++
      } else if (state === afterCr) {
        if (byte === LF) {
          state = lineStart
          i++
        } else {
          this.reject('bare-line-end')
          state = text
        }
      } else if (state === lineStart) {
        if (byte === DOT) {
          this.#append(chunk, from, i)
          from = ++i
          state = afterDot
        } else state = text
      } else if (state === afterDot) {
        if (byte === CR) {
          state = afterDotCr
          i++
        } else state = text
      } else if (byte === LF) {
        this.#state = lineStart
        return i + 1
      } else {
        this.reject('bare-line-end')
        state = text
      }
    }
    this.#state = state
    if (state !== afterDotCr) this.#append(chunk, from, end)
    return -1
  }

  /** BDAT: the octets are the message as they are. */
  readChunk(chunk: Buffer, from: number, to: number): void {
    let afterReturn = this.#state === afterCr
    for (let i = from; i < to; i++) {
      const byte = chunk[i] as number
      if ((byte === LF) !== afterReturn) this.reject('bare-line-end')
      afterReturn = byte === CR
    }
    this.#state = afterReturn ? afterCr : text
    this.#append(chunk, from, to)
  }

  /** After the last octet: the message in a buffer of its own, or why there is none. */
  finish(): Buffer | Rejection {
    if (this.#state === afterCr) this.reject('bare-line-end')
    if (this.#rejection !== null) return this.#rejection
    // Not from the pool: what travels to another thread is copied with the whole buffer below it.
    const whole = Buffer.allocUnsafeSlow(this.#size)
    let at = 0
    for (const piece of this.#pieces) {
      const used = piece === this.#block ? piece.subarray(0, this.#filled) : piece
      whole.set(used, at)
      at += used.length
    }
    return whole
  }

  // Large pieces are kept as they came, small ones are put together, so that a message that arrives byte by
  // byte costs no more memory than its bytes. The first is kept as it is: most messages come in one piece.
  #append(chunk: Buffer, from: number, to: number): void {
    if (from >= to) return
    this.#size += to - from
    if (this.#size > this.#limit) this.reject('too-big')
    if (this.#rejection !== null) return
    if (to - from >= smallPiece || this.#pieces.length === 0) {
      this.#closeBlock()
      this.#pieces.push(chunk.subarray(from, to))
      return
    }
    while (from < to) {
      if (this.#block === null || this.#filled === this.#block.length) this.#openBlock()
      const block = this.#block as Uint8Array
      const part = Math.min(to - from, block.length - this.#filled)
      block.set(chunk.subarray(from, from + part), this.#filled)
      this.#filled += part
      from += part
    }
  }

  #openBlock(): void {
    this.#closeBlock()
    this.#block = new Uint8Array(Math.min(blockSize, Math.max(smallPiece, this.#size)))
    this.#filled = 0
    this.#pieces.push(this.#block)
  }

  #closeBlock(): void {
    if (this.#block === null) return
    this.#pieces[this.#pieces.length - 1] = this.#block.subarray(0, this.#filled)
    this.#block = null
  }
}
