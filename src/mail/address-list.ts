// The addresses in From, To, Cc, Reply-To and Sender (RFC 5322 §3.4, §4.4, RFC 6532). Read as programs
// write them: obsolete routes, comments for names, blanks round the dots, commas inside encoded words.
// What is no address is left out; the work is linear in the text.
import { type EmailAddress, localPartOf, parseEmailAddress, unquoteLocalPart } from './address.ts'
import { decodeWords, encodeWords, needsEncoding } from './encoded-words.ts'

/** An address with the name that stands before it, decoded; '' where there is none. */
export interface Mailbox {
  readonly name: string
  readonly address: EmailAddress
}

/** Every mailbox of a field's value, those in groups too, in order. */
export function parseAddressList(text: string): readonly Mailbox[] {
  const mailboxes: Mailbox[] = []
  let item: Token[] = []
  let isNamed = false // a `<…>` was seen: what follows is no group's name any more
  const finish = () => {
    const mailbox = mailboxOf(item)
    if (mailbox !== null) mailboxes.push(mailbox)
    item = []
    isNamed = false
  }
  for (const token of tokens(text)) {
    if (token.kind === 'special' && (token.text === ',' || token.text === ';')) finish()
    else if (token.kind === 'special' && token.text === ':' && !isNamed)
      item = [] // the name of a group
    else item.push(token)
    isNamed ||= token.kind === 'angle'
  }
  finish()
  return mailboxes
}

/** The field's form: name quoted or encoded as it needs (RFC 5322 §3.4, RFC 2047 §5 rule 3). */
export function formatMailbox({ name, address }: Mailbox): string {
  const phrase = formatPhrase(name)
  return phrase === '' ? address : `${phrase} <${address}>`
}

/** A display name, ready to stand before `<…>`. */
export function formatPhrase(name: string): string {
  const line = name
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
  if (needsEncoding(line)) return encodeWords(line)
  if (line === '' || plainPhrase.test(line)) return line
  return `"${line.replace(/["\\]/g, '\\$&')}"`
}

