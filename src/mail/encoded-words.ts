// Encoded words: letters beyond ASCII in header fields (RFC 2047, with the language of RFC 2231 §5).
// Reading takes what real programs write; writing keeps to the strictest form, good in phrases as well.
import { Buffer } from 'node:buffer'
import { decodeCharset } from './charset.ts'

// The text ends at the first `?=`. A lone `?` or `=` in it is wrong but common; a new `=?` is not part of it.
const encodedWord = /=\?([^?\s]{1,80})\?([bq])\?((?:[^?=]|=(?!\?(?!=))|\?(?!=))*)\?=/gi

/** The text of a field's value: words decoded, blanks between neighbours dropped; never throws. */
export function decodeWords(text: string): string {
  if (!text.includes('=?')) return text
  let out = ''
  let from = 0
  let run: Run | null = null // neighbours of one charset are joined first: some split a letter over two words
  for (const match of text.matchAll(encodedWord)) {
    const [whole, charset = '', kind = '', encoded = ''] = match
    const between = text.slice(from, match.index)
    const octets = kind.toLowerCase() === 'b' ? Buffer.from(encoded, 'base64') : decodeQ(encoded)
    from = match.index + whole.length
    if (run !== null && /^\s*$/.test(between)) {
      if (run.charset === charset.toLowerCase()) {
        run.octets.push(octets)
        continue
      }
      out += finish(run)
    } else out += finish(run) + between
    run = { charset: charset.toLowerCase(), octets: [octets] }
  }
  return out + finish(run) + text.slice(from)
}

/** Unstructured text (RFC 2047 §5 rule 1): only the stretch that needs it is encoded. `column` is where it begins. */
export function encodeUnstructured(text: string, column = 0): string {
  const words = text.split(/([ \t]+)/)
  const first = words.findIndex(needsEncoding)
  if (first < 0) return text
  const last = words.findLastIndex(needsEncoding)
  const before = words.slice(0, first).join('')
  const after = words.slice(last + 1).join('')
  return before + encodeWords(words.slice(first, last + 1).join(''), before === '' ? column : 0) + after
}

/** Any text as encoded words in UTF-8, at most 75 characters each, joined by blanks (RFC 2047 §2). */
export function encodeWords(text: string, column = 0): string {
  const whole = text.toWellFormed()
  let octets = 0
  let asQ = 0
  for (const letter of whole) {
    octets += lengthInB(letter)
    asQ += lengthInQ(letter)
  }
  const form = asQ <= Math.ceil(octets / 3) * 4 ? formQ : formB
  const words: string[] = []
  let word = ''
  let size = 0
  let most = form.most(Math.min(75, Math.max(30, 78 - column))) // the first word may share its line with the name
  for (const letter of whole) {
    const more = form.measure(letter)
    if (size + more > most) {
      words.push(form.write(Buffer.from(word)))
      word = ''
      size = 0
      most = form.most(75)
    }
    word += letter
    size += more
  }
  words.push(form.write(Buffer.from(word)))
  return words.join(' ')
}

/** True where a word would not survive as it stands: beyond printable ASCII, or looking like an encoded word. */
export function needsEncoding(word: string): boolean {
  return /[^\t -~]/.test(word) || word.includes('=?')
}

interface Run {
  readonly charset: string
  readonly octets: Uint8Array[]
}

function finish(run: Run | null): string {
  return run === null ? '' : decodeCharset(Buffer.concat(run.octets), run.charset)
}

/** RFC 2047 §4.2; an `=` without two hexadecimal digits stands for itself. */
function decodeQ(text: string): Uint8Array {
  const plain = text.replace(/_/g, ' ')
  const octets = Buffer.from(plain, 'utf8')
  if (!plain.includes('=')) return octets
  let length = 0
  for (let i = 0; i < octets.length; i++) {
    const hex = octets[i] === 0x3d ? octets.toString('latin1', i + 1, i + 3) : ''
    const coded = /^[0-9a-f]{2}$/i.test(hex)
    octets[length++] = coded ? Number.parseInt(hex, 16) : (octets[i] ?? 0)
    if (coded) i += 2
  }
  return octets.subarray(0, length)
}

// A word is `=?UTF-8?B?` + text + `?=`: `most` says how much text a word of so many characters can take.
const formB = {
  most: (characters: number) => Math.floor((characters - 12) / 4) * 3,
  measure: lengthInB,
  write: (octets: Buffer) => `=?UTF-8?B?${octets.toString('base64')}?=`,
}

const formQ = {
  most: (characters: number) => characters - 12,
  measure: lengthInQ,
  write: (octets: Buffer) => {
    let text = ''
    for (const octet of octets) {
      if (octet === 0x20) text += '_'
      else if (isSafeInQ(octet)) text += String.fromCharCode(octet)
      else text += `=${octet.toString(16).toUpperCase().padStart(2, '0')}`
    }
    return `=?UTF-8?Q?${text}?=`
  },
}

/** The octets of a letter in UTF-8. */
function lengthInB(letter: string): number {
  const code = letter.codePointAt(0) ?? 0
  if (code < 0x80) return 1
  if (code < 0x800) return 2
  return code < 0x10000 ? 3 : 4
}

function lengthInQ(letter: string): number {
  const code = letter.codePointAt(0) ?? 0
  return code === 0x20 || (code < 0x80 && isSafeInQ(code)) ? 1 : 3 * lengthInB(letter)
}

/** What RFC 2047 §5 rule 3 allows in a phrase: letters, digits and `!*+-/`. */
function isSafeInQ(octet: number): boolean {
  const letter = octet | 0x20
  if (letter >= 0x61 && letter <= 0x7a && octet >= 0x41) return true
  return (octet >= 0x30 && octet <= 0x39) || '!*+-/'.includes(String.fromCharCode(octet))
}
