// posthorn queue: what waits, since when, and what was set aside and why.
import type { OutgoingNo } from '../../model/outgoing.ts'
import type { ItemNo } from '../../model/queue.ts'
import {
  deleteQueued,
  laneReports,
  openOutgoing,
  pagesOf,
  queuedItem,
  queuedItems,
  type ReportedItem,
  type ReportedOutgoing,
  reportedOutgoing,
} from '../../store/units/reports.ts'
import { type CommandContext, defineCommand, EX } from '../command.ts'
import { noneOf, UsageFault } from '../options.ts'
import { countStates, linesAboutItem, linesAboutOutgoing } from '../queue-words.ts'
import { whatHoldsBack } from '../what-holds-back.ts'
import { columns, plain, spanOf } from '../words.ts'

const atOnce = 200
const actions = ['list', 'show', 'delete'] as const

export const queue = defineCommand({
  name: 'queue',
  summary: 'Show what waits, and what was set aside and why',
  about: `  Without ACTION or with 'list': the lanes, then each entry. Mail that came in has plain numbers;
  what goes out has numbers with 'o' in front.
  'show NUMBER' tells all about one entry; 'delete NUMBER' removes one that came in, for good.`,
  examples: [
    'posthorn queue',
    'posthorn queue list --aside',
    'posthorn queue show 17',
    'posthorn queue show o4',
  ],
  options: {
    aside: { kind: 'flag', help: 'Only what was set aside.' },
    json: { kind: 'flag', help: 'As JSON.' },
  },
  args: { action: 'optional', number: 'optional' },
  suggests: { action: actions },
  async run(context, { action, number, aside, json }) {
    switch (action ?? 'list') {
      case 'list':
        if (number !== null) throw new UsageFault("'queue list' takes no number; use 'queue show'.")
        return list(context, aside, json)
      case 'show':
        return show(context, entryNumber(number, 'show'), json)
      case 'delete':
        return remove(context, entryNumber(number, 'delete'))
      default:
        throw new UsageFault(`${noneOf(action ?? '', actions)}.`)
    }
  },
})

export type Entry = { readonly item: ItemNo } | { readonly outgoing: OutgoingNo }

/** `17` is an item, `o4` an outgoing. Throws UsageFault. */
export function parseEntry(text: string): Entry {
  const [, out, digits] = /^(o?)(\d{1,15})$/i.exec(text) ?? []
  if (digits === undefined)
    throw new UsageFault(`'${text}' is no number of the queue; 'posthorn queue' shows them, as 17 or o4.`)
  return out === '' ? { item: Number(digits) as ItemNo } : { outgoing: Number(digits) as OutgoingNo }
}

function entryNumber(text: string | null, action: string): Entry {
  if (text === null) throw new UsageFault(`'queue ${action}' needs the NUMBER of an entry.`)
  return parseEntry(text)
}

async function list(context: CommandContext, aside: boolean, json: boolean): Promise<number> {
  const { services, out } = context
  const { store, clock } = services
  const now = clock.now()
  const lanes = store.read(laneReports, { now })
  const back = await whatHoldsBack(context)
  if (json) out.line(`{"lanes":${JSON.stringify(lanes)},"nothing_leaves":${JSON.stringify(back)},\n"items":[`)
  else if (lanes.length === 0) out.line('The queue is empty')
  else {
    const rows = lanes.map(({ lane, waiting, deferred, shunted, oldest }) => [
      lane,
      `${waiting} waiting`,
      `${deferred} deferred`,
      `${shunted} set aside`,
      oldest === null ? '' : `oldest ${spanOf(now - oldest)}`,
    ])
    for (const line of columns(rows)) out.line(line)
    if (back !== null) out.line(`nothing leaves: ${back}`)
  }
  let first = true
  const separator = () => {
    const comma = first ? '' : ','
    first = false
    return comma
  }
  await eachItem(context, aside, (item) => {
    if (json) out.line(`${separator()}${JSON.stringify(item)}`)
    else out.line(itemLine(item, now))
  })
  if (json) out.line('],\n"outgoing":[')
  first = true
  await eachOutgoing(context, (entry) => {
    if (aside && entry.parked === null) return
    if (json) out.line(`${separator()}${JSON.stringify({ ...entry, ...countStates(store, entry.no) })}`)
    else out.line(outgoingLine(entry, countStates(store, entry.no).counts))
  })
  if (json) out.line(']}')
  return EX.ok
}

