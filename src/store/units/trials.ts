// The two lists that `doctor --deep` makes for a moment: a post to the first has one copy, whose way home is the second.
// Law: what is a trial is written down in the commit that makes it, so that it is found and removed whatever dies
// meanwhile, and no list of the operator's is ever taken for one.
import type { Instant } from '../../base/clock.ts'
import { type ListId, type ListNo, type ListSettings, postingAddress } from '../../model/list.ts'
import type { MemberNo } from '../../model/member.ts'
import type { Envelope, Lane, MessageNo } from '../../model/queue.ts'
import type { Hit } from '../../model/rule.ts'
import {
  all,
  command,
  defineUnit,
  get,
  integer,
  integerOrNull,
  json,
  one,
  query,
  run,
  text,
  textOrNull,
} from '../unit.ts'
import { createList, removeList } from './lists.ts'
import { addMembers } from './members.ts'
import { keepTrialLists, type TrialLists, trialLists } from './trial-record.ts'

export interface Trial {
  readonly post: ListNo
  readonly postId: ListId
  readonly home: ListNo
  /** The one member of `post`: the posting address of `home`. */
  readonly member: MemberNo
  /** The last queue item and the last bounce event before it. */
  readonly lastItem: number
  readonly lastBounce: number
}

/** Makes NAME and NAME-home in a domain that is there; null when it is not, or a name is taken. */
export const createTrial = defineUnit(
  'trial.create',
  function* (a: { name: string; mailHost: string; now: Instant }) {
    const home = { name: `${a.name}-home`, mailHost: a.mailHost }
    if ((yield* get(isTaken, a.mailHost, a.name, home.name)) !== 0) return null
    const make = { mailHost: a.mailHost, createDomain: false, now: a.now }
    const second = yield* createList.unit({ ...make, name: home.name, settings: homeSettings })
    const first = yield* createList.unit({ ...make, name: a.name, settings: postSettings })
    if (first.kind !== 'created' || second.kind !== 'created') throw new Error(`${a.name} cannot be made`)
    yield* addMembers.unit({
      list: first.list,
      role: 'member',
      members: [{ address: postingAddress(home), displayName: '' }],
      delivery: 'regular',
      status: 'enabled',
      now: a.now,
    })
    const before = yield* trialLists()
    yield* keepTrialLists([...before, { lists: [first.list, second.list], madeAt: a.now }])
    return {
      post: first.list,
      postId: `${a.name}.${a.mailHost}` as ListId,
      home: second.list,
      member: yield* one(firstMember, first.list),
      lastItem: yield* one(lastItem),
      lastBounce: yield* one(lastBounce),
    } satisfies Trial
  },
)

// Nobody is told of anything, and nothing is held: no person may hear of a trial.
const quiet: Partial<ListSettings> = {
  advertised: false,
  subjectPrefix: '',
  maxMessageSize: 0,
  respondToPostRequests: false,
  adminImmedNotify: false,
  sendWelcomeMessage: false,
  sendGoodbyeMessage: false,
  adminNotifyMchanges: false,
  deliveryMode: 'individual',
}
const postSettings: Partial<ListSettings> = { ...quiet, defaultNonmemberAction: 'accept' }
const homeSettings: Partial<ListSettings> = { ...quiet, defaultNonmemberAction: 'discard' }

/** Removes the trials of these lists, and all that were made before `before`, with what waits for them; how many went. */
export const removeTrials = defineUnit(
  'trial.remove',
  function* (a: { lists: readonly ListNo[]; before: Instant }) {
    const trials = yield* trialLists()
    const isOver = ({ lists, madeAt }: TrialLists): boolean =>
      madeAt < a.before || lists.some((list) => a.lists.includes(list))
    const over = trials.filter(isOver)
    if (over.length === 0) return 0
    const numbers = over.flatMap(({ lists }) => lists)
    const lists = JSON.stringify(numbers)
    const addresses = JSON.stringify(yield* all(memberAddresses, lists))
    for (const list of numbers) yield* removeList.unit({ list })
    yield* run(deleteAddresses, addresses)
    yield* run(deleteItems, lists)
    yield* run(deleteBounces, lists)
    yield* keepTrialLists(trials.filter((trial) => !isOver(trial)))
    return over.length
  },
)

/** How far a trial has come, in one snapshot. */
export interface TrialState {
  /** What waits for either list, or was set aside. */
  readonly items: readonly TrialItem[]
  /** Its post, once judged. */
  readonly post: JudgedTrial | null
  readonly copy: TrialCopy | null
  /** The copy, once home. */
  readonly home: JudgedTrial | null
  /** What bounces that came in have said, once they are processed. */
  readonly bounces: readonly string[]
}

