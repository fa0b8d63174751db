// The station that decorates: runs the handlers over an accepted post and gives what delivery will need of it.
// The bytes that came are kept as they are; what changes is a header and splices over the kept body. Owns no
// thread and no queue.
import { Buffer } from 'node:buffer'
import { ownerPipeline } from '../handlers/owner-pipeline.ts'
import { postingPipeline } from '../handlers/posting-pipeline.ts'
import { addressKey, type EmailAddress } from '../mail/address.ts'
import { parseAddressList } from '../mail/address-list.ts'
import { type Draft, draftOf, renderDraft } from '../mail/draft.ts'
import { Headers } from '../mail/headers.ts'
import { messageIdOf } from '../mail/message-id.ts'
import type { Occasion } from '../model/handler.ts'
import { type MailingList, postingAddress, subAddress, subAddresses } from '../model/list.ts'
import type { StoredDraft } from '../model/outgoing.ts'
import { authorOf } from '../rules/senders.ts'

export interface Decorated extends Omit<StoredDraft, 'message'> {
  /** As it leaves, with its brackets. */
  readonly messageId: string
  /** Who stands in To and Cc besides the list, at most a thousand: they have a copy already. */
  readonly direct: readonly EmailAddress[]
  /** Who wrote it, as far as it says so; null for nobody. */
  readonly poster: EmailAddress | null
  /** The handlers that changed something, in their order. */
  readonly changedBy: readonly string[]
  /** As it came, decoded, at most 998 characters; '' for none. */
  readonly subject: string
}

/** What a post, or a letter to the owners, looks like when it leaves. Pure. */
export function decorate(purpose: 'post' | 'owner', occasion: Occasion): Decorated {
  const { post, list } = occasion
  const came = Headers.of(post.message)
  let draft = draftOf(post.message)
  const changedBy: string[] = []
  for (const handler of purpose === 'post' ? postingPipeline : ownerPipeline) {
    const changed = handler.apply(draft, occasion)
    if (changed !== draft && !isSame(changed, draft)) changedBy.push(handler.name)
    draft = changed
  }
  return {
    ...overKeptBytes(draft, post.message.bytes),
    changedBy,
    messageId: messageIdOf(draft.headers) ?? '',
    direct: directOf(came, list),
    poster: authorOf(post),
    subject: (came.decoded('Subject') ?? '').slice(0, 998).toWellFormed(),
  }
}

function isSame(one: Draft, other: Draft): boolean {
  if (one.message !== other.message || one.splices.length !== other.splices.length) return false
  return one.headers === other.headers || Buffer.compare(one.headers.toBytes(), other.headers.toBytes()) === 0
}

/** A draft that was settled has bytes of its own: then the whole body is one splice over the kept one. */
function overKeptBytes(draft: Draft, kept: Uint8Array): Omit<StoredDraft, 'message'> {
  const { message, headers, splices } = draft
  const bodyAt = message.root.body
  if (message.bytes === kept) {
    const header = splices.length === 0 ? headers : headers.closed()
    return { header: header.toBytes(), bodyAt, splices }
  }
  return wholeBody(draft, kept)
}

function wholeBody(draft: Draft, kept: Uint8Array): Omit<StoredDraft, 'message'> {
  const header = draft.headers.closed().toBytes()
  const all = Buffer.concat(renderDraft(draft))
  return {
    header,
    bodyAt: kept.length,
    splices: [{ at: kept.length, length: 0, bytes: all.subarray(header.length) }],
  }
}

// Every page of recipients is compared with them.
const mostDirect = 1000

const addressFields = ['To', 'Cc', 'Resent-To', 'Resent-Cc'] as const

/** Once each; the list's own addresses are nobody's mailbox. */
function directOf(headers: Headers, list: MailingList): readonly EmailAddress[] {
  const ours = new Set(
    [postingAddress(list), ...subAddresses.map((tail) => subAddress(list, tail))].map(addressKey),
  )
  const direct = new Map<string, EmailAddress>()
  for (const value of addressFields.flatMap((name) => headers.all(name))) {
    for (const { address } of parseAddressList(value)) {
      const key = addressKey(address)
      if (!ours.has(key) && !direct.has(key)) direct.set(key, address)
    }
  }
  return [...direct.values()].slice(0, mostDirect)
}
