// Puts the list's prefix in front of the subject, once: `[Tea] Re: Pots`. The subject is decoded as a whole,
// the prefix and the marks of replies that already stand at its start are taken off, and what comes out is
// encoded once (RFC 2047). What stands further in is the author's and stays.
import type { Handler } from '../model/handler.ts'

export const subjectPrefix: Handler = {
  name: 'subject-prefix',
  summary: "Puts the list's prefix in front of the subject",
  apply: (draft, { list, postNumber }) => {
    const prefix = list.settings.subjectPrefix.trim()
    if (prefix === '') return draft
    const came = draft.headers.decoded('Subject') ?? ''
    const subject = prefixed(came, prefix, postNumber)
    return subject === came ? draft : { ...draft, headers: draft.headers.replaced('Subject', subject) }
  },
}

/** `prefix` may hold `%d` or `%05d`, which become the post's number. */
export function prefixed(subject: string, prefix: string, postNumber: number): string {
  const { isReply, rest } = bare(subject, standing(prefix))
  const number = prefix.replace(placeholder, (_, width: string) =>
    String(postNumber).padStart(Number(width), '0'),
  )
  return `${number} ${isReply ? 'Re: ' : ''}${rest === '' ? '(no subject)' : rest}`
}

const placeholder = /%0?(\d{0,2})d/g
// Marks of replies in English, German, Swedish and Norwegian, as Mailman knows them: `Re:`, `AW[2]:`, `SV :`.
const replyMark = /^(?:re|aw|sv|vs)\s{0,9}(?:\[\d{1,9}\])?\s{0,9}:\s*/i

/** Finds the prefix at the start of a subject, with any number where `%d` stands. */
function standing(prefix: string): RegExp {
  const parts = prefix.split(/%0?\d{0,2}d/).map((part) => part.trim().replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  // A prefix that is nothing but a number would take the numbers of other subjects for its own.
  const hasText = parts.some((part) => part !== '')
  const text = parts.join('\\s{0,9}\\d{1,15}\\s{0,9}')
  return hasText ? new RegExp(`^${text}${edge}\\s*`, 'iu') : /^(?!)/
}

// The prefix `Tea` is not part of `Teapots`.
const edge = '(?:(?<![\\p{L}\\p{N}])|(?![\\p{L}\\p{N}]))'

function bare(subject: string, prefix: RegExp): { isReply: boolean; rest: string } {
  let rest = subject.trim()
  let isReply = false
  for (;;) {
    const mark = replyMark.exec(rest) ?? prefix.exec(rest)
    if (mark === null || mark[0] === '') return { isReply, rest }
    isReply ||= replyMark.test(rest)
    rest = rest.slice(mark[0].length)
  }
}
