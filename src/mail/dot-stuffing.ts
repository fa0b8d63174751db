// What the wire asks of message bytes: dots (RFC 5321 §4.5.2), line ends (§2.3.8), line lengths
// (§4.5.3.1.6), the eighth bit (RFC 6152).
import { Buffer } from 'node:buffer'

const lfDot = Buffer.from('\n.')
const dot = Buffer.from('.')

/**
 * Doubles each dot that begins a line; the same object comes back where there is none. `atLineStart` says
 * whether the piece before ended in a line end. A dot after a lone LF is doubled as well: servers that
 * take LF for a line end must not see an end of data that is none.
 */
export function dotStuff(piece: Uint8Array, atLineStart: boolean): Uint8Array {
  const bytes = bufferOf(piece)
  let found = atLineStart && bytes[0] === 46 ? 0 : nextDot(bytes, 0)
  if (found < 0) return piece
  const pieces: Uint8Array[] = []
  let from = 0
  for (; found >= 0; found = nextDot(bytes, found)) {
    pieces.push(bytes.subarray(from, found), dot)
    from = found
  }
  pieces.push(bytes.subarray(from))
  return Buffer.concat(pieces)
}

/** Takes away what `dotStuff` put into a whole text (RFC 5321 §4.5.2); the same object comes back where there is nothing. */
export function dotUnstuff(text: Uint8Array): Uint8Array {
  const bytes = bufferOf(text)
  let found = bytes[0] === 46 ? 0 : nextDot(bytes, 0)
  if (found < 0) return text
  const pieces: Uint8Array[] = []
  let from = 0
  for (; found >= 0; found = nextDot(bytes, found + 1)) {
    pieces.push(bytes.subarray(from, found))
    from = found + 1
  }
  pieces.push(bytes.subarray(from))
  return Buffer.concat(pieces)
}

/** Every line end as CRLF, lone CR and LF included; the same object comes back where all are. */
export function normaliseLineEnds(bytes: Uint8Array): Uint8Array {
  const buffer = bufferOf(bytes)
  if (!hasLoneLineEnd(buffer)) return bytes
  return Buffer.from(buffer.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n'), 'latin1')
}

/** True where some octet has its eighth bit set. */
export function isEightBit(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] ?? 0) > 127) return true
  return false
}

/** The octets of the longest line, without its line end. */
export function longestLine(bytes: Uint8Array): number {
  const buffer = bufferOf(bytes)
  let longest = 0
  for (let start = 0; start < buffer.length; ) {
    const lf = buffer.indexOf(10, start)
    const next = lf < 0 ? buffer.length : lf
    longest = Math.max(longest, (buffer[next - 1] === 13 && lf >= 0 ? next - 1 : next) - start)
    start = next + 1
  }
  return longest
}

function nextDot(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(lfDot, from)
  return found < 0 ? -1 : found + 1
}

function hasLoneLineEnd(bytes: Buffer): boolean {
  for (let lf = bytes.indexOf(10); lf >= 0; lf = bytes.indexOf(10, lf + 1)) {
    if (bytes[lf - 1] !== 13) return true
  }
  for (let cr = bytes.indexOf(13); cr >= 0; cr = bytes.indexOf(13, cr + 1)) {
    if (bytes[cr + 1] !== 10) return true
  }
  return false
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
