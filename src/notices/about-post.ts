// What the letters about a post have in common: how the post is named and how reasons are told. Text from the
// post is data here: one line, bounded, never looked at for `$names`.
import { Headers } from '../mail/headers.ts'
import type { MailingList } from '../model/list.ts'
import type { Hit, Post } from '../model/rule.ts'
import { attachedBody, isCutWhenAttached } from './letter.ts'

/** A post and what was found in it. */
export interface JudgedPost {
  readonly list: MailingList
  readonly post: Post
  readonly because: readonly Hit[]
}

/** The subject as one line of at most 200 letters. */
export function subjectOf({ message }: Post): string {
  const subject = oneLine(Headers.of(message).decoded('Subject') ?? '')
  return subject === '' ? '(no subject)' : subject
}

/** The reasons, a line each, set in by four blanks. */
export function reasonLines(because: readonly Hit[]): string {
  return because.map(({ summary }) => `    ${oneLine(summary)}\n`).join('')
}

/** A sentence of its own where the copy that goes along is not whole. */
export function cutNote({ message }: Post): string {
  if (!isCutWhenAttached(message)) return ''
  return `It is long: the copy ends after the first ${attachedBody / 1024} KB.\n`
}

function oneLine(text: string): string {
  const line = text
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
  const letters = Array.from(line)
  return letters.length > 200 ? `${letters.slice(0, 200).join('')} ...` : line
}
