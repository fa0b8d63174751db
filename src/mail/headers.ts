// The header block of a message as a value (RFC 5322 §2.2, §3.6). Reading is by name, without case;
// editing gives a new value. Law: a field that nobody edits leaves byte for byte as it came, spelling,
// folding and order included, and no line break of a value ever becomes a field of its own.
import { Buffer } from 'node:buffer'
import { decodeWords } from './encoded-words.ts'
import { type Field, fieldText, readFields } from './fields.ts'
import { formatField } from './format-field.ts'
import type { Message, Part } from './message.ts'

/** A field and the bytes that its offsets count in. */
interface Line {
  readonly key: string
  readonly field: Field
  readonly source: Buffer
}

export class Headers {
  /** No fields at all: where a letter of our own begins. */
  static readonly none = new Headers(Buffer.alloc(0), [], Buffer.from('\r\n'), null)

  readonly #lead: Buffer
  readonly #lines: readonly Line[]
  readonly #separator: Buffer
  /** The whole block as it came, while nothing has been edited. */
  readonly #untouched: Buffer | null

  private constructor(lead: Buffer, lines: readonly Line[], separator: Buffer, untouched: Buffer | null) {
    this.#lead = lead
    this.#lines = lines
    this.#separator = separator
    this.#untouched = untouched
  }

  /** The fields of a part (by default the message itself), over the same bytes. */
  static of(message: Message, part: Part = message.root): Headers {
    const { bytes } = message
    const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const lead = source.subarray(part.start, part.fields[0]?.start ?? part.fieldsEnd)
    const separator = source.subarray(part.fieldsEnd, part.body)
    const lines = part.fields.map((field) => ({ key: field.name.toLowerCase(), field, source }))
    return new Headers(lead, lines, separator, source.subarray(part.start, part.body))
  }

  /** The first value under this name, unfolded, not decoded; 8-bit as UTF-8, else as Latin-1. */
  get(name: string): string | null {
    const key = name.toLowerCase()
    const line = this.#lines.find((each) => each.key === key)
    return line === undefined ? null : fieldText(line.source, line.field)
  }

  /** Every value under this name, in order. */
  all(name: string): readonly string[] {
    const key = name.toLowerCase()
    return this.#lines.filter((each) => each.key === key).map(({ source, field }) => fieldText(source, field))
  }

  /** The first value under this name with its encoded words decoded (RFC 2047). */
  decoded(name: string): string | null {
    const text = this.get(name)
    return text === null ? null : decodeWords(text)
  }

  has(name: string): boolean {
    const key = name.toLowerCase()
    return this.#lines.some((each) => each.key === key)
  }

  /** The names as they are spelt, in order, repeated ones too. */
  names(): readonly string[] {
    return this.#lines.map(({ field }) => field.name)
  }

  without(...names: readonly string[]): Headers {
    const keys = new Set(names.map((name) => name.toLowerCase()))
    const lines = this.#lines.filter(({ key }) => !keys.has(key))
    return lines.length === this.#lines.length ? this : this.#edited(lines)
  }

  /** Keeps the fields for which the question is answered with yes. */
  filter(keeps: (name: string, value: string) => boolean): Headers {
    const lines = this.#lines.filter(({ field, source }) => keeps(field.name, fieldText(source, field)))
    return lines.length === this.#lines.length ? this : this.#edited(lines)
  }

  /** Adds a field below the others. Unstructured values are Unicode; addresses and the like come from their formatters. */
  with(name: string, value: string): Headers {
    return this.#edited([...this.#lines, newLine(name, value)])
  }

  /** Adds a field above the others, where trace fields belong (RFC 5321 §4.4). */
  withFirst(name: string, value: string): Headers {
    return this.#edited([newLine(name, value), ...this.#lines])
  }

  /** Puts the field where the first of its name stood and drops the others; below the rest if there was none. */
  replaced(name: string, value: string): Headers {
    const key = name.toLowerCase()
    const at = this.#lines.findIndex((each) => each.key === key)
    if (at < 0) return this.with(name, value)
    const others = this.#lines.slice(at + 1).filter((each) => each.key !== key)
    return this.#edited([...this.#lines.slice(0, at), newLine(name, value), ...others])
  }

  /** Adds finished fields on top, byte for byte: signatures break when they are folded anew (RFC 6376 §3.7). */
  withFieldsFirst(fields: Uint8Array): Headers {
    return this.#edited([...finishedLines(fields), ...this.#lines])
  }

  /** Drops the "From ann@example.org …" line that an mbox delivery left on top. */
  withoutMboxLine(): Headers {
    if (this.#lead.length === 0) return this
    return new Headers(this.#lead.subarray(0, 0), this.#lines, this.#separator, null)
  }

  /** The same with an empty line at its end, for bodies that get something put in front. */
  closed(): Headers {
    return this.#separator.length > 0 ? this : this.#edited(this.#lines)
  }

  /** The block with the empty line that ends it, ready to stand before a body; untouched runs are not copied. */
  pieces(): readonly Uint8Array[] {
    if (this.#untouched !== null) return this.#untouched.length === 0 ? [] : [this.#untouched]
    const pieces: Buffer[] = this.#lead.length === 0 ? [] : [this.#lead]
    for (let i = 0; i < this.#lines.length; ) {
      const { source, field } = this.#lines[i] as Line
      let end = field.end
      for (i++; this.#lines[i]?.source === source && this.#lines[i]?.field.start === end; i++) {
        end = this.#lines[i]?.field.end ?? end
      }
      pieces.push(source.subarray(field.start, end))
      if (source[end - 1] !== 10) pieces.push(crlf) // a header that just stopped
    }
    pieces.push(this.#separator.length === 0 ? crlf : this.#separator)
    return pieces
  }

  toBytes(): Uint8Array {
    return Buffer.concat(this.pieces())
  }

  /** The fields alone, without the empty line: for those who carry them elsewhere. */
  fieldBytes(keeps: (name: string) => boolean = () => true): Uint8Array {
    const kept = this.#lines.filter(({ field }) => keeps(field.name))
    return Buffer.concat(
      kept.flatMap(({ source, field }) => {
        const bytes = source.subarray(field.start, field.end)
        return bytes.at(-1) === 10 ? [bytes] : [bytes, crlf]
      }),
    )
  }

  #edited(lines: readonly Line[]): Headers {
    return new Headers(this.#lead, lines, this.#separator, null)
  }
}

const crlf = Buffer.from('\r\n')

function newLine(name: string, value: string): Line {
  const source = Buffer.from(formatField(name, value))
  const field = { name, start: 0, value: name.length + 1, end: source.length }
  return { key: name.toLowerCase(), field, source }
}

function finishedLines(bytes: Uint8Array): readonly Line[] {
  const source = Buffer.from(bytes)
  const block = readFields(source, 0, { octets: source.length, fields: 1000, isDelimiter: () => false })
  if (block.end !== source.length || source.at(-1) !== 10) {
    throw new Error('these bytes are not whole header fields, each ending in CRLF')
  }
  return block.fields.map((field) => ({ key: field.name.toLowerCase(), field, source }))
}
