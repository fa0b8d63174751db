// What the judging of a post commits: its story, what follows from the verdict, and the end of the queue item,
// in one unit. Either all of it happened or the item is judged again.
import type { Instant } from '../../base/clock.ts'
import type { ListNo } from '../../model/list.ts'
import type { NewOutgoing, OutgoingNo } from '../../model/outgoing.ts'
import type { ItemNo, MessageNo } from '../../model/queue.ts'
import type { Hit } from '../../model/rule.ts'
import { command, defineUnit, get, integer, one, query, run } from '../unit.ts'
import { dayOf, type Letter, sendLetter } from './letters.ts'
import { insertOutgoing } from './outgoing.ts'
import { finishItem } from './queue.ts'

/** What `trace` and the moderators will read about this post. */
export interface PostStory {
  readonly list: ListNo
  readonly listName: string
  readonly item: ItemNo
  readonly message: MessageNo
  readonly messageId: string
  readonly sender: string
  readonly subject: string
  readonly size: number
  readonly receivedAt: Instant
  /** The handlers that changed something of an accepted post. */
  readonly changedBy?: readonly string[]
}

export interface Judgement {
  readonly story: PostStory
  readonly verdict: 'accept' | 'hold' | 'reject' | 'discard'
  readonly hits: readonly Hit[]
  /** What goes out, for an accepted post. */
  readonly outgoing: NewOutgoing | null
  /** The number that was put into the draft, or null where the draft does not tell it. */
  readonly postNumber: number | null
  /** Mail to owners takes no number of the list. */
  readonly numbered: boolean
  readonly letters: readonly Letter[]
  readonly now: Instant
  readonly retryPeriod: number
}

/**
 * `renumber`: another post took the number that the draft tells; make the draft again with the next one.
 * `list-gone`: the list was removed while its post was judged. `gone`: somebody else ended the item.
 */
export type Judged =
  | { readonly kind: 'done' | 'gone' | 'list-gone' }
  | { readonly kind: 'renumber'; readonly next: number }

export const recordJudgement = defineUnit('judging.record', function* (a: Judgement) {
  const { story } = a
  const accepted = a.verdict === 'accept'
  const last = yield* get(lastPostNo, story.list)
  if (last === null) return { kind: 'list-gone' } satisfies Judged
  const postNumber = accepted && a.numbered ? last + 1 : null
  if (postNumber !== null && a.postNumber !== null && a.postNumber !== postNumber)
    return { kind: 'renumber', next: postNumber } satisfies Judged
  if (!(yield* finishItem(story.item))) return { kind: 'gone' } satisfies Judged
  if (postNumber !== null) yield* run(countPost, postNumber, a.now, story.list)
  const outgoing = a.outgoing === null ? null : yield* insertOutgoing(a.outgoing, a.now, a.retryPeriod)
  const post = yield* tell(story, { at: a.now, verdict: a.verdict, hits: a.hits, postNumber, outgoing })
  if (a.verdict === 'hold') yield* run(insertHeld, story.list, post, story.message, a.now)
  for (const letter of a.letters) yield* sendLetter(story.list, letter, a.now, a.retryPeriod)
  return { kind: 'done' } satisfies Judged
})

/** The number that the next accepted post of the list will take. */
export const nextPostNumber = defineUnit('judging.next-post-number', function* (a: { list: ListNo }) {
  return ((yield* get(lastPostNo, a.list)) ?? 0) + 1
})

/** Mail for a list that was removed after the mail server had handed it over: it ends with a story. */
export const recordListGone = defineUnit(
  'judging.list-gone',
  function* (a: { story: PostStory; hit: Hit; now: Instant }) {
    if (!(yield* finishItem(a.story.item))) return false
    const { story } = a
    yield* tell(story, { at: a.now, verdict: 'discard', hits: [a.hit], postNumber: null, outgoing: null })
    return true
  },
)

interface Told {
  readonly at: Instant
  readonly verdict: Judgement['verdict']
  readonly hits: readonly Hit[]
  readonly postNumber: number | null
  readonly outgoing: OutgoingNo | null
}

function* tell(story: PostStory, { at, verdict, hits, postNumber, outgoing }: Told) {
  const { list, listName, item, message, messageId, sender, subject, size, receivedAt } = story
  const came = [list, listName, item, message, messageId, sender, subject, size, receivedAt] as const
  const judged = [at, verdict, JSON.stringify(hits), postNumber, outgoing] as const
  return yield* one(insertPost, ...came, ...judged, JSON.stringify(story.changedBy ?? []))
}

/** Forgets stories and answers of long ago; bounded. What is held keeps its story. */
export const forgetStories = defineUnit('judging.forget', function* (a: { before: Instant; limit: number }) {
  yield* run(forgetAnswers, dayOf(a.before))
  return yield* run(forgetPosts, a.limit, a.before)
})

const forgetAnswers = command('delete from autoreply_seen where day < ?')
const forgetPosts = command(
  `delete from post where id in (select id from post order by id limit ?1) and judged_at < ?2
     and not exists (select 1 from held where post_id = post.id)`,
)
const lastPostNo = query('select last_post_no from list where id = ?', (row) => integer(row, 'last_post_no'))
const countPost = command('update list set last_post_no = ?, last_post_at = ? where id = ?')
const insertPost = query(
  `insert into post (list_id, list_name, item, message_id, rfc822_id, sender, subject, size, received_at, judged_at, verdict, hits, post_no, outgoing_id, changed_by)
   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning id`,
  (row) => integer(row, 'id'),
)
const insertHeld = command('insert into held (list_id, post_id, message_id, held_at) values (?, ?, ?, ?)')
