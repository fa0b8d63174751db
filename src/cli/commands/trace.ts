// posthorn trace: the story of a post from the door to each recipient, or what the store knows about an address.
import { addressKey, type EmailAddress, parseEmailAddress } from '../../mail/address.ts'
import { membershipsOf } from '../../store/units/members.ts'
import {
  outgoingByMessageId,
  pagesOf,
  type ReportedOutgoing,
  recipientsInTrouble,
  reportedOutgoing,
} from '../../store/units/reports.ts'
import {
  bouncesOf,
  copiesTo,
  postsByMessageId,
  postsBySender,
  type ReportedPost,
} from '../../store/units/stories.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { countStates, linesAboutOutgoing, reasonsOf, stateWords } from '../queue-words.ts'
import { plain, sizeOf, timeOf } from '../words.ts'

/** So many posts, copies or bounces of one address are shown. */
const most = 50

export const trace = defineCommand({
  name: 'trace',
  summary: 'Tell the story of a post, or of an address',
  about: `  With a Message-ID (angle brackets or not): when each list received the post and from whom, how it
  was judged and why, and what became of each copy. With an address: its memberships, its posts, and
  the copies and bounces the store still knows. Mail that was not judged yet is in 'posthorn queue'.`,
  examples: ["posthorn trace '<abc@mail.example.com>'", 'posthorn trace ann@example.com'],
  options: { json: { kind: 'flag', help: 'As JSON.' } },
  args: { subject: 'required' },
  async run(context, { subject, json }) {
    const { store } = context.services
    const inner = subject.trim().replace(/^<(.*)>$/s, '$1')
    const messageId = `<${inner}>`
    const posts = store.read(postsByMessageId, { messageId, limit: most })
    const letters = store
      .read(outgoingByMessageId, { messageId, limit: most })
      .filter(({ no }) => !posts.some(({ outgoing }) => outgoing === no))
    if (posts.length > 0 || letters.length > 0) return tellMessage(context, posts, letters, json)
    const address = parseEmailAddress(inner)
    if (address !== null && !subject.includes('<')) return tellAddress(context, address, json)
    return unknown(context, subject)
  },
})

function unknown({ out }: CommandContext, subject: string): number {
  out.errorLine(
    `The store knows nothing of ${subject}; 'posthorn queue' shows what was not judged yet, [bulk] keep_pages says how long stories are kept`,
  )
  return EX.notFound
}

function tellMessage(
  { services: { store }, out }: CommandContext,
  posts: readonly ReportedPost[],
  letters: readonly ReportedOutgoing[],
  json: boolean,
): number {
  const outgoingOf = ({ outgoing }: ReportedPost) =>
    outgoing === null ? null : store.read(reportedOutgoing, { outgoing })
  if (json) {
    const full = (outgoing: ReportedOutgoing | null) =>
      outgoing === null
        ? null
        : {
            ...outgoing,
            recipients: countStates(store, outgoing.no).states,
            pages: store.read(pagesOf, { outgoing: outgoing.no, after: 0, limit: 1000 }).map((page) => ({
              ...page,
              not_sent: store.read(recipientsInTrouble, { outgoing: outgoing.no, page: page.page }),
            })),
          }
    out.json({
      posts: posts.map((post) => ({ ...post, delivery: full(outgoingOf(post)) })),
      letters: letters.map(full),
    })
    return EX.ok
  }
  for (const post of posts) {
    for (const line of linesAboutPost(post)) out.line(line)
    const outgoing = outgoingOf(post)
    if (outgoing !== null) for (const line of linesAboutOutgoing(store, outgoing, '  ')) out.line(line)
    else if (post.outgoing !== null) out.line('  its copies have left; the record of them is no longer kept')
    else if (post.verdict === 'accept') out.line('  there was nobody to send it to')
  }
  for (const letter of letters) for (const line of linesAboutOutgoing(store, letter)) out.line(line)
  return EX.ok
}

const verdictWords = {
  accept: 'accepted',
  hold: 'held for a moderator',
  reject: 'rejected, back to its sender',
  discard: 'discarded',
} as const

function linesAboutPost(post: ReportedPost): readonly string[] {
  const { list, messageId, sender, subject, size, receivedAt, judgedAt, verdict, hits, postNumber, held } =
    post
  const lines = [
    `${plain(messageId)} to ${list}${postNumber === null ? '' : `, post ${postNumber}`}`,
    `  subject: ${plain(subject)}`,
    `  received: ${timeOf(receivedAt)} from ${plain(sender)}, ${sizeOf(size)}`,
    `  judged: ${timeOf(judgedAt)}: ${verdictWords[verdict]}`,
  ]
  lines.push(...reasonsOf(hits))
  if (verdict === 'hold')
    lines.push(
      held === null
        ? '  no longer waiting for a moderator'
        : `  waits for a moderator as held message ${held}`,
    )
  return lines
}

function tellAddress(context: CommandContext, address: EmailAddress, json: boolean): number {
  const { services, out } = context
  const { store } = services
  const key = addressKey(address)
  const memberships = store.read(membershipsOf, { address })
  const posts = store.read(postsBySender, { sender: address, limit: most })
  const copies = store.read(copiesTo, { key, limit: most })
  const bounces = store.read(bouncesOf, { key, limit: most })
  if (memberships.length + posts.length + copies.length + bounces.length === 0)
    return unknown(context, address)
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
      posts,
      copies: copies.map((copy) => ({ ...copy, state: stateWords(copy.state) })),
      bounces,
    })
    return EX.ok
  }
  for (const { posting, role, delivery, status, joinedAt } of memberships)
    out.line(`${role} of ${posting} since ${timeOf(joinedAt)}, delivery ${delivery}, ${status}`)
  if (posts.length > 0) out.line('posts, the latest first:')
  for (const { judgedAt, messageId, list, verdict, subject } of posts)
    out.line(
      `  ${timeOf(judgedAt)}  ${plain(messageId)}  ${list}  ${verdictWords[verdict]}  ${plain(subject)}`,
    )
  if (copies.length > 0) out.line('copies to it, the latest first:')
  for (const { changedAt, messageId, list, state, reply } of copies)
    out.line(
      `  ${timeOf(changedAt)}  ${plain(messageId)}  ${list ?? 'site'}  ${stateWords(state)}${reply === null ? '' : `: ${plain(reply)}`}`,
    )
  if (bounces.length > 0) out.line('bounces, the latest first:')
  for (const { at, list, context: when, reply, messageId } of bounces)
    out.line(`  ${timeOf(at)}  ${plain(messageId)}  ${list ?? 'list removed'}  ${when}: ${plain(reply)}`)
  return EX.ok
}
