// What a server can do beyond RFC 821, read from its answer to EHLO (RFC 5321 §4.1.1.1). A keyword is offered
// or it is not; nothing here is guessed from the server's name.
import type { Reply } from './reply.ts'

export interface Extensions {
  /** RFC 2920: commands may leave before earlier replies are in. */
  readonly pipelining: boolean
  /**
   * Takes nothing in the packet of a final dot. QUIRK: Courier offers PIPELINING, and loses what comes behind a dot
   * without a word; it is known by XEXDATA, which it alone offers.
   */
  readonly deafBehindDot: boolean
  /** RFC 1870: the largest message in bytes; 0 = offered without a limit, null = not offered. */
  readonly size: number | null
  /** RFC 6152. */
  readonly eightBitMime: boolean
  /** RFC 6531. */
  readonly smtpUtf8: boolean
  /** Postfix: the server makes one VERP sender per recipient. */
  readonly xverp: boolean
  /** RFC 3030. */
  readonly chunking: boolean
  /** RFC 2034. */
  readonly enhancedStatusCodes: boolean
  /** RFC 3207. */
  readonly startTls: boolean
  /** RFC 4954: the mechanisms in capitals; empty when AUTH is not offered. */
  readonly auth: readonly string[]
}

/** What a server offers that only knows HELO: nothing. */
export const noExtensions: Extensions = {
  pipelining: false,
  deafBehindDot: false,
  size: null,
  eightBitMime: false,
  smtpUtf8: false,
  xverp: false,
  chunking: false,
  enhancedStatusCodes: false,
  startTls: false,
  auth: [],
}

/** Reads a positive answer to EHLO; its first line is the server's name. */
export function parseExtensions(reply: Reply): Extensions {
  const offered = new Map<string, string[]>()
  for (const line of reply.lines.slice(1)) {
    // QUIRK: old servers write `AUTH=LOGIN PLAIN` beside or instead of `AUTH LOGIN PLAIN`.
    const [keyword = '', ...values] = line
      .trim()
      .toUpperCase()
      .split(/[\s=]+/)
    offered.set(keyword, [...(offered.get(keyword) ?? []), ...values])
  }
  return {
    pipelining: offered.has('PIPELINING'),
    deafBehindDot: offered.has('XEXDATA'),
    size: sizeOf(offered.get('SIZE')),
    eightBitMime: offered.has('8BITMIME'),
    smtpUtf8: offered.has('SMTPUTF8'),
    // QUIRK: Courier's XVERP=Courier makes senders of another form, and takes Postfix's word for it without doing it.
    xverp: offered.get('XVERP')?.length === 0,
    chunking: offered.has('CHUNKING'),
    enhancedStatusCodes: offered.has('ENHANCEDSTATUSCODES'),
    startTls: offered.has('STARTTLS'),
    auth: [...new Set(offered.get('AUTH'))],
  }
}

/** A size that is no number counts as offered without a limit. */
function sizeOf(values: readonly string[] | undefined): number | null {
  if (values === undefined) return null
  const [value = ''] = values
  return /^\d{1,15}$/.test(value) ? Number(value) : 0
}
