// The way of one post as the store tells it: received, waiting, judged, decorated, and what became of each copy.
// Known by the number of its queue item, which is what the mail server heard: `queued as 17`.

import { listRecipient } from '../lists/recipient.ts'
import { readVerpToken, type VerpKey } from '../mail/verp.ts'
import type { MailingList } from '../model/list.ts'
import type { MemberNo } from '../model/member.ts'
import type { OutgoingNo } from '../model/outgoing.ts'
import type { ItemNo } from '../model/queue.ts'
import type { Store } from '../store/store.ts'
import { listByNo, listBySpec } from '../store/units/lists.ts'
import { pageByNo } from '../store/units/outgoing.ts'
import { deliveryPause } from '../store/units/pausing.ts'
import {
  pagesOf,
  queuedItem,
  type ReportedItem,
  type ReportedOutgoing,
  reportedOutgoing,
} from '../store/units/reports.ts'
import { latestPosts, lettersAbout, postOfItem, type ReportedPost } from '../store/units/stories.ts'
import type { Copies, Copy } from './copies.ts'

/** One recipient of the ledger. */
export interface ToldRecipient {
  readonly no: MemberNo | null
  readonly address: string
  /** A character of `ledgerStates`. */
  readonly state: string
  readonly reply: string | null
  /** What the catcher has of it; null before it has left, and when it is kept no more. */
  readonly copy: Copy | null
}

export interface ToldOutgoing {
  readonly outgoing: ReportedOutgoing
  /** When the first page was begun, and when the last result came; null before. */
  readonly begun: number | null
  readonly changed: number | null
  readonly recipients: readonly ToldRecipient[]
  /** There are more than are told here. */
  readonly more: boolean
}

export interface Story {
  readonly item: ItemNo
  /** While it waits to be judged, or is set aside. */
  readonly waiting: ReportedItem | null
  readonly post: ReportedPost | null
  readonly list: MailingList | null
  /** Null: nothing went out to members, or the record of it is no longer kept. */
  readonly delivery: ToldOutgoing | null
  /** What Posthorn itself wrote about it. */
  readonly letters: readonly ToldOutgoing[]
  /** Why an operator holds delivery back; null while it runs. */
  readonly paused: string | null
  /** Nothing more happens by itself. */
  readonly isOver: boolean
}

const mostRecipients = 100
const mostLetters = 5

/** Null when the store knows nothing of the item. Throws Unavailable. */
export function tellStory(store: Pick<Store, 'read'>, copies: Copies, item: ItemNo): Story | null {
  const post = store.read(postOfItem, { item })
  const waiting = store.read(queuedItem, { item })
  const paused = store.read(deliveryPause, null)?.why ?? null
  if (post === null) {
    if (waiting === null) return null
    const isOver = waiting.shuntedAt !== null
    return { item, waiting, post, list: null, delivery: null, letters: [], paused, isOver }
  }
  const list = store.read(listBySpec, { spec: post.list.toLowerCase() })
  const delivery = post.outgoing === null ? null : tellOutgoing(store, copies, post.outgoing)
  const letters = store
    .read(lettersAbout, { post: post.no, limit: mostLetters })
    .flatMap((no) => tellOutgoing(store, copies, no) ?? [])
  const all = delivery === null ? letters : [delivery, ...letters]
  const isOver = all.every(({ outgoing }) => outgoing.doneAt !== null || outgoing.parked !== null)
  return { item, waiting, post, list, delivery, letters, paused, isOver }
}

/** Two that are equal make the same page; much cheaper than the page. */
export const fingerprint = (story: Story): string =>
  JSON.stringify(story, (key, value: unknown) => (key === 'copy' && value !== null ? 'kept' : value))

export const tellLatest = (store: Pick<Store, 'read'>): readonly ReportedPost[] =>
  store.read(latestPosts, { limit: 12 })

function tellOutgoing(store: Pick<Store, 'read'>, copies: Copies, no: OutgoingNo): ToldOutgoing | null {
  const outgoing = store.read(reportedOutgoing, { outgoing: no })
  if (outgoing === null) return null
  const pages = store.read(pagesOf, { outgoing: no, after: 0, limit: 100 })
  const recipients: ToldRecipient[] = []
  for (const { page } of pages) {
    if (recipients.length >= mostRecipients) break
    const stored = store.read(pageByNo, { outgoing: no, page })
    stored?.recipients.forEach(({ no: member, address }, at) => {
      const reply = stored.replies[at] ?? null
      const copy = copyOf(copies, reply, address, outgoing.messageId)
      recipients.push({ no: member, address, state: stored.states[at] ?? '', reply, copy })
    })
  }
  const total = pages.reduce((sum, { states }) => sum + states.length, 0)
  return {
    outgoing,
    begun: pages[0]?.startedAt ?? null,
    changed: pages.length === 0 ? null : Math.max(...pages.map(({ changedAt }) => changedAt)),
    recipients: recipients.slice(0, mostRecipients),
    more: total > mostRecipients,
  }
}

// The catcher says which copy it made of it. It counts anew at each start, and the ledger is older than that.
function copyOf(copies: Copies, reply: string | null, address: string, messageId: string): Copy | null {
  const number = /caught as (\d+)$/.exec(reply ?? '')?.[1]
  const copy = number === undefined ? null : copies.byNumber(Number(number))
  if (copy === null || !copy.recipients.some((one) => one === address)) return null
  return copy.messageId === messageId ? copy : null
}

/** The list and the member that an envelope sender names (VERP); null for a sender that names nobody. */
export function readSender(
  store: Pick<Store, 'read'>,
  sender: Copy['sender'],
  key: VerpKey,
  delimiter: string,
): { readonly list: MailingList; readonly no: MemberNo } | null {
  if (sender === '<>') return null
  const found = listRecipient(store, delimiter, sender)
  if (found === null || found.purpose !== 'bounces' || found.extension === null) return null
  const list = store.read(listByNo, { list: found.list })
  const no = list === null ? null : readVerpToken(found.extension, list.listId, key)
  return list === null || no === null ? null : { list, no: no as MemberNo }
}
