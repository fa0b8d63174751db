// A message as a moderator reads it on a terminal: its fields decoded, its text, and what else it carries. No control
// character of the message reaches the terminal, and no password of a moderator is shown.
import { passwordFields } from '../handlers/clean-headers.ts'
import { decodeWords } from '../mail/encoded-words.ts'
import { fieldText } from '../mail/fields.ts'
import { everyPart, type Message, mediaType, type Part } from '../mail/message.ts'
import { textOf } from '../mail/transfer-encoding.ts'
import { plain, sizeOf } from './words.ts'

const mostFields = 500
const mostLines = 1000
const longestLine = 2000

/** Name and decoded value of each field, in order. */
export function fieldsOf({ bytes, root }: Message): readonly (readonly [string, string])[] {
  const hidden = new Set(passwordFields.map((name) => name.toLowerCase()))
  return root.fields.slice(0, mostFields).map((field) => {
    const value = decodeWords(fieldText(bytes, field))
    return [plain(field.name), hidden.has(field.name.toLowerCase()) ? '(secret)' : cut(plain(value))] as const
  })
}

/** The plain text (the HTML where there is none), and a line for each part that is not shown. */
export function textLines(message: Message): readonly string[] {
  const leaves = [...everyPart(message.root)].filter(({ children }) => children.length === 0)
  const shown = leaves.find((part) => mediaType(part) === 'text/plain') ?? leaves.find(isText)
  const lines = shown === undefined ? [] : linesOf(textOf(message, shown))
  const others = leaves.filter((part) => part !== shown)
  return [
    ...lines.slice(0, mostLines),
    ...(lines.length > mostLines ? [`[${lines.length - mostLines} more lines]`] : []),
    ...others.map((part) => `[${plain(mediaType(part))}, ${sizeOf(part.end - part.body)}]`),
  ]
}

const isText = (part: Part): boolean => part.contentType.type === 'text'

function linesOf(text: string): readonly string[] {
  const lines = text.split(/\r\n|\r|\n/).map((line) => cut(plain(line.replaceAll('\t', '    '))))
  while (lines.at(-1) === '') lines.pop()
  return lines
}

const cut = (line: string): string => (line.length > longestLine ? `${line.slice(0, longestLine)}…` : line)
