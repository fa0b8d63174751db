// posthorn trace: the story of a post from the door to each recipient, or what the store knows about an address.
import { messagesDirectory } from '../../app/data-directory.ts'
import { parseEmailAddress } from '../../mail/address.ts'
import { Headers } from '../../mail/headers.ts'
import { parseMessage } from '../../mail/message.ts'
import { messageIdOf } from '../../mail/message-id.ts'
import { keptBytes } from '../../store/kept-message.ts'
import {
  outgoingByMessageId,
  pagesOf,
  queuedItems,
  type ReportedItem,
  type ReportedOutgoing,
  recipientsInTrouble,
  reportedOutgoing,
} from '../../store/units/reports.ts'
import { postsByMessageId, type ReportedPost } from '../../store/units/stories.ts'
import { tellAddress } from '../address-story.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { countStates, linesAboutItem, linesAboutOutgoing, reasonsOf, verdictWords } from '../queue-words.ts'
import { whatHoldsBack } from '../what-holds-back.ts'
import { plain, sizeOf, timeOf } from '../words.ts'

/** So many posts of one Message-ID are shown, and so many that wait are looked into. */
const most = 50
const mostUnjudged = 200

export const trace = defineCommand({
  name: 'trace',
  summary: 'Tell the story of a post, or of an address',
  about: `  With a Message-ID (angle brackets or not): when each list received the post and from whom, how it
  was judged and why, what decorated it, and what became of each copy: each page with its tries, and
  each recipient that did not simply get it, with what the mail server said. With an address: its
  memberships, its posts, the copies that went to it, and the bounces, as far as the store still knows.`,
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
    const waiting = unjudged(context, messageId)
    if (waiting.length > 0) return tellWaiting(context, waiting, json)
    const address = parseEmailAddress(inner)
    if (address !== null && !subject.includes('<') && (await tellAddress(context, address, json)))
      return EX.ok
    return unknown(context, subject)
  },
})

/** Mail that came in and was not judged yet: nobody has read its header so far, so all that waits is looked at. */
function unjudged({ services: { store, config } }: CommandContext, messageId: string): ReportedItem[] {
  return store.read(queuedItems, { shuntedOnly: false, after: 0, limit: mostUnjudged }).filter((item) => {
    const message = parseMessage(keptBytes(store, messagesDirectory(config), item.message))
    return messageIdOf(Headers.of(message)) === messageId
  })
}

function tellWaiting(
  { services, out }: CommandContext,
  items: readonly ReportedItem[],
  json: boolean,
): number {
  if (json) out.json({ posts: [], letters: [], waiting: items })
  else for (const item of items) for (const line of linesAboutItem(item, services.clock.now())) out.line(line)
  return EX.ok
}

function unknown({ out }: CommandContext, subject: string): number {
  out.errorLine(
    `The store knows nothing of ${subject}; 'posthorn queue' shows what was not judged yet, [bulk] keep_pages says how long stories are kept`,
  )
  return EX.notFound
}

async function tellMessage(
  context: CommandContext,
  posts: readonly ReportedPost[],
  letters: readonly ReportedOutgoing[],
  json: boolean,
): Promise<number> {
  const {
    services: { store },
    out,
  } = context
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
  const open = [...posts.map(outgoingOf), ...letters].some((outgoing) => outgoing?.doneAt === null)
  const back = open ? await whatHoldsBack(context) : null
  if (back !== null) out.line(`nothing leaves: ${back}`)
  return EX.ok
}

function linesAboutPost(post: ReportedPost): readonly string[] {
  const { list, messageId, sender, subject, size, receivedAt, judgedAt, verdict } = post
  const { hits, postNumber, held, changedBy } = post
  const lines = [
    `${plain(messageId)} to ${list}${postNumber === null ? '' : `, post ${postNumber}`}`,
    `  subject: ${plain(subject)}`,
    `  received: ${timeOf(receivedAt)} from ${plain(sender)}, ${sizeOf(size)}`,
    `  judged: ${timeOf(judgedAt)}: ${verdictWords[verdict]}`,
  ]
  lines.push(...reasonsOf(hits))
  if (hits.length === 0) lines.push('    no rule had anything against it')
  if (changedBy.length > 0) lines.push(`  decorated by: ${changedBy.join(', ')}`)
  if (verdict === 'hold')
    lines.push(
      held === null
        ? '  no longer waiting for a moderator'
        : `  waits for a moderator; 'posthorn held show ${held}' shows it`,
    )
  return lines
}
