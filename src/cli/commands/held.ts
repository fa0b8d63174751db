// posthorn held: the posts that wait for a moderator, and why.
import { messagesDirectory } from '../../app/data-directory.ts'
import { parseMessage } from '../../mail/message.ts'
import type { ListNo } from '../../model/list.ts'
import { keptBytes } from '../../store/kept-message.ts'
import { type HeldPost, heldPost, heldPosts } from '../../store/units/held.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { fieldsOf, textLines } from '../message-words.ts'
import { findList, noSuchList } from '../naming-lists.ts'
import { noneOf, UsageFault } from '../options.ts'
import { reasonsOf } from '../queue-words.ts'
import { counted, plain, sizeOf, spanOf, timeOf } from '../words.ts'

const atOnce = 200

export const held = defineCommand({
  name: 'held',
  summary: 'Show the posts that wait for a moderator, and why',
  about: `  'list' shows all of them, or those of one list: number, list, sender, subject, since when, and
  each rule that held them with its reason. 'show NUMBER' adds the header and the text of the post.
  A list may stand before the number, as in 'held show tea@lists.example.org 4'.
  Letting a post through, refusing or dropping it is not part of this release.`,
  examples: ['posthorn held list', 'posthorn held list tea@lists.example.org --json', 'posthorn held show 4'],
  options: { json: { kind: 'flag', help: 'As JSON.' } },
  args: { action: 'optional', list: 'optional', number: 'optional' },
  suggests: { action: ['list', 'show'], list: 'list' },
  async run(context, { action, list, number, json }) {
    switch (action ?? 'list') {
      case 'list':
        if (number !== null) throw new UsageFault("'held list' takes no number; use 'held show'.")
        return listAll(context, list, json)
      case 'show':
        if (list === null) throw new UsageFault("'held show' needs the NUMBER of a post.")
        return show(context, number === null ? null : list, number ?? list, json)
      case 'accept':
      case 'approve':
      case 'reject':
      case 'discard':
      case 'defer':
        throw new UsageFault(
          `Decisions on held posts are not part of this release; nothing was changed. Until then 'posthorn set LIST default_nonmember_action' says what becomes of new posts.`,
        )
      default:
        throw new UsageFault(
          `${noneOf(action ?? '', ['list', 'show'])}. Deciding about held posts is not part of this release.`,
        )
    }
  },
})

async function listAll(context: CommandContext, spec: string | null, json: boolean): Promise<number> {
  const { services, out, signal } = context
  const { store, clock } = services
  const of = spec === null ? null : listNo(context, spec)
  if (of === 'none') return EX.notFound
  const now = clock.now()
  let count = 0
  if (json) out.line('[')
  for (let after = 0; !signal.aborted; ) {
    const posts = store.read(heldPosts, { list: of, after, limit: atOnce })
    for (const post of posts) {
      if (json) out.line(`${count > 0 ? ',' : ''}${JSON.stringify(jsonOf(post))}`)
      else for (const line of linesAbout(post, now)) out.line(line)
      count += 1
    }
    await out.drained()
    if (posts.length < atOnce) break
    after = posts.at(-1)?.no ?? 0
  }
  if (json) out.line(']')
  else if (count === 0) out.line('No post is held')
  else
    out.line(
      `${counted(count, 'post')} held; 'posthorn held show NUMBER' shows one with its text. Deciding is not part of this release; what becomes of new ones: default_nonmember_action, default_member_action and max_message_size of 'posthorn set LIST'`,
    )
  return EX.ok
}

function listNo({ services: { store }, out }: CommandContext, spec: string): ListNo | 'none' {
  const list = findList(store, spec)
  if (list !== null) return list.no
  out.errorLine(noSuchList(store, spec))
  return 'none'
}

function show(context: CommandContext, spec: string | null, text: string, json: boolean): number {
  const { services, out } = context
  const { store, config, clock } = services
  if (!/^\d{1,15}$/.test(text))
    throw new UsageFault(`'${text}' is no number of a held post; 'posthorn held list' shows them.`)
  const post = store.read(heldPost, { held: Number(text) })
  const of = spec === null ? null : findList(store, spec)
  if (post === null || (spec !== null && (of === null || `${of.name}@${of.mailHost}` !== post.list))) {
    out.errorLine(
      `There is no held post ${text}${spec === null ? '' : ` of ${spec}`}; 'posthorn held list' shows them`,
    )
    return EX.notFound
  }
  const message = parseMessage(keptBytes(store, messagesDirectory(config), post.message))
  const fields = fieldsOf(message)
  const body = textLines(message)
  if (json) {
    out.json({ ...jsonOf(post), headers: fields, text: body.join('\n') })
    return EX.ok
  }
  for (const line of linesAbout(post, clock.now())) out.line(line)
  out.line('')
  for (const [name, value] of fields) out.line(`${name}: ${value}`)
  out.line('')
  for (const line of body) out.line(line)
  return EX.ok
}

function linesAbout(post: HeldPost, now: number): readonly string[] {
  const { no, list, sender, subject, size, heldAt, hits, messageId } = post
  return [
    `${no}  ${list}  from ${plain(sender)}`,
    `    subject: ${plain(subject)}`,
    `    since ${timeOf(heldAt)} (${spanOf(now - heldAt)}), ${sizeOf(size)}, ${plain(messageId)}`,
    ...reasonsOf(hits),
  ]
}

const jsonOf = ({ no, list, sender, subject, size, heldAt, hits, messageId }: HeldPost) => ({
  id: no,
  list,
  from: sender,
  subject,
  message_id: messageId,
  size,
  since: new Date(heldAt).toISOString(),
  rules: hits,
})
