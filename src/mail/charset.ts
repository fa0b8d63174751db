// Text to bytes and back in the charsets that mail is labelled with (RFC 2045 §2.2, RFC 2978). Reading
// never fails: a wrong or unknown label gives the most likely text. Writing gives null rather than a
// wrong letter.
import { Buffer } from 'node:buffer'
import { TextDecoder } from 'node:util'

/** The text of bytes that are said to be in this charset; '' is no label at all. */
export function decodeCharset(bytes: Uint8Array, label: string): string {
  const decoder = decoderOf(label)
  return decoder === null ? guessText(bytes) : decoder.decode(bytes)
}

/** UTF-8 if it is, else Windows-1252, the superset of Latin-1 that most 8-bit mail means. */
export function guessText(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return latin1.decode(bytes)
  }
}

/** The bytes of a text in this charset, or null where the charset is unknown or lacks one of its letters. */
export function encodeCharset(text: string, label: string): Uint8Array | null {
  const name = plainLabel(label)
  if (name === 'utf-8' || name === 'utf8') return text.isWellFormed() ? Buffer.from(text, 'utf8') : null
  if (/^[\0-\x7f]*$/.test(text)) return isAsciiBased(name) ? Buffer.from(text, 'latin1') : null
  if (name === 'iso-8859-1' || name === 'latin1') {
    return /^[\0-\x7f\xa0-\xff]*$/.test(text) ? Buffer.from(text, 'latin1') : null
  }
  return singleOctet.test(name) ? encodeSingle(text, name) : null
}

/** True where every ASCII octet means its ASCII letter, so that ASCII text can be appended as it is. */
export function isAsciiBased(label: string): boolean {
  const name = plainLabel(label)
  return name === '' || asciiNames.has(name) || singleOctet.test(name) || asciiBased.has(name)
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const latin1 = new TextDecoder('windows-1252')
const decoders = new Map<string, TextDecoder | null>()
const tables = new Map<string, ReadonlyMap<string, number>>()
const asciiNames = new Set(['us-ascii', 'ascii', 'ansi_x3.4-1968', 'iso646-us', 'utf-8', 'utf8'])
const singleOctet =
  /^(?:iso-8859-(?:[1-9]|1[013-6])|latin[1-6]|windows-125[0-8]|cp125[0-8]|koi8-[ru]|tis-620)$/
// Octets below 128 stand for themselves at the start of a letter; RFC 1468 text ends each line in ASCII.
const asciiBased = new Set([
  'gb2312', 'gbk', 'gb18030', 'big5', 'euc-jp', 'euc-kr', 'ks_c_5601-1987', 'iso-2022-jp',
]) // biome-ignore format: one line reads best
const aliases = new Map([
  ['cp932', 'shift_jis'],
  ['cp936', 'gbk'],
  ['cp949', 'euc-kr'],
  ['cp950', 'big5'],
  ['latin-1', 'iso-8859-1'],
  ['utf-8mb4', 'utf-8'],
])

/** RFC 2231 §5 lets a language follow after an asterisk. */
function plainLabel(label: string): string {
  const name = label.trim().toLowerCase()
  const star = name.indexOf('*')
  return star < 0 ? name : name.slice(0, star)
}

function decoderOf(label: string): TextDecoder | null {
  const name = plainLabel(label)
  const known = decoders.get(name)
  if (known !== undefined) return known
  let decoder: TextDecoder | null = null
  try {
    decoder = name === '' ? null : new TextDecoder(aliases.get(name) ?? name, { ignoreBOM: true })
  } catch {
    decoder = null // no such charset: the caller guesses
  }
  if (decoders.size < 200) decoders.set(name, decoder) // labels come from mail: keep no more than there are
  return decoder
}

function encodeSingle(text: string, name: string): Uint8Array | null {
  const table = tableOf(name)
  if (table === null) return null
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const octet = table.get(text.charAt(i))
    if (octet === undefined) return null
    bytes[i] = octet
  }
  return bytes
}

/** A charset of one octet per letter, turned round. */
function tableOf(name: string): ReadonlyMap<string, number> | null {
  const known = tables.get(name)
  if (known !== undefined) return known
  const decoder = decoderOf(name)
  if (decoder === null) return null
  const table = new Map<string, number>()
  for (let octet = 0; octet < 256; octet++) {
    const letter = decoder.decode(Uint8Array.of(octet))
    if (letter.length === 1 && letter !== '\ufffd') table.set(letter, octet)
  }
  tables.set(name, table)
  return table
}