const plainPhrase = /^[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*$/

/** No address is longer, with all its blanks and comments. */
const longestText = 2000

interface Token {
  readonly kind: 'text' | 'quoted' | 'angle' | 'comment' | 'special'
  readonly text: string
  /** Blanks came before it. */
  readonly spaced: boolean
}

const word = /(?:=\?[^?\s]{1,80}\?[bqBQ]\?[^?\s]*\?=)|[^\s"(),:;<>[\]]+|\[[^[\]\s]*\]/y
const blanks = /\s+/y

/** Cuts the text into words, quoted strings, `<…>`, comments and separators. */
function* tokens(text: string): Generator<Token> {
  let quotesClose = true // once a quote has been seen that never closes, no other is tried: the work stays linear
  for (let at = 0; at < text.length; ) {
    const gap = matchAt(blanks, text, at)
    at += gap.length
    if (at === text.length) return
    const found = matchAt(word, text, at) || null
    const enclosure = found === null ? enclosureAt(text, at, quotesClose) : null
    if (found === null && enclosure === null && text[at] === '"') quotesClose = false
    const token = enclosure ?? {
      kind: found === null ? 'special' : 'text',
      text: found ?? text.charAt(at),
      end: 0,
    }
    yield { kind: token.kind, text: token.text, spaced: gap !== '' }
    at = enclosure === null ? at + token.text.length : enclosure.end
  }
}

interface Enclosure extends Pick<Token, 'kind' | 'text'> {
  readonly end: number
}

function enclosureAt(text: string, at: number, quotesClose: boolean): Enclosure | null {
  const letter = text.charAt(at)
  if (letter === '<') return angle(text, at)
  if (letter === '(') return enclosed(text, at, 'comment', ')')
  if (letter !== '"' || !quotesClose) return null
  const quoted = enclosed(text, at, 'quoted', '"')
  return quoted.closed ? quoted : null
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

/** A quoted string or a comment without its marks; backslashes taken away; comments nest (RFC 5322 §3.2.2). */
function enclosed(text: string, start: number, kind: Token['kind'], closing: '"' | ')') {
  let value = ''
  let depth = 1
  let i = start + 1
  for (; i < text.length; i++) {
    const letter = text.charAt(i)
    if (letter === closing && --depth === 0) return { kind, text: value, end: i + 1, closed: true }
    if (letter === '(' && closing === ')') depth++
    value += letter === '\\' ? text.charAt(++i) : letter
  }
  return { kind, text: value, end: text.length, closed: false }
}

/** What stands in `<…>`, quoted strings kept; one that never closes ends before the next `<` or `;`. */
function angle(text: string, start: number): Enclosure {
  const until = (i: number, end: number): Enclosure => ({
    kind: 'angle',
    text: text.slice(start + 1, i),
    end,
  })
  let quoted = false
  for (let i = start + 1; i < text.length; i++) {
    const letter = text.charAt(i)
    if (letter === '\\' && quoted) i++
    else if (letter === '"') quoted = !quoted
    else if (letter === '>' && !quoted) return until(i, i + 1)
    else if ((letter === '<' || letter === ';') && !quoted) return until(i, i)
  }
  return until(text.length, text.length)
}

function mailboxOf(item: readonly Token[]): Mailbox | null {
  const angles = item.filter(({ kind }) => kind === 'angle')
  const [first] = angles
  if (first === undefined) return bareMailbox(item)
  // Two addresses in one mailbox: readers differ in which they show, so neither is trusted.
  if (angles.length > 1 || item.slice(item.indexOf(first) + 1).some(holdsAt)) return null
  const address = addressOf(withoutRoute(first.text))
  if (address === null) return null
  const name = nameOf(item.slice(0, item.indexOf(first)))
  return { name: name === '' ? commentOf(item) : name, address }
}

/** `ann@example.org (Ann)`, also with the blanks of obsolete syntax round `@` and dots (RFC 5322 §4.4). */
function bareMailbox(item: readonly Token[]): Mailbox | null {
  let spec = ''
  for (const token of item) {
    if (token.kind === 'comment') continue
    const text = token.kind === 'quoted' ? quote(token.text) : token.text
    const joins = spec === '' || /[.@]$/.test(spec) || /^[.@]/.test(text)
    if (token.kind === 'special' || (token.spaced && !joins) || spec.length > longestText) return null
    spec += text
  }
  const address = addressOf(spec)
  return address === null ? null : { name: commentOf(item), address }
}

function holdsAt(token: Token): boolean {
  return token.kind !== 'comment' && token.text.includes('@')
}

/** Source routes are gone from mail (RFC 5321 appendix C): `@a.example,@b.example:ann@example.org`. */
function withoutRoute(text: string): string {
  const inner = text.trim()
  return inner.startsWith('@') ? inner.slice(inner.indexOf(':') + 1).trim() : inner
}

function addressOf(text: string): EmailAddress | null {
  if (text.length > longestText) return null
  const spec = text.includes('"') ? text : text.replace(/\s*([.@])\s*/g, '$1')
  const address = parseEmailAddress(spec) ?? parseEmailAddress(spec.replace(/\([^()]*\)/g, '').trim())
  if (address?.startsWith('"') !== true) return address
  const local = localPartOf(address)
  // Quotes without need mean nothing (RFC 5321 §4.1.2): "ann"@example.org is ann@example.org.
  return parseEmailAddress(unquoteLocalPart(local) + address.slice(local.length)) ?? address
}

function nameOf(item: readonly Token[]): string {
  let name = ''
  for (const token of item) {
    if (token.kind === 'comment' || (token.kind === 'special' && token.text === '"')) continue
    name += (name !== '' && token.spaced ? ' ' : '') + token.text
  }
  return clean(decodeWords(name))
}

function commentOf(item: readonly Token[]): string {
  return clean(decodeWords(item.find(({ kind }) => kind === 'comment')?.text ?? ''))
}

/** An encoded word may hide a line break; a name is one line. */
function clean(name: string): string {
  return name.replace(/\p{Cc}+/gu, ' ').trim()
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
