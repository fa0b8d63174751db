// The station that judges: gathers what the rules may know of a message, asks the chain, and hands the
// verdict to those who carry it out. Owns no thread and no queue.
import { parseMessage } from '../mail/message.ts'
import type { MailingList } from '../model/list.ts'
import type { QueueItem } from '../model/queue.ts'
import type { Facts, Post, Verdict } from '../model/rule.ts'
import { judge, ownerChain, postingChain } from '../rules/chain.ts'
import { membershipOf, sendersOf } from '../rules/senders.ts'
import type { Store } from '../store/store.ts'
import { speakers } from '../store/units/members.ts'

export interface FactSources {
  readonly store: Pick<Store, 'read'>
  /** The site's `sender_headers`: where the senders of a post are looked for. */
  readonly senderHeaders: readonly string[]
}

/** Reads the store once, after the message. `bytes` are those that were kept. Throws Unavailable. */
export function gatherFacts(
  { store, senderHeaders }: FactSources,
  { envelope }: Pick<QueueItem, 'envelope'>,
  list: MailingList,
  bytes: Uint8Array,
): Facts {
  const post: Post = { message: parseMessage(bytes), envelopeSender: envelope.sender, size: bytes.length }
  const { all, speaking } = sendersOf(post, senderHeaders)
  const found = store.read(speakers, { list: list.no, senders: all })
  return {
    post,
    list,
    sender: all[0] ?? null,
    senders: all,
    membership: membershipOf(found.members, speaking),
    banned: found.banned,
  }
}

/** What becomes of it; mail to the owners has a chain of its own. */
export function moderate(facts: Facts, purpose: 'post' | 'owner' = 'post'): Verdict {
  return judge(purpose === 'owner' ? ownerChain : postingChain, facts)
}
