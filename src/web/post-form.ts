// The form that a post is written in, and the reading of what comes back: from the page, or from curl. Unknown in, a
// written post or what is wrong with it out.
import { html } from 'hono/html'
import { type EmailAddress, parseEmailAddress } from '../mail/address.ts'
import { parseAddressList } from '../mail/address-list.ts'
import type { WrittenPost } from './composing.ts'
import type { Markup } from './page.ts'

export interface Choice {
  readonly value: string
  readonly words: string
}

export interface FormFacts {
  readonly people: readonly Choice[]
  readonly lists: readonly Choice[]
  /** What stands in it. */
  readonly filled: FilledForm
  /** What was wrong with it; null for nothing. */
  readonly wrong: string | null
}

export type FilledForm = Readonly<Record<'from' | 'to' | 'subject' | 'text', string>>

export const freshForm: FilledForm = {
  from: '',
  to: '',
  subject: 'First flush',
  text: 'The Darjeeling is here.',
}

export function formView({ people, lists, filled, wrong }: FormFacts): Markup {
  return html`<form method="post" action="/posts" class="card">
<h2>Write a post</h2>
${wrong === null ? '' : html`<p class="bad" role="alert">${wrong}</p>`}
<label for="from">From</label>
<select id="from" name="from">${choices(people, filled.from)}</select>
<label for="to">To</label>
<select id="to" name="to">${choices(lists, filled.to)}</select>
<label for="subject">Subject</label>
<input id="subject" name="subject" value="${filled.subject}" maxlength="300" autocomplete="off">
<label for="text">Text</label>
<textarea id="text" name="text" rows="5">${filled.text}</textarea>
<button>Post it</button>
</form>`
}

function choices(known: readonly Choice[], chosen: string): readonly Markup[] {
  const all =
    chosen === '' || known.some(({ value }) => value === chosen)
      ? known
      : [...known, { value: chosen, words: chosen }]
  return all.map(
    ({ value, words }) =>
      html`<option value="${value}" ${value === chosen ? 'selected' : ''}>${words}</option>`,
  )
}

/** `fields` are those of the form; a missing one counts as empty. */
export function readPost(fields: Readonly<Record<string, unknown>>): {
  readonly filled: FilledForm
  readonly read: { readonly good: WrittenPost } | { readonly wrong: string }
} {
  const field = (name: string): string => {
    const value = fields[name]
    return typeof value === 'string' ? value : ''
  }
  const filled = { from: field('from'), to: field('to'), subject: field('subject'), text: field('text') }
  const from = mailboxOf(filled.from)
  const to = parseEmailAddress(filled.to.trim())
  if (from === null)
    return { filled, read: { wrong: `From: '${filled.from}' is no address, such as ann@example.org.` } }
  if (to === null)
    return { filled, read: { wrong: `To: '${filled.to}' is no address, such as tea@lists.example.test.` } }
  const { subject, text } = filled
  return { filled, read: { good: { from: from.address, name: from.name, to, subject, text } } }
}

function mailboxOf(text: string): { readonly address: EmailAddress; readonly name: string } | null {
  const [first, ...more] = parseAddressList(text)
  return first === undefined || more.length > 0 ? null : first
}
