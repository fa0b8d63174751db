// A draft as bytes for the wire: made once, shared by every copy. The kept body goes out by reference, so that
// untouched parts leave as they came; only the edges and the dots are looked at (RFC 5321 §4.5.2).
import { dotStuff, isEightBit } from '../mail/dot-stuffing.ts'
import { toSevenBit } from '../mail/eight-bit.ts'
import type { StoredDraft } from '../model/outgoing.ts'
import { keptBytes } from '../store/kept-message.ts'
import type { Store } from '../store/store.ts'

export interface Rendering {
  /** Dots stuffed, ends with CRLF, without the final dot. */
  readonly pieces: readonly Uint8Array[]
  readonly size: number
  readonly eightBit: boolean
}

/** What a post looks like on the wire; the form for relays without 8BITMIME is made when one is met. */
export interface Renderings {
  readonly asKept: Rendering
  forSevenBit(): Rendering
}

/** Reads the kept message and lays the draft over it. Throws Unavailable when the bytes cannot be read. */
export function render(store: Store, spool: string, draft: StoredDraft): Renderings {
  const pieces = assemble(draft, keptBytes(store, spool, draft.message))
  const asKept = onTheWire(pieces)
  let sevenBit: Rendering | null = asKept.eightBit ? null : asKept
  return {
    asKept,
    forSevenBit: () => {
      sevenBit ??= onTheWire([toSevenBit(Buffer.concat(pieces)).bytes])
      return sevenBit
    },
  }
}

function assemble({ header, bodyAt, splices }: StoredDraft, kept: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [header]
  let at = bodyAt
  for (const splice of splices) {
    pieces.push(kept.subarray(at, splice.at), splice.bytes)
    at = splice.at + splice.length
  }
  pieces.push(kept.subarray(at))
  return pieces.filter((piece) => piece.length > 0)
}

function onTheWire(pieces: readonly Uint8Array[]): Rendering {
  const stuffed: Uint8Array[] = []
  let atLineStart = true
  let size = 0
  for (const piece of pieces) {
    size += piece.length
    stuffed.push(dotStuff(piece, atLineStart))
    atLineStart = endsLine(piece)
  }
  if (!atLineStart) stuffed.push(Buffer.from('\r\n'))
  return { pieces: stuffed, size, eightBit: pieces.some(isEightBit) }
}

const endsLine = (piece: Uint8Array): boolean => piece.at(-1) === 10
