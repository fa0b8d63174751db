// Replies on the wire, both ways: three digits, an enhanced code, words (RFC 5321 §4.2, RFC 3463, RFC 2034).

/** One reply. `enhanced` is null where the peer gave none, or where the standard forbids it (354, greeting, LHLO). */
export interface Reply {
  readonly code: number
  readonly enhanced: EnhancedCode | null
  /** The words of each line, without code and enhanced code; never with CR or LF. */
  readonly lines: readonly string[]
}

/** `class.subject.detail`, such as 5.1.1 (RFC 3463 §2). */
export type EnhancedCode = `${2 | 4 | 5}.${number}.${number}`

export function reply(code: number, enhanced: EnhancedCode | null, ...lines: readonly string[]): Reply {
  return { code, enhanced, lines }
}

/** The bytes of a reply as one string; several lines are joined by `-` (RFC 5321 §4.2.1), each with its enhanced code (RFC 2034 §4). */
export function formatReply({ code, enhanced, lines }: Reply): string {
  const words = lines.length > 0 ? lines : ['']
  return words
    .map((line, i) => {
      const separator = i < words.length - 1 ? '-' : ' '
      return `${code}${separator}${enhanced === null ? '' : `${enhanced} `}${line}\r\n`
    })
    .join('')
}

/** One line for a log or a ledger: `550 5.1.1 no such user`. */
export function replyText({ code, enhanced, lines }: Reply): string {
  return `${code}${enhanced === null ? '' : ` ${enhanced}`} ${lines.join(' ')}`.trim()
}

export const isPositive = (reply: Reply): boolean => reply.code >= 200 && reply.code < 300
/** 4xx: the other side says later. QUIRK: 552 to a RCPT means too many recipients (RFC 5321 §4.5.3.1.10); callers decide. */
export const isTransient = (reply: Reply): boolean => reply.code >= 400 && reply.code < 500
export const isPermanent = (reply: Reply): boolean => reply.code >= 500
