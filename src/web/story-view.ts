// The story of a post, station by station, each with its time and what happened there. A part has an id, so that the
// page can replace the parts that have changed.
import { html } from 'hono/html'
import { unreachable } from '../base/unreachable.ts'
import { type LedgerState, ledgerStates } from '../model/outgoing.ts'
import { postingChain } from '../rules/chain.ts'
import type { ReportedPost } from '../store/units/stories.ts'
import type { Copy } from './copies.ts'
import { copyView, type NamedMember } from './copy-view.ts'
import type { HandIn, SaidLine } from './hand-in.ts'
import { clockTime, type Markup, spanWords } from './page.ts'
import type { Story, ToldOutgoing, ToldRecipient } from './story.ts'

/** How a station stands to this post. */
type Standing = 'done' | 'working' | 'held' | 'stopped' | 'ahead'

interface Station {
  readonly name: string
  /** What the station is for, in a line. */
  readonly role: string
  readonly standing: Standing
  readonly at: number | null
  /** Milliseconds since the post was received. */
  readonly after: number | null
  readonly said: Markup
}

export interface StoryFacts {
  readonly story: Story
  /** What was said at the door, where the page itself handed it in. */
  readonly handIn: HandIn | null
  readonly named: (copy: Copy) => NamedMember | null
}

export function storyView({ story, handIn, named }: StoryFacts): Markup {
  const { post, waiting } = story
  const subject = post?.subject ?? handIn?.written.subject ?? ''
  const list = post?.list ?? waiting?.list ?? ''
  return html`<h2>${subject === '' ? 'A post without a subject' : subject}</h2>
<p class="about">to <b>${list}</b> from <b>${post?.sender ?? waiting?.envelope.sender ?? ''}</b>: ${outcomeWords(story)}</p>
<ol class="stations">${stationsOf(story, handIn).map(stationView)}</ol>
${copiesView('copies', 'Copies that went out', story.delivery === null ? [] : [story.delivery], named)}
${copiesView('letters', 'Letters that Posthorn wrote about it', story.letters, named)}`
}

/** A post that the door did not take: the answer is all there is. */
export function refusedView({ written, answer, dialogue }: HandIn): Markup {
  const said = html`<p>The mail server heard <code class="bad">${answer}</code>. A 5xx is for good: the mail server tells the
sender. A 4xx leaves the mail with the mail server, which tries again. Nothing was stored here.</p>${dialogueView(dialogue, true)}`
  const stations: readonly Station[] = [
    { ...stationWords.lmtp, standing: 'stopped', at: null, after: null, said },
    ...(['queue', 'moderation', 'pipeline', 'delivery'] as const).map(ahead),
  ]
  return html`<h2>${written.subject === '' ? 'A post without a subject' : written.subject}</h2>
<p class="about">to <b>${written.to}</b> from <b>${written.from}</b>: <b class="bad">refused at the door</b></p>
<ol class="stations">${stations.map(stationView)}</ol>`
}

/** Before anything was posted. */
export function emptyView(): Markup {
  return html`<h2>What will happen</h2>
<p class="about">Write a post on the left. It goes in as a mail server hands it over, and passes five stations:</p>
<ol class="stations">${(['lmtp', 'queue', 'moderation', 'pipeline', 'delivery'] as const).map((name) => stationView(ahead(name)))}</ol>`
}

const stationWords = {
  lmtp: {
    name: 'lmtp',
    role: 'The door. The mail server hands the post over, and hears 250 when it is on disk.',
  },
  queue: { name: 'queue', role: 'A row of the database. It outlives a power cut.' },
  moderation: { name: 'moderation', role: 'Rules look at the post: accept, hold, reject or discard.' },
  pipeline: { name: 'pipeline', role: 'Handlers put on what a list adds. The rest stays byte for byte.' },
  delivery: {
    name: 'delivery',
    role: 'A copy for each member goes to the mail server, and each answer is recorded.',
  },
} as const

const ahead = (name: keyof typeof stationWords): Station => ({
  ...stationWords[name],
  standing: 'ahead',
  at: null,
  after: null,
  said: html``,
})

