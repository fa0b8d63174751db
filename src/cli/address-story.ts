// What the store knows about an address: where it belongs, what it wrote, what went to it and how that ended.
import { addressKey, type EmailAddress } from '../mail/address.ts'
import { ledgerStates } from '../model/outgoing.ts'
import { membershipsOf } from '../store/units/members.ts'
import { queuedItem, type ReportedItem } from '../store/units/reports.ts'
import {
  bouncesOf,
  copiesTo,
  type LedgerPlace,
  postsByMessageId,
  postsBySender,
  queuedFrom,
  type ReportedCopy,
} from '../store/units/stories.ts'
import type { CommandContext } from './command.ts'
import { reasonsOf, stateWords, verdictWords } from './queue-words.ts'
import { counted, plain, spanOf, timeOf } from './words.ts'

/** So many posts, copies or bounces are shown. */
const most = 50
/** So many pages of the ledger are looked through before others have their turn. */
const pagesAtOnce = 50

/** False when the store knows nothing of it. */
export async function tellAddress(
  context: CommandContext,
  address: EmailAddress,
  json: boolean,
): Promise<boolean> {
  const { services, out } = context
  const { store } = services
  const key = addressKey(address)
  const memberships = store.read(membershipsOf, { address })
  const waiting = store
    .read(queuedFrom, { key, limit: most })
    .map((item) => store.read(queuedItem, { item }))
    .filter((item): item is ReportedItem => item !== null)
  const posts = store.read(postsBySender, { sender: address, limit: most })
  const copies = await copiesOf(context, key)
  const bounces = store.read(bouncesOf, { key, limit: most })
  if (memberships.length + waiting.length + posts.length + copies.length + bounces.length === 0) return false
  if (json) {
    out.json({
      address,
      memberships: memberships.map(({ listId, posting, role, delivery, status, joinedAt }) => ({
        list_id: listId,
        posting_address: posting,
        role,
        delivery_mode: delivery,
        delivery_status: status,
        joined_at: new Date(joinedAt).toISOString(),
      })),
      waiting,
      posts,
      copies: copies.map((copy) => ({ ...copy, state: stateWords(copy.state) })),
      bounces,
    })
    return true
  }
  for (const { posting, role, delivery, status, joinedAt } of memberships)
    out.line(`${role} of ${posting} since ${timeOf(joinedAt)}, delivery ${delivery}, ${status}`)
  if (waiting.length > 0) out.line('mail from it that waits in the queue:')
  for (const { no, list, acceptedAt, shuntedAt } of waiting)
    out.line(
      `  ${timeOf(acceptedAt)}  ${no}  ${list ?? 'list removed'}  ${shuntedAt === null ? 'not judged yet' : 'set aside'}; 'posthorn queue show ${no}'`,
    )
  if (posts.length > 0) out.line('posts, the latest first:')
  for (const { judgedAt, messageId, list, verdict, subject, hits } of posts) {
    out.line(
      `  ${timeOf(judgedAt)}  ${plain(messageId)}  ${list}  ${verdictWords[verdict]}  ${plain(subject)}`,
    )
    for (const line of reasonsOf(hits)) out.line(line)
  }
  if (copies.length > 0) out.line('copies to it, the latest first:')
  for (const copy of copies) {
    const [post] = store.read(postsByMessageId, { messageId: copy.messageId, limit: 1 })
    const what = post === undefined ? 'a letter of the list' : plain(post.subject)
    out.line(`${copyLine(copy, services.clock.now())}  ${what}`)
  }
  if (bounces.length > 0) out.line('bounces, the latest first:')
  for (const { at, list, context: when, reply, messageId } of bounces)
    out.line(`  ${timeOf(at)}  ${plain(messageId)}  ${list ?? 'list removed'}  ${when}: ${plain(reply)}`)
  return true
}

async function copiesOf(
  { services: { store }, out, signal }: CommandContext,
  key: string,
): Promise<readonly ReportedCopy[]> {
  const copies: ReportedCopy[] = []
  let looked = 0
  for (let before: LedgerPlace | null = null; !signal.aborted; ) {
    const found: { readonly copies: readonly ReportedCopy[]; readonly next: LedgerPlace | null } = store.read(
      copiesTo,
      { key, before, pages: pagesAtOnce },
    )
    copies.push(...found.copies)
    before = found.next
    if (before === null || copies.length >= most) break
    looked += pagesAtOnce
    out.progress(`looked through ${looked} pages of copies`)
    await new Promise(setImmediate) // the server has other things to do as well
  }
  return copies.slice(0, most)
}

/** One that is still tried says how often it was and when it will be. */
function copyLine(
  { changedAt, messageId, list, state, reply, tries, due }: ReportedCopy,
  now: number,
): string {
  const words = `${stateWords(state)}${reply === null ? '' : `: ${plain(reply)}`}`
  const again =
    due === null ? '' : due <= now ? ', is tried again now' : `, tried again in ${spanOf(due - now)}`
  const retries = isOpen.has(state) && tries > 0 ? ` (${counted(tries, 'try', 'tries')}${again})` : ''
  return `  ${timeOf(changedAt)}  ${plain(messageId)}  ${list ?? 'site'}  ${words}${retries}`
}

/** Waiting, refused for now, in doubt. */
const isOpen = new Set<string>([ledgerStates.pending, ledgerStates.deferred, ledgerStates.doubt])
