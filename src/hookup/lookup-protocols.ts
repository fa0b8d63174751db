// The three languages in which mail servers ask whether an address is one of ours: socketmap (Postfix
// socketmap_table(5), Sendmail), Postfix's tcp_table(5), and the plain line of Exim's ${readsocket}. Pure: octets
// in, questions out, answers as octets. Laws: a request is bounded; a fault of ours is never "not found".
import { unreachable } from '../base/unreachable.ts'

export interface Question {
  readonly map: string
  readonly key: string
}

export type Answer =
  | { readonly kind: 'found'; readonly value: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'no-such-map' }
  /** A fault of ours: the mail server asks again later. */
  | { readonly kind: 'later'; readonly words: string }

/** What the octets so far hold: a question of `used` octets, or what is wrong with them. */
export type Taken =
  | { readonly used: number; readonly question: Question }
  | { readonly used: number; readonly refusal: Buffer }
  /** Where the next request begins is not known: the refusal is the last word. */
  | { readonly broken: Buffer }

export interface LookupProtocol {
  readonly name: 'socketmap' | 'tcp_table' | 'readsocket'
  /** The next request; null: more octets are needed. `ended`: there will be no more. */
  take(octets: Buffer, ended: boolean): Taken | null
  format(answer: Answer): Buffer
  /** One question a connection: the end says that the answer is whole. */
  readonly oneQuestion: boolean
}

/** Octets of one request; an address has 512 at most. */
export const longestRequest = 4096

export const socketmap: LookupProtocol = {
  name: 'socketmap',
  oneQuestion: false,
  take: (octets) => {
    // cr.yp.to/proto/netstrings.txt: the length in decimal, a colon, the octets, a comma.
    const head = octets.toString('latin1', 0, 6)
    const digits = /^(0|[1-9]\d{0,4}):/.exec(head)?.[1]
    if (digits === undefined) {
      return /^(?:0|[1-9]\d{0,4})?$/.test(head) ? null : { broken: netstring('PERM this is no netstring') }
    }
    const length = Number(digits)
    if (length > longestRequest)
      return { broken: netstring(`PERM a request has ${longestRequest} octets at most`) }
    const start = digits.length + 1
    const end = start + length
    if (octets.length <= end) return null
    if (octets[end] !== comma) return { broken: netstring('PERM this is no netstring') }
    const text = octets.toString('utf8', start, end)
    const blank = text.indexOf(' ')
    if (blank < 1) return { used: end + 1, refusal: netstring('PERM a request is NAME SPACE KEY') }
    return { used: end + 1, question: { map: text.slice(0, blank), key: text.slice(blank + 1) } }
  },
  format: (answer) => {
    switch (answer.kind) {
      case 'found':
        return netstring(`OK ${answer.value}`)
      case 'not-found':
        return netstring('NOTFOUND ')
      case 'no-such-map':
        return netstring('PERM no such map; there are recipients and domains')
      case 'later':
        return netstring(`TEMP ${answer.words}`)
      default:
        return unreachable(answer)
    }
  },
}

const comma = 44
const lineFeed = 10

function netstring(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text)}:${text},`)
}

/** The protocol has no names of maps: the key is a recipient. */
export const tcpTable: LookupProtocol = {
  name: 'tcp_table',
  oneQuestion: false,
  take: (octets) => {
    const line = takeLine(octets, false)
    if (line === null) return null
    if (line === 'too-long') return { broken: tableReply(400, `a line has ${longestRequest} octets at most`) }
    const coded = /^get +(\S+) *$/.exec(line.text)?.[1]
    const key = coded === undefined ? null : percentDecoded(coded)
    if (key !== null) return { used: line.used, question: { map: 'recipients', key } }
    return {
      used: line.used,
      refusal: tableReply(400, 'a request is: get SPACE key, with %XX for odd characters'),
    }
  },
  format: (answer) => {
    switch (answer.kind) {
      case 'found':
        return tableReply(200, answer.value)
      case 'not-found':
        return tableReply(500, 'not found')
      case 'no-such-map':
        return tableReply(400, 'no such map')
      case 'later':
        return tableReply(400, answer.words)
      default:
        return unreachable(answer)
    }
  },
}

function tableReply(code: number, text: string): Buffer {
  const coded = text.replace(
    /[^!-$&-~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  )
  return Buffer.from(`${code} ${coded}\n`, 'latin1')
}

/** Null where a % begins no pair of hexadecimal digits. */
function percentDecoded(text: string): string | null {
  if (/%(?![0-9a-f]{2})/i.test(text)) return null
  const octets = text.replace(/%(..)/g, (_, pair: string) => String.fromCharCode(Number.parseInt(pair, 16)))
  return Buffer.from(octets, 'latin1').toString('utf8')
}

/** A line with an address, or `domains NAME`; the answer is one word without a line end, as Exim keeps line ends. */
export const readsocket: LookupProtocol = {
  name: 'readsocket',
  oneQuestion: true,
  take: (octets, ended) => {
    const line = takeLine(octets, ended)
    if (line === null) return null
    if (line === 'too-long') return { broken: Buffer.from('no') } // longer than any address
    const { used } = line
    const text = Buffer.from(line.text, 'latin1').toString('utf8').trim()
    const [, map = 'recipients', key = text] = /^(recipients|domains) +(\S.*)$/.exec(text) ?? []
    return { used, question: { map, key } }
  },
  format: (answer) => {
    switch (answer.kind) {
      case 'found':
        return Buffer.from('yes')
      case 'not-found':
        return Buffer.from('no')
      case 'no-such-map':
      case 'later':
        return Buffer.from('later')
      default:
        return unreachable(answer)
    }
  },
}

/** `text` is one character for each octet, without its line end. */
function takeLine(octets: Buffer, ended: boolean): { used: number; text: string } | 'too-long' | null {
  const found = octets.indexOf(lineFeed)
  const end = found < 0 ? octets.length : found
  if (end > longestRequest) return 'too-long'
  if (found < 0 && !(ended && end > 0)) return null
  return { used: found < 0 ? end : end + 1, text: octets.toString('latin1', 0, end).replace(/\r$/, '') }
}