export interface TrialItem {
  readonly list: ListNo
  readonly lane: Lane
  readonly message: MessageNo
  readonly envelope: Envelope
  readonly acceptedAt: Instant
  readonly shunted: boolean
  readonly reason: string | null
}

export interface JudgedTrial {
  readonly receivedAt: Instant
  readonly judgedAt: Instant
  readonly verdict: string
  readonly hits: readonly Hit[]
  readonly outgoing: number | null
}

export interface TrialCopy {
  /** A character of `ledgerStates`; null while there is no page. */
  readonly state: string | null
  readonly reply: string | null
  readonly changedAt: Instant | null
  readonly parked: string | null
}

export const trialState = defineUnit('trial.state', function* (a: Trial & { messageId: string }) {
  const post = yield* get(selectPost, a.messageId, a.post)
  return {
    items: yield* all(selectItems, a.lastItem, a.post, a.home),
    post,
    copy: post?.outgoing == null ? null : yield* get(selectCopy, post.outgoing),
    home: yield* get(selectPost, a.messageId, a.home),
    bounces: yield* all(selectBounces, a.lastBounce, a.post),
  } satisfies TrialState
})

// ---- statements ----

const isTaken = query(
  `select not exists (select 1 from domain where mail_host = ?1) or exists (
     select 1 from list join domain on domain.id = list.domain_id
     where domain.mail_host = ?1 and list.name in (?2, ?3)) as taken`,
  (row) => integer(row, 'taken'),
)
const firstMember = query(
  'select min(no) as no from member where list_id = ?',
  (row) => integer(row, 'no') as MemberNo,
)
const lastItem = query('select coalesce(max(id), 0) as id from queue_item', (row) => integer(row, 'id'))
const lastBounce = query('select coalesce(max(id), 0) as id from bounce_event', (row) => integer(row, 'id'))

const amongLists = '(select value from json_each(?1))'
const memberAddresses = query(
  `select distinct address_id from member where list_id in ${amongLists}`,
  (row) => integer(row, 'address_id'),
)
const deleteAddresses = command(
  `delete from address where id in ${amongLists} and not exists (select 1 from member where address_id = address.id)`,
)
// What a station holds right now ends by itself: the list is gone.
const deleteItems = command(
  `delete from queue_item where list_id in ${amongLists} and id not in (select item from temp.claim)`,
)
const deleteBounces = command(`delete from bounce_event where list_id in ${amongLists}`)

const selectItems = query(
  `select list_id, lane, message_id, envelope, accepted_at, shunted_at, reason from queue_item
   where id > ?1 and list_id in (?2, ?3) order by id`,
  (row): TrialItem => ({
    list: integer(row, 'list_id') as ListNo,
    lane: text(row, 'lane') as Lane,
    message: integer(row, 'message_id') as MessageNo,
    envelope: json<Envelope>(row, 'envelope'),
    acceptedAt: integer(row, 'accepted_at') as Instant,
    shunted: row.shunted_at !== null,
    reason: textOrNull(row, 'reason'),
  }),
)
const selectPost = query(
  `select received_at, judged_at, verdict, hits, outgoing_id from post
   where rfc822_id = ?1 and list_id = ?2 order by id limit 1`,
  (row): JudgedTrial => ({
    receivedAt: integer(row, 'received_at') as Instant,
    judgedAt: integer(row, 'judged_at') as Instant,
    verdict: text(row, 'verdict'),
    hits: json<readonly Hit[]>(row, 'hits'),
    outgoing: integerOrNull(row, 'outgoing_id'),
  }),
)
const selectCopy = query(
  `select substr(page.states, 1, 1) as state, json_extract(page.replies, '$[0]') as reply, page.changed_at, outgoing.parked
   from outgoing left join outgoing_page as page on page.outgoing_id = outgoing.id and page.page = 1
   where outgoing.id = ?`,
  (row): TrialCopy => ({
    state: textOrNull(row, 'state'),
    reply: textOrNull(row, 'reply'),
    changedAt: integerOrNull(row, 'changed_at') as Instant | null,
    parked: textOrNull(row, 'parked'),
  }),
)
const selectBounces = query(
  "select reply from bounce_event where id > ? and list_id = ? and context not in ('smtp', 'expired') order by id",
  (row) => text(row, 'reply'),
)