function stationView({ name, role, standing, at, after, said }: Station): Markup {
  return html`<li class="station ${standing}" id="station-${name}" data-part>
<h3>${name} <span class="standing">${standingWords[standing]}</span></h3>
<p class="when">${at === null ? '' : clockTime(at)} ${after === null ? '' : html`<span class="after">+${spanWords(after)}</span>`}</p>
<p class="role">${role}</p>
<div class="said">${said}</div>
</li>`
}

const standingWords = {
  done: 'done',
  working: 'at work',
  held: 'waits here',
  stopped: 'ends here',
  ahead: 'not reached',
} as const

function stationsOf(story: Story, handIn: HandIn | null): readonly Station[] {
  const { post, waiting } = story
  const received = post?.receivedAt ?? waiting?.acceptedAt ?? 0
  const lmtp: Station = {
    ...stationWords.lmtp,
    standing: 'done',
    at: received,
    after: null,
    said: html`<p>${handIn === null ? html`Taken as queue item ${String(story.item)}.` : html`The mail server heard <code>${handIn.answer}</code>.`}</p>
${handIn === null ? '' : dialogueView(handIn.dialogue, false)}`,
  }
  if (post === null)
    return [lmtp, waitingStation(story), ...(['moderation', 'pipeline', 'delivery'] as const).map(ahead)]
  const judgedAfter = post.judgedAt - received
  const queue: Station = {
    ...stationWords.queue,
    standing: 'done',
    at: received,
    after: null,
    said: html`<p>Queue item ${String(post.item)}, in lane <code>in</code>; it waited ${spanWords(judgedAfter)}.</p>`,
  }
  const moderation: Station = {
    ...stationWords.moderation,
    standing: post.verdict === 'accept' ? 'done' : post.verdict === 'hold' ? 'held' : 'stopped',
    at: post.judgedAt,
    after: judgedAfter,
    said: verdictView(post),
  }
  if (post.verdict !== 'accept') return [lmtp, queue, moderation, ahead('pipeline'), ahead('delivery')]
  const prefix = story.list?.settings.subjectPrefix.trim() ?? ''
  const changedBy =
    post.changedBy.length === 0
      ? ''
      : html`<p class="note">Handlers that changed something: ${post.changedBy.join(', ')}</p>`
  const pipeline: Station = {
    ...stationWords.pipeline,
    standing: 'done',
    at: post.judgedAt,
    after: judgedAfter,
    said: html`<p>${post.postNumber === null ? '' : `Post ${post.postNumber} of the list. `}${prefix === '' ? '' : html`Subject prefix <code>${prefix}</code>. `}Committed
together with the verdict.</p>${changedBy}`,
  }
  return [lmtp, queue, moderation, pipeline, deliveryStation(story, received)]
}

function waitingStation({ waiting }: Story): Station {
  const aside = waiting?.shuntedAt ?? null
  const why = waiting?.reason ?? null
  return {
    ...stationWords.queue,
    standing: aside === null ? 'working' : 'stopped',
    at: waiting?.acceptedAt ?? null,
    after: null,
    said: html`<p>${aside === null ? 'Waits for the judging thread.' : 'Set aside; posthorn unshunt puts it back.'}
${why === null ? '' : html`Reason: <code>${why}</code>`}</p>`,
  }
}

function verdictView({ verdict, hits, held }: ReportedPost): Markup {
  const asked = postingChain.map(({ rule }) => rule.name).join(', ')
  const reasons = hits.map(({ rule, summary }) => html`<li><b>${rule}</b>: ${summary}</li>`)
  const waits = held === null ? '' : ` It waits as held message ${held}: posthorn held show ${held}.`
  return html`<p class="verdict ${verdict}">${verdictWords[verdict]}${verdict === 'hold' ? waits : ''}${hits.length === 0 ? ' No rule had anything against it.' : ''}</p>
${hits.length === 0 ? '' : html`<ul>${reasons}</ul>`}
<p class="note">Rules, in this order: ${asked}</p>`
}

const verdictWords = {
  accept: 'Accepted.',
  hold: 'Held for a moderator.',
  reject: 'Rejected: it goes back to its sender.',
  discard: 'Discarded.',
} as const

