// An edited message that is not written yet: the bytes that came, the headers as they shall be, and what
// goes into the body at which place. Law: body octets that no splice covers leave as they came (so that
// a signature over the body holds, RFC 6376 §3.4), and header edits touch no octet of the body.
import { Buffer } from 'node:buffer'
import { Headers } from './headers.ts'
import { type Message, parseMessage } from './message.ts'

export interface Draft {
  readonly message: Message
  readonly headers: Headers
  readonly splices: readonly Splice[]
}

/** At this offset of `message.bytes`, this many octets go and these come. */
export interface Splice {
  readonly at: number
  readonly length: number
  readonly bytes: Uint8Array
}

/** A draft in which nothing has been changed. */
export function draftOf(message: Message): Draft {
  return { message, headers: Headers.of(message), splices: [] }
}

/** The message as it leaves, in pieces; untouched ranges are views of the original bytes. */
export function renderDraft({ message, headers, splices }: Draft): readonly Uint8Array[] {
  const { bytes, root } = message
  const header = splices.length === 0 ? headers : headers.closed()
  return [...header.pieces(), ...applySplices(bytes, root.body, splices)]
}

/** The same message with its edits made: a draft over bytes of its own, with nothing left to splice. */
export function settle(draft: Draft): Draft {
  return draftOf(parseMessage(Buffer.concat(renderDraft(draft))))
}

/** The bytes from `from` on with the splices made; those of one place in the order given. Throws where they overlap. */
export function applySplices(
  bytes: Uint8Array,
  from: number,
  splices: readonly Splice[],
): readonly Uint8Array[] {
  const pieces: Uint8Array[] = []
  let at = from
  for (const splice of splices.toSorted((a, b) => a.at - b.at)) {
    if (splice.at < at || splice.at + splice.length > bytes.length) {
      throw new Error(
        `a splice of ${splice.length} octets at ${splice.at} lies outside ${at} to ${bytes.length}`,
      )
    }
    if (splice.at > at) pieces.push(bytes.subarray(at, splice.at))
    if (splice.bytes.length > 0) pieces.push(splice.bytes)
    at = splice.at + splice.length
  }
  if (at < bytes.length) pieces.push(bytes.subarray(at))
  return pieces
}
