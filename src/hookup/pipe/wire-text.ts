// The message as LMTP wants it, made while it is being read: CRLF line ends, dots doubled, a last line that ends
// (RFC 5321 §2.3.8, §4.5.2). Pieces may be cut anywhere. Law: a lone CR or LF never reaches the server.
import { dotStuff, isEightBit, normaliseLineEnds } from '../../mail/dot-stuffing.ts'

export class WireText {
  readonly #pieces: Uint8Array[] = []
  #atLineStart = true
  #heldCr = false // whether an LF follows it will be seen in the next piece
  #eightBit = false

  /** True where some octet has its eighth bit set (RFC 6152). */
  get eightBit(): boolean {
    return this.#eightBit
  }

  push(piece: Uint8Array): void {
    if (piece.length === 0) return
    let bytes = this.#heldCr ? Buffer.concat([cr, piece]) : piece
    this.#heldCr = bytes[bytes.length - 1] === 13
    if (this.#heldCr) bytes = bytes.subarray(0, -1)
    this.#add(bytes)
  }

  /** All of it, with the dot that ends the message. */
  finish(): readonly Uint8Array[] {
    if (this.#heldCr) this.#add(cr)
    this.#pieces.push(Buffer.from(this.#atLineStart ? '.\r\n' : '\r\n.\r\n'))
    return this.#pieces
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#eightBit ||= isEightBit(bytes)
    this.#pieces.push(dotStuff(normaliseLineEnds(bytes), this.#atLineStart))
    const last = bytes[bytes.length - 1]
    this.#atLineStart = last === 10 || last === 13
  }
}

const cr = Buffer.from('\r')