async function eachItem(
  { services: { store }, out, signal }: CommandContext,
  shuntedOnly: boolean,
  tell: (item: ReportedItem) => void,
): Promise<void> {
  for (let after = 0; !signal.aborted; ) {
    const items = store.read(queuedItems, { shuntedOnly, after, limit: atOnce })
    for (const item of items) tell(item)
    await out.drained()
    if (items.length < atOnce) return
    after = items.at(-1)?.no ?? 0
  }
}

async function eachOutgoing(
  { services: { store }, out, signal }: CommandContext,
  tell: (entry: ReportedOutgoing) => void,
): Promise<void> {
  for (let after = 0; !signal.aborted; ) {
    const entries = store.read(openOutgoing, { after, limit: atOnce })
    for (const entry of entries) tell(entry)
    await out.drained()
    if (entries.length < atOnce) return
    after = entries.at(-1)?.no ?? 0
  }
}

function itemLine(
  { no, lane, list, envelope, acceptedAt, dueAt, shuntedAt, reason }: ReportedItem,
  now: number,
): string {
  const state =
    shuntedAt !== null
      ? 'set aside'
      : dueAt > now
        ? `due in ${spanOf(dueAt - now)}`
        : `waits ${spanOf(now - acceptedAt)}`
  const why = reason === null ? '' : `: ${plain(reason)}`
  return `${no}  ${lane}  ${list ?? 'list removed'}  from ${plain(envelope.sender)}  ${state}${why}`
}

function outgoingLine({ no, lane, list, messageId, parked }: ReportedOutgoing, counts: string): string {
  const state = parked === null ? counts : `${counts === '' ? '' : `${counts}; `}set aside: ${plain(parked)}`
  return `o${no}  ${lane}  ${list ?? 'site'}  ${plain(messageId)}  ${state === '' ? 'not begun' : state}`
}

async function show(context: CommandContext, entry: Entry, json: boolean): Promise<number> {
  const {
    services: { store, clock },
    out,
  } = context
  const now = clock.now()
  if ('item' in entry) {
    const item = store.read(queuedItem, { item: entry.item })
    if (item === null) return nothing(out, String(entry.item))
    if (json) out.json(item)
    else for (const line of linesAboutItem(item, now)) out.line(line)
    return EX.ok
  }
  const found = store.read(reportedOutgoing, { outgoing: entry.outgoing })
  if (found === null) return nothing(out, `o${entry.outgoing}`)
  if (json) out.json({ ...found, pages: store.read(pagesOf, { outgoing: found.no, after: 0, limit: 1000 }) })
  else {
    for (const line of linesAboutOutgoing(store, found)) out.line(line)
    const back = found.doneAt === null ? await whatHoldsBack(context) : null
    if (back !== null) out.line(`  nothing leaves: ${back}`)
  }
  return EX.ok
}

async function remove({ services: { store, log }, out }: CommandContext, entry: Entry): Promise<number> {
  if ('outgoing' in entry)
    throw new UsageFault('Only mail that came in can be deleted; what goes out ends with its retry period.')
  const outcome = await store.commit(deleteQueued, { item: entry.item })
  if (outcome === 'none') return nothing(out, String(entry.item))
  if (outcome === 'busy') {
    out.errorLine(`${entry.item} is being worked on right now; try again in a moment`)
    return EX.tryLater
  }
  log.warn('queue.deleted', { item: entry.item })
  out.line(`Deleted: ${entry.item}`)
  return EX.ok
}

function nothing(out: CommandContext['out'], number: string): number {
  out.errorLine(`There is no entry ${number} in the queue; 'posthorn queue' shows them`)
  return EX.notFound
}
