// One new header field as bytes: encoded by need, folded, safe (RFC 5322 §2.1.1, §2.2.3, RFC 2047). Law:
// CR, LF and NUL of a value never pass into the field, and no line is longer than 998 octets.
import { Buffer } from 'node:buffer'
import { encodeUnstructured } from './encoded-words.ts'

/** One field, encoded and folded, with its line end; throws when the name is none (that is our fault, not the mail's). */
export function formatField(name: string, value: string): Uint8Array {
  if (!/^[!-9;-~]{1,200}$/.test(name)) throw new Error(`not a header field name: ${JSON.stringify(name)}`)
  const line = oneLine(value)
  const text = isStructured(name) ? line : encodeUnstructured(line, name.length + 2)
  return Buffer.from(`${fold(`${name}: ${text}`)}\r\n`, 'utf8')
}

// Fields whose parts are encoded by their own formatters. Letters beyond ASCII that are left in them are
// addresses, which no encoded word may hold: they go as UTF-8 (RFC 6532 §3.2).
const structured =
  /^(?:(?:resent-)?(?:from|sender|reply-to|to|cc|bcc|message-id|date)|in-reply-to|references|received|return-path|list-.*|archived-at|content-(?!description).*|mime-version|errors-to|(?:arc|dkim|dkim2|authentication)-.*|disposition-notification-to|delivered-to|mail-(?:followup|reply)-to)$/i

/** True where the parts of a value are encoded by their own formatters, never the value as a whole. */
export function isStructured(name: string): boolean {
  return structured.test(name)
}

/** CR and LF become a blank, NUL goes: nothing in a value can end its field (design §7). */
function oneLine(value: string): string {
  const flat = value
    .toWellFormed()
    .replaceAll('\0', '')
    .replace(/[\r\n]+/g, ' ')
  return flat
    .replace(/[ \t]{65,}/g, ' ')
    .replace(/^[ \t]+/, '')
    .replace(trailingBlanks, '')
}

const trailingBlanks = /(?<![ \t])[ \t]+$/

const best = 78
const longest = 998

/** Breaks before blanks where it can, so that unfolding gives the same text (RFC 5322 §2.1.1, §2.2.3). */
function fold(line: string): string {
  if (line.length <= best && isAscii.test(line)) return line
  let out = ''
  let column = 0
  for (const [chunk] of line.matchAll(/[ \t]*[^ \t]+/g)) {
    const size = Buffer.byteLength(chunk)
    const breaks = column > 0 && column + size > best && /^[ \t]/.test(chunk)
    if (breaks) {
      out += '\r\n'
      column = 0
    }
    if (column + size <= longest) {
      out += chunk
      column += size
      continue
    }
    for (const letter of chunk) {
      const octets = Buffer.byteLength(letter)
      if (column + octets > longest) {
        out += '\r\n ' // a word of a thousand octets has no place to break: better a blank than a broken line
        column = 1
      }
      out += letter
      column += octets
    }
  }
  return out
}

const isAscii = /^[\0-\x7f]*$/
