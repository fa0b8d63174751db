// Message-ID (RFC 5322 §3.6.4) and the hash of it that archives have as their address of a post.
import { createHash } from 'node:crypto'
import { base32 } from '../base/random.ts'
import type { Headers } from './headers.ts'

/** The first Message-ID as it stands, '' for an empty field, null where there is none. */
export function messageIdOf(headers: Headers): string | null {
  return headers.get('Message-ID')
}

/** Base32 of SHA-1, 32 characters, of the id without its angle brackets: QUIRK of Mailman, on which archive links rest. */
export function messageIdHash(id: string): string {
  const text = id.startsWith('<') && id.endsWith('>') && id.length > 1 ? id.slice(1, -1) : id.trim()
  return base32(createHash('sha1').update(text, 'utf8').digest()).toUpperCase()
}

/** QUIRK: some programs write `<[x@example.org]>` or `[x@example.org]`; Mailman 3.3.9 mends both, so do we. */
export function repairMessageId(id: string): string {
  const inner = /^<?\[([^[\]<>\s]+@[^[\]<>\s]+)\]>?$/.exec(id.trim())?.[1]
  return inner === undefined ? id : `<${inner}>`
}

/** An id for a message that came without: made from what it says, so that a second try gets the same one. */
export function madeMessageId(bytes: Uint8Array, sender: string, domain: string): string {
  const digest = createHash('sha256').update(`${sender}\n`).update(bytes).digest()
  return `<${base32(digest.subarray(0, 20))}.posthorn@${domain}>`
}
