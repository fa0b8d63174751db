// One copy as it left: envelope sender with the member that it names, header, text, and the bytes as they were sent.
import { html } from 'hono/html'
import { Headers } from '../mail/headers.ts'
import { everyPart, type Message, mediaType, parseMessage } from '../mail/message.ts'
import { textOf } from '../mail/transfer-encoding.ts'
import type { Copy } from './copies.ts'
import type { Markup } from './page.ts'

/** What an envelope sender says beyond the list's bounces address. */
export interface NamedMember {
  readonly no: number
  readonly address: string
}

const mostShown = 64 * 1024

export function copyView(copy: Copy, named: NamedMember | null): Markup {
  const message = parseMessage(copy.bytes)
  const headers = Headers.of(message)
  const subject = headers.decoded('Subject') ?? '(no subject)'
  const fields = fieldsOf(headers)
  const to = copy.recipients.join(', ')
  return html`<details class="copy" id="copy-${copy.number}" data-keep>
<summary><span class="to">${to}</span> <span class="subject">${subject}</span></summary>
<dl>
<dt>Envelope sender</dt><dd>${senderView(copy.sender, named)}</dd>
<dt>Envelope recipient</dt><dd><code>${to}</code></dd>
</dl>
<details id="copy-${copy.number}-text" data-keep open><summary>Text</summary><pre>${cut(plainText(message))}</pre></details>
<details id="copy-${copy.number}-header" data-keep><summary>Header, ${String(fields.length)} fields</summary>
<table class="fields"><tbody>${fields.map(
    ({ name, value }) =>
      html`<tr class="${isOurs(name) ? 'ours' : ''}"><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table>
<p class="note">Marked: fields that a list puts on.</p></details>
<details id="copy-${copy.number}-raw" data-keep><summary>Raw, ${String(copy.bytes.length)} bytes</summary>
<pre>${cut(Buffer.from(copy.bytes.subarray(0, mostShown)).toString('utf8'))}</pre>
<p><a href="/copies/${copy.number}/raw">All of it, as plain text</a></p></details>
</details>`
}

function senderView(sender: Copy['sender'], named: NamedMember | null): Markup {
  if (sender === '<>')
    return html`<code>&lt;&gt;</code> <span class="note">the null sender: nobody may answer a machine's letter</span>`
  if (named === null)
    return html`<code>${sender}</code> <span class="note">names no member: one for all</span>`
  const at = sender.lastIndexOf('@')
  const plus = sender.indexOf('+')
  return html`<code>${sender.slice(0, plus)}<mark>${sender.slice(plus, at)}</mark>${sender.slice(at)}</code>
<span class="note">the marked part (VERP) names member ${String(named.no)}, ${named.address}: a bounce tells whose mailbox it was, and nobody can forge it</span>`
}

/** Decoded for reading; names in their order. */
function fieldsOf(headers: Headers): readonly { readonly name: string; readonly value: string }[] {
  const seen = new Map<string, number>()
  return headers.names().map((name) => {
    const key = name.toLowerCase()
    const nth = seen.get(key) ?? 0
    seen.set(key, nth + 1)
    return { name, value: (nth === 0 ? headers.decoded(name) : headers.all(name)[nth]) ?? '' }
  })
}

const isOurs = (name: string): boolean =>
  /^(?:list-|archived-at|precedence|x-mailman|x-posthorn|errors-to)/i.test(name)

/** The plain text parts, as a mail program shows them. */
function plainText(message: Message): string {
  const texts = [...everyPart(message.root)]
    .filter((part) => mediaType(part) === 'text/plain' && part.children.length === 0)
    .map((part) => textOf(message, part))
  return texts.length === 0 ? '(no plain text)' : texts.join('\n')
}

const cut = (text: string): string => (text.length > mostShown ? `${text.slice(0, mostShown)}\n…` : text)
