// What leaves for the relay. One kept buffer per connection: small things are copied into it and go in one
// write; large pieces go by reference under cork, since a system call costs more than copying 16 KB and less
// than copying more. Its law: the buffer is touched again only after the write callback.
import type { Socket } from 'node:net'

const firstCapacity = 16 * 1024
/** The most that is kept, and the most that one write holds: so each block of a long body shows that it moves. */
const largestBlock = 256 * 1024
/** From this size on a piece is written where it lies. */
const byReference = 16 * 1024

export class Output {
  readonly #socket: Socket
  readonly #written: () => void
  #buffer = Buffer.allocUnsafeSlow(firstCapacity)
  #segment = 0 // where in the buffer the bytes begin that are in no queued block yet
  #end = 0
  #blocks: Uint8Array[] = []
  #blockBytes = 0
  #busy = false

  /** `written` is called whenever the system has taken all that was flushed. */
  constructor(socket: Socket, written: () => void) {
    this.#socket = socket
    this.#written = written
  }

  /** True from `flush` until the system has taken the bytes; nothing may be added meanwhile. */
  get busy(): boolean {
    return this.#busy
  }

  /** Adds a line. False: no room, what was there is on its way; come again when `written`. */
  text(line: string): boolean {
    if (!this.#makeRoom(line.length * 3)) return false
    this.#end += this.#buffer.write(line, this.#end, 'utf8')
    return true
  }

  /** Adds bytes of `piece` from `offset` on and says how many. 0: no room; come again when `written`. */
  bytes(piece: Uint8Array, offset: number): number {
    const left = piece.length - offset
    if (left < byReference) {
      if (!this.#makeRoom(left)) return 0
      this.#buffer.set(offset === 0 ? piece : piece.subarray(offset), this.#end)
      this.#end += left
      return left
    }
    if (this.#blockBytes >= largestBlock) {
      this.flush()
      return 0
    }
    const count = Math.min(left, largestBlock)
    this.#closeSegment()
    this.#blocks.push(piece.subarray(offset, offset + count))
    this.#blockBytes += count
    return count
  }

  flush(): void {
    if (this.#busy || (this.#end === this.#segment && this.#blocks.length === 0)) return
    this.#busy = true
    if (this.#blocks.length === 0) {
      this.#socket.write(this.#buffer.subarray(0, this.#end), this.#onWritten)
      return
    }
    this.#closeSegment()
    const last = this.#blocks.length - 1
    this.#socket.cork()
    this.#blocks.forEach((block, i) => {
      this.#socket.write(block, i === last ? this.#onWritten : undefined)
    })
    this.#socket.uncork()
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (error) return // the socket's own error event tells
    this.#busy = false
    this.#segment = 0
    this.#end = 0
    this.#blocks = []
    this.#blockBytes = 0
    this.#written()
  }

  #closeSegment(): void {
    if (this.#end === this.#segment) return
    this.#blocks.push(this.#buffer.subarray(this.#segment, this.#end))
    this.#segment = this.#end
  }

  #makeRoom(bytes: number): boolean {
    if (this.#end + bytes <= this.#buffer.length) return true
    let capacity = this.#buffer.length
    while (capacity < this.#end + bytes && capacity < largestBlock) capacity *= 2
    if (capacity < this.#end + bytes) {
      this.flush()
      return false
    }
    const larger = Buffer.allocUnsafeSlow(capacity) // queued blocks still lie in the old one, unharmed
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
    return true
  }
}