function deliveryStation({ delivery, paused }: Story, received: number): Station {
  if (delivery === null)
    return {
      ...stationWords.delivery,
      standing: 'stopped',
      at: null,
      after: null,
      said: html`<p>There was nobody to send it to, or the record is no longer kept.</p>`,
    }
  const { outgoing, begun, changed, recipients, more } = delivery
  const isOver = outgoing.doneAt !== null
  const standing = isOver ? 'done' : outgoing.parked === null ? 'working' : 'stopped'
  return {
    ...stationWords.delivery,
    standing,
    at: changed ?? begun,
    after: changed === null ? null : changed - received,
    said: html`${outgoing.parked === null ? '' : html`<p class="bad">Set aside: ${outgoing.parked}</p>`}
${paused !== null && !isOver ? html`<p class="hold">Delivery is paused: ${paused}. <code>posthorn delivery resume</code> lets it go on.</p>` : ''}
${begun === null && paused === null ? html`<p>Waits for the delivery thread.</p>` : ''}
<table class="ledger"><thead><tr><th scope="col">Member</th><th scope="col">Address</th><th scope="col">State</th><th scope="col">The mail server said</th></tr></thead>
<tbody>${recipients.map(recipientView)}</tbody></table>
${more ? html`<p class="note">There are more; <code>posthorn trace</code> tells of all.</p>` : ''}`,
  }
}

function recipientView({ no, address, state, reply, copy }: ToldRecipient): Markup {
  return html`<tr><td>${no === null ? '' : String(no)}</td>
<td>${copy === null ? address : html`<a href="#copy-${copy.number}">${address}</a>`}</td>
<td>${stateWords(state)}</td><td><code>${reply ?? ''}</code></td></tr>`
}

const stateNames = Object.keys(ledgerStates) as LedgerState[]

function stateWords(letter: string): string {
  const state = stateNames.find((name) => ledgerStates[name] === letter) ?? 'pending'
  switch (state) {
    case 'pending':
      return 'waits'
    case 'sent':
      return 'sent'
    case 'deferred':
      return 'refused for now'
    case 'doubt':
      return 'in doubt'
    case 'failed':
    case 'refused':
      return 'refused for good'
    case 'expired':
      return 'given up'
    case 'uncertain':
      return 'may have arrived'
    case 'dropped':
      return 'left before the retry'
    default:
      return unreachable(state)
  }
}

function copiesView(
  id: string,
  title: string,
  outgoing: readonly ToldOutgoing[],
  named: StoryFacts['named'],
): Markup {
  const all = outgoing.flatMap(({ recipients }) => recipients)
  const copies = [...new Set(all.flatMap(({ copy }) => copy ?? []))]
  const gone = all.length > 0 && copies.length === 0 && all.some(({ state }) => state === ledgerStates.sent)
  return html`<section id="${id}" data-part>${
    copies.length === 0 && !gone
      ? ''
      : html`<h3>${title}</h3>
${gone ? html`<p class="note">The mail catcher keeps copies only while the demo runs, the latest thousand.</p>` : ''}
${copies.map((copy) => copyView(copy, named(copy)))}`
  }</section>`
}

function dialogueView(lines: readonly SaidLine[], open: boolean): Markup {
  return html`<details id="dialogue" data-keep ${open ? 'open' : ''}><summary>What the mail server and Posthorn said</summary>
<ol class="dialogue">${lines.map(({ who, text }) => html`<li class="${who === 'Posthorn' ? 'us' : 'them'}"><span>${who}</span> <code>${text}</code></li>`)}</ol>
</details>`
}

function outcomeWords({ post, delivery, isOver }: Story): Markup {
  if (post === null) return html`<b>on its way</b>`
  if (post.verdict !== 'accept') return html`<b class="${post.verdict}">${shortVerdicts[post.verdict]}</b>`
  const sent = delivery?.recipients.filter(({ state }) => state === ledgerStates.sent).length ?? 0
  const took = (delivery?.changed ?? post.judgedAt) - post.receivedAt
  if (!isOver) return html`<b>${sent === 0 ? 'on its way' : `${sent} copies out, more to come`}</b>`
  return html`<b class="accept">${sent === 1 ? 'one copy' : `${sent} copies`} out, ${spanWords(took)} after it came in</b>`
}

export const shortVerdicts = {
  accept: 'accepted',
  hold: 'held',
  reject: 'rejected',
  discard: 'discarded',
} as const
