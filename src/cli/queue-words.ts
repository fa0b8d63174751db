// The entries of the queue and of the ledger in words; shared by queue and trace.
import { unreachable } from '../base/unreachable.ts'
import { type LedgerState, ledgerStates, type OutgoingNo } from '../model/outgoing.ts'
import type { Hit } from '../model/rule.ts'
import type { Store } from '../store/store.ts'
import {
  pagesOf,
  type ReportedItem,
  type ReportedOutgoing,
  type ReportedRecipient,
  recipientsInTrouble,
} from '../store/units/reports.ts'
import { counted, plain, sizeOf, spanOf, timeOf } from './words.ts'

const stateNames = Object.keys(ledgerStates) as LedgerState[]

/** What a letter of the ledger means. */
export function stateWords(letter: string): string {
  const state = stateNames.find((name) => ledgerStates[name] === letter)
  switch (state) {
    case undefined:
      return `state '${letter}'`
    case 'pending':
      return 'waiting'
    case 'sent':
      return 'sent'
    case 'deferred':
      return 'refused for now'
    case 'doubt':
      return 'in doubt'
    case 'failed':
      return 'refused for good'
    case 'refused':
      return 'transaction refused'
    case 'expired':
      return 'given up'
    case 'uncertain':
      return 'in doubt too often, may have arrived'
    case 'dropped':
      return 'left before the retry'
    default:
      return unreachable(state)
  }
}

/** What became of a post. */
export const verdictWords = {
  accept: 'accepted',
  hold: 'held for a moderator',
  reject: 'rejected, back to its sender',
  discard: 'discarded',
} as const

/** A line for each rule that spoke: its name, the reason, and what it found. */
export function reasonsOf(hits: readonly Hit[]): readonly string[] {
  return hits.map(({ rule, summary, detail }) => {
    const facts = Object.entries(detail).map(([name, value]) => `${name}=${String(value)}`)
    return `    ${rule}: ${plain(summary)}${facts.length === 0 ? '' : ` (${plain(facts.join(', '))})`}`
  })
}

const pagesAtOnce = 500

/** How many recipients are in which state, over the pages made so far. */
export function countStates(
  store: Store,
  outgoing: OutgoingNo,
): { readonly counts: string; readonly states: Readonly<Record<string, number>> } {
  const letters = new Map<string, number>()
  for (let after = 0; ; ) {
    const pages = store.read(pagesOf, { outgoing, after, limit: pagesAtOnce })
    for (const { states } of pages)
      for (const letter of states) letters.set(letter, (letters.get(letter) ?? 0) + 1)
    if (pages.length < pagesAtOnce) break
    after = pages.at(-1)?.page ?? 0
  }
  const named = [...letters].map(([letter, count]) => [stateWords(letter), count] as const)
  return {
    counts: named.map(([words, count]) => `${count} ${words}`).join(', '),
    states: Object.fromEntries(named),
  }
}

export function linesAboutItem(item: ReportedItem, now: number): readonly string[] {
  const { no, lane, list, envelope, size, acceptedAt, dueAt, attempts, deferrals, shuntedAt, reason } = item
  return [
    `${no} in lane ${lane}: ${sizeOf(size)} from ${plain(envelope.sender)} for ${plain(envelope.recipient)}`,
    `  list: ${list ?? 'removed meanwhile'}`,
    `  accepted: ${timeOf(acceptedAt)} (${spanOf(now - acceptedAt)} ago)`,
    shuntedAt === null
      ? `  due: ${dueAt <= now ? 'now' : timeOf(dueAt)}`
      : `  set aside: ${timeOf(shuntedAt)}; 'posthorn unshunt ${no}' puts it back`,
    `  attempts: ${attempts}, put back: ${deferrals}`,
    ...(reason === null ? [] : [`  reason: ${plain(reason)}`]),
  ]
}

/** Head, pages with their counts, and each recipient that is not simply sent; `troubles` bounds these. */
export function linesAboutOutgoing(
  store: Store,
  outgoing: ReportedOutgoing,
  indent = '',
  troubles = 1000,
): readonly string[] {
  const { no, lane, list, messageId, createdAt, expiresAt, doneAt, parked, paged } = outgoing
  const lines = [
    `${indent}o${no} in lane ${lane}: ${plain(messageId)} for ${list ?? 'the site'}, since ${timeOf(createdAt)}`,
  ]
  if (parked !== null)
    lines.push(`${indent}  set aside: ${plain(parked)}; 'posthorn unshunt o${no}' puts it back`)
  if (doneAt !== null) lines.push(`${indent}  all done: ${timeOf(doneAt)}`)
  else lines.push(`${indent}  tried until: ${timeOf(expiresAt)}`)
  let left = troubles
  const pages = store.read(pagesOf, { outgoing: no, after: 0, limit: 1000 })
  for (const { page, states, tries, due, changedAt } of pages) {
    lines.push(
      `${indent}  page ${page}: ${countsOf(states)}; ${counted(tries, 'try', 'tries')}, last change ${timeOf(changedAt)}${nextTry(due, changedAt)}`,
    )
    for (const recipient of store.read(recipientsInTrouble, { outgoing: no, page })) {
      if (left > 0) lines.push(`${indent}    ${recipientLine(recipient)}`)
      left -= 1
    }
  }
  if (left < 0) lines.push(`${indent}    and ${-left} more`)
  if (!paged && doneAt === null) lines.push(`${indent}  more recipients follow`)
  return lines
}

/** A page that is due at once has a time that lies before its last change, or none at all (0). */
function nextTry(due: number | null, changedAt: number): string {
  if (due === null) return ''
  return due <= changedAt ? ', is next' : `, next try ${timeOf(due)}`
}

const recipientLine = ({ address, state, reply }: ReportedRecipient): string =>
  `${address}: ${stateWords(state)}${reply === null ? '' : `: ${plain(reply)}`}`

function countsOf(states: string): string {
  const letters = [...new Set(states)]
  return letters.map((letter) => `${states.split(letter).length - 1} ${stateWords(letter)}`).join(', ')
}
