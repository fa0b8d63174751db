// One item of the lane `in`: moderation judges it, the pipeline decorates what is accepted, notices are written,
// and all of it is committed with the end of the item. Stations never call each other; this is where they meet.
import type { Instant } from '../base/clock.ts'
import { Headers } from '../mail/headers.ts'
import { messageIdOf } from '../mail/message-id.ts'
import { type MailingList, postingAddress, subAddress } from '../model/list.ts'
import type { Audience, NewOutgoing } from '../model/outgoing.ts'
import type { QueueItem } from '../model/queue.ts'
import type { Facts, Verdict } from '../model/rule.ts'
import { gatherFacts, moderate } from '../moderation/moderation.ts'
import { heldForModerators, heldForPoster } from '../notices/held.ts'
import { mayAnswer } from '../notices/may-answer.ts'
import { rejection } from '../notices/rejection.ts'
import { administratorsOf, letterTo } from '../notices/sending.ts'
import { type Decorated, decorate } from '../pipeline/pipeline.ts'
import type { Services } from '../services.ts'
import { keptBytes } from '../store/kept-message.ts'
import {
  type Judgement,
  nextPostNumber,
  type PostStory,
  recordJudgement,
  recordListGone,
} from '../store/units/judging.ts'
import type { Letter } from '../store/units/letters.ts'
import { listByNo } from '../store/units/lists.ts'

export interface PostJudge {
  /** Resolves when the item's end is committed. Throws Unavailable; any other throw is a fault of ours. */
  judge(item: QueueItem): Promise<void>
}

/** `spool` holds the files of large messages; `accepted` is called when something is to go out. */
export function postJudge(services: Services, spool: string, accepted: () => void): PostJudge {
  const { store, config, clock, log } = services

  const ownersOf = (list: MailingList): Audience => administratorsOf(store, list, config.mailman.siteOwner)

  const outgoingFor = (item: QueueItem, list: MailingList, made: Decorated): NewOutgoing => {
    const { message } = item
    const { header, bodyAt, splices, messageId, direct, poster } = made
    const toOwners = item.envelope.purpose === 'owner'
    return {
      lane: 'out',
      list: list.no,
      audience: toOwners ? ownersOf(list) : { kind: 'roster', roles: ['member'], poster, direct },
      sender: subAddress(list, 'bounces'),
      mode: list.settings.deliveryMode ?? config.bulk.mode,
      messageId,
      draft: { message, header, bodyAt, splices },
    }
  }

  const lettersFor = (list: MailingList, facts: Facts, verdict: Verdict, now: Instant): readonly Letter[] => {
    if (verdict.action !== 'hold' && verdict.action !== 'reject') return []
    const judged = { list, post: facts.post, because: verdict.because }
    const answer = mayAnswer(facts.post, list)
    const letters: Letter[] = []
    const tellsPoster = verdict.action === 'reject' || list.settings.respondToPostRequests
    if ('to' in answer && tellsPoster) {
      const kind = verdict.action === 'hold' ? 'held' : 'rejection'
      const letter =
        verdict.action === 'hold' ? heldForPoster(judged, answer.to, now) : rejection(judged, answer.to, now)
      letters.push(
        letterTo(list, { kind: 'addresses', addresses: [answer.to] }, letter, { kind, address: answer.to }),
      )
    }
    if (verdict.action === 'hold' && list.settings.adminImmedNotify) {
      letters.push(letterTo(list, ownersOf(list), heldForModerators(judged, facts.sender, now), null))
    }
    return letters
  }

  const judge = async (item: QueueItem): Promise<void> => {
    const list = store.read(listByNo, { list: item.list })
    if (list === null) return listGone(item)
    const bytes = keptBytes(store, spool, item.message)
    const facts = gatherFacts({ store, senderHeaders: config.mailman.senderHeaders }, item, list, bytes)
    const toOwners = item.envelope.purpose === 'owner'
    const verdict = moderate(facts, toOwners ? 'owner' : 'post')
    const now = clock.now()
    const tellsNumber = !toOwners && list.settings.subjectPrefix.includes('%d')
    const numbered = verdict.action === 'accept' && tellsNumber
    let postNumber = numbered ? store.read(nextPostNumber, { list: list.no }) : null
    for (;;) {
      const occasion = { list, post: facts.post, postNumber: postNumber ?? 0, siteDomain: list.mailHost }
      const made = verdict.action === 'accept' ? decorate(toOwners ? 'owner' : 'post', occasion) : null
      const judgement: Judgement = {
        story: storyOf(item, list, facts, made),
        verdict: verdict.action,
        hits: verdict.action === 'accept' ? verdict.hits : verdict.because,
        outgoing: made === null ? null : outgoingFor(item, list, made),
        postNumber,
        numbered: !toOwners,
        letters: lettersFor(list, facts, verdict, now),
        now,
        retryPeriod: config.mta.deliveryRetryPeriod,
      }
      const judged = await store.commit(recordJudgement, judgement)
      if (judged.kind === 'list-gone') return listGone(item)
      if (judged.kind === 'gone') return
      if (judged.kind === 'renumber') {
        postNumber = judged.next
        continue
      }
      log.info(`post.${wordFor[verdict.action]}`, {
        list: list.listId,
        item: item.no,
        messageId: judgement.story.messageId,
        sender: judgement.story.sender,
        rules: judgement.hits.map(({ rule }) => rule),
      })
      if (judgement.outgoing !== null || judgement.letters.length > 0) accepted()
      return
    }
  }

  const listGone = async (item: QueueItem): Promise<void> => {
    const bytes = keptBytes(store, spool, item.message)
    const story: PostStory = {
      list: item.list,
      listName: item.envelope.recipient,
      item: item.no,
      message: item.message,
      messageId: '',
      sender: item.envelope.sender,
      subject: '',
      size: bytes.length,
      receivedAt: item.acceptedAt,
    }
    const hit = {
      rule: 'list-gone',
      summary: 'The list was removed after the mail server had handed the message over',
      detail: {},
    }
    await store.commit(recordListGone, { story, hit, now: clock.now() })
    log.warn('post.list-gone', { item: item.no, recipient: item.envelope.recipient })
  }

  return { judge }
}

const wordFor = { accept: 'accepted', hold: 'held', reject: 'rejected', discard: 'discarded' } as const

function storyOf(item: QueueItem, list: MailingList, facts: Facts, made: Decorated | null): PostStory {
  const headers = Headers.of(facts.post.message)
  return {
    list: list.no,
    listName: item.envelope.purpose === 'owner' ? subAddress(list, 'owner') : postingAddress(list),
    item: item.no,
    message: item.message,
    messageId: made?.messageId ?? messageIdOf(headers) ?? '',
    sender: facts.sender ?? item.envelope.sender,
    subject: (headers.decoded('Subject') ?? '').slice(0, 300),
    size: facts.post.size,
    receivedAt: item.acceptedAt,
    changedBy: made?.changedBy ?? [],
  }
}
