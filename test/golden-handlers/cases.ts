// Golden pairs: what a handler, a pipeline or a letter makes of a post. NAME.in.eml and NAME.out.eml lie beside this file;
// `npm run golden` writes the .out.eml anew, and a person reads the difference before it is committed.
import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { instant } from '../../src/base/clock.ts'
import { cleanHeaders } from '../../src/handlers/clean-headers.ts'
import { footer } from '../../src/handlers/footer.ts'
import { listHeaders } from '../../src/handlers/list-headers.ts'
import { messageId } from '../../src/handlers/message-id.ts'
import { messageIdHash } from '../../src/handlers/message-id-hash.ts'
import { ownerPipeline } from '../../src/handlers/owner-pipeline.ts'
import { postingPipeline, runHandlers } from '../../src/handlers/posting-pipeline.ts'
import { replyTo } from '../../src/handlers/reply-to.ts'
import { subjectPrefix } from '../../src/handlers/subject-prefix.ts'
import { draftOf, renderDraft } from '../../src/mail/draft.ts'
import { parseMessage } from '../../src/mail/message.ts'
import type { Handler } from '../../src/model/handler.ts'
import type { ListSettings } from '../../src/model/list.ts'
import type { Post } from '../../src/model/rule.ts'
import type { JudgedPost } from '../../src/notices/about-post.ts'
import { heldForModerators, heldForPoster } from '../../src/notices/held.ts'
import type { WrittenLetter } from '../../src/notices/letter.ts'
import { rejection } from '../../src/notices/rejection.ts'
import { ann, teaList } from '../support/post.ts'

export interface GoldenCase {
  readonly name: string
  /** What comes out of the bytes of NAME.in.eml. */
  readonly make: (came: Uint8Array) => Uint8Array
}

const changedBy =
  (handlers: readonly Handler[], settings: Partial<ListSettings> = {}) =>
  (came: Uint8Array): Uint8Array => {
    const post = postOfBytes(came)
    const occasion = { list: teaList(settings), post, postNumber: 7, siteDomain: 'lists.example.org' }
    return Buffer.concat(renderDraft(runHandlers(handlers, draftOf(post.message), occasion)))
  }

const letterAbout =
  (write: (judged: JudgedPost) => WrittenLetter) =>
  (came: Uint8Array): Uint8Array => {
    const because = [
      'The message is not from a list member',
      'The message is larger than the 40 KB maximum size',
    ]
    return write({
      list: teaList({ description: 'All about tea' }),
      post: postOfBytes(came),
      because: because.map((summary) => ({ rule: 'rule', summary, detail: {} })),
    }).bytes
  }

function postOfBytes(bytes: Uint8Array): Post {
  return { message: parseMessage(bytes), envelopeSender: ann, size: bytes.length }
}

const date = instant(Date.UTC(2026, 10, 25, 19, 0, 0))
const names =
  '$display_name mailing list -- $listname\nLeave: $short_listname-leave@$domain for $user_email\n'
const explicit = {
  replyGoesToList: 'explicit_header',
  replyToAddress: 'Answers <answers@example.net>',
} as const

export const goldenCases: readonly GoldenCase[] = [
  { name: 'message-id-missing', make: changedBy([messageId, messageIdHash]) },
  { name: 'message-id-bracketed', make: changedBy([messageId, messageIdHash]) },
  { name: 'message-id-twice', make: changedBy([messageId, messageIdHash]) },
  { name: 'clean-headers', make: changedBy([cleanHeaders]) },
  { name: 'reply-to-untouched', make: changedBy([replyTo]) },
  { name: 'reply-to-stripped', make: changedBy([replyTo], { firstStripReplyTo: true }) },
  {
    name: 'reply-to-list',
    make: changedBy([replyTo], { replyGoesToList: 'point_to_list', description: 'Tea, Größe\nand more' }),
  },
  { name: 'reply-to-explicit', make: changedBy([replyTo], explicit) },
  {
    name: 'reply-to-explicit-only',
    make: changedBy([replyTo], {
      ...explicit,
      replyGoesToList: 'explicit_header_only',
      firstStripReplyTo: true,
    }),
  },
  {
    name: 'reply-to-explicit-nonsense',
    make: changedBy([replyTo], { ...explicit, replyToAddress: 'nobody' }),
  },
  { name: 'subject-encoded-reply', make: changedBy([subjectPrefix]) },
  { name: 'subject-numbered', make: changedBy([subjectPrefix], { subjectPrefix: '[Thé %03d] ' }) },
  { name: 'subject-missing', make: changedBy([subjectPrefix]) },
  { name: 'subject-hiding-a-field', make: changedBy([subjectPrefix]) },
  { name: 'list-headers', make: changedBy([listHeaders], { description: 'Größe, und "Tee"' }) },
  { name: 'list-headers-announce', make: changedBy([listHeaders], { allowListPosts: false }) },
  { name: 'list-headers-none', make: changedBy([listHeaders], { includeRfc2369Headers: false }) },
  { name: 'footer-plain', make: changedBy([footer], { footer: names }) },
  { name: 'footer-header-html', make: changedBy([footer], { header: 'Above: $list_id', footer: names }) },
  { name: 'posting-pipeline', make: changedBy(postingPipeline, { footer: names }) },
  { name: 'owner-pipeline', make: changedBy(ownerPipeline, { footer: names }) },
  { name: 'notice-rejection', make: letterAbout((judged) => rejection(judged, ann, date)) },
  { name: 'notice-held-poster', make: letterAbout((judged) => heldForPoster(judged, ann, date)) },
  { name: 'notice-held-moderators', make: letterAbout((judged) => heldForModerators(judged, ann, date)) },
]

export const goldenFile = (name: string, side: 'in' | 'out'): string =>
  join(import.meta.dirname, `${name}.${side}.eml`)

export function goldenOutput({ name, make }: GoldenCase): Uint8Array {
  return make(readFileSync(goldenFile(name, 'in')))
}
