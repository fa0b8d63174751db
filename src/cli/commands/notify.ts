// posthorn notify: tells the administrators of lists that posts wait for them; for cron.
import type { MailingList } from '../../model/list.ts'
import { postsWaiting, waitingWords } from '../../notices/about-list.ts'
import { administratorsOf, letterTo } from '../../notices/sending.ts'
import { countHeld, heldPosts } from '../../store/units/held.ts'
import { sendLetters } from '../../store/units/letters.ts'
import { allLists } from '../../store/units/lists.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { placeOf } from '../member-words.ts'
import { findList, noSuchList } from '../naming-lists.ts'
import { plain, timeOf } from '../words.ts'

const mostNamed = 50

export const notify = defineCommand({
  name: 'notify',
  summary: 'Tell administrators of posts that wait for them',
  about: `  Writes to the owners and moderators of each list where posts are held, one letter a list. Meant to
  be run once a day. A list that nobody looks after is told to the owner of the site.`,
  examples: ['posthorn notify', 'posthorn notify --dry-run -v -l tea@lists.example.org'],
  options: {
    list: {
      kind: 'many',
      short: 'l',
      value: 'LISTSPEC',
      help: 'Only this list; may be given several times.',
    },
    'dry-run': { kind: 'flag', short: 'n', help: 'Write to nobody.' },
    verbose: { kind: 'flag', short: 'v', help: 'Say for each list how many posts wait.' },
    json: { kind: 'flag', help: 'Show the lists and their counts as JSON.' },
  },
  args: {},
  async run(context, { list: specs, 'dry-run': dryRun, verbose, json }) {
    const { services, server, out, signal } = context
    const { store, log } = services
    const counts = new Map(store.read(countHeld, {}).map(({ list, count }) => [list, count]))
    const told: { readonly list: string; readonly waiting: number }[] = []
    for (const list of listsNamed(context, specs)) {
      signal.throwIfAborted()
      const count = counts.get(list.no) ?? 0
      told.push({ list: list.listId, waiting: count })
      if (verbose && !json) out.line(waitingWords(list, count))
      if (count === 0 || dryRun) continue
      await tell(context, list, count)
      log.info('administrators.told', { list: list.listId, waiting: count })
    }
    if (!dryRun && told.some(({ waiting }) => waiting > 0)) server.wake(false)
    if (json) out.json(told)
    return EX.ok
  },
})

function listsNamed({ services: { store }, out }: CommandContext, specs: readonly string[]): MailingList[] {
  if (specs.length === 0) return [...store.read(allLists, { domains: [] })]
  return specs.flatMap((spec) => {
    const list = findList(store, spec)
    if (list === null) out.errorLine(noSuchList(store, spec).replace('No such list', 'No such list found'))
    return list === null ? [] : [list]
  })
}

async function tell({ services }: CommandContext, list: MailingList, count: number): Promise<void> {
  const { store, config, clock } = services
  const posts = store.read(heldPosts, { list: list.no, after: 0, limit: mostNamed })
  const lines = posts.map(
    ({ no, sender, subject, heldAt }) => `${no}  ${timeOf(heldAt)}  ${plain(sender)}  ${plain(subject)}`,
  )
  if (count > lines.length) lines.push(`and ${count - lines.length} more`)
  const written = postsWaiting(placeOf(services, list), count, lines)
  if (written === null) return
  const audience = administratorsOf(store, list, config.mailman.siteOwner)
  await store.commit(sendLetters, {
    list: list.no,
    letters: [letterTo(list, audience, written, null)],
    now: clock.now(),
    retryPeriod: config.mta.deliveryRetryPeriod,
  })
}
