// The syntax of mailman.cfg: lazr.config, which is Python's configparser with sections that inherit.
// Facts kept: keys are folded to lower case, section names are not; `:` or `=` ends a key; a line that is
// indented deeper than its key goes on with the value; `#` and `;` begin a comment only at the start of a
// line; a section or key that comes again adds to, or replaces, the earlier one; text after `]` is ignored.
// Better than there: all faults are collected, and a byte order mark is no fault.
import { dirname, resolve } from 'node:path'
import { type ConfigMistake, mistake, type Place, quote } from './mistake.ts'

/** A value as it was written, lines joined by LF, and where. */
export interface WrittenValue {
  readonly text: string
  readonly place: Place
}

export interface WrittenSection {
  readonly place: Place
  readonly values: ReadonlyMap<string, WrittenValue>
}

export interface LazrFile {
  readonly sections: ReadonlyMap<string, WrittenSection>
  /** Every file read: this one and those that it extends. */
  readonly files: readonly string[]
  readonly mistakes: readonly ConfigMistake[]
  readonly warnings: readonly ConfigMistake[]
}

/** Gives the bytes of a file; throws as `readFileSync` does. */
export type ReadFile = (path: string) => Uint8Array

type Sections = Map<string, { place: Place; values: Map<string, WrittenValue> }>

/** Reads a file and those it extends (`[meta] extends: FILE`, relative to the file that says it). Never throws. */
export function loadLazr(path: string, read: ReadFile, namedBy: NamedBy | null = null): LazrFile {
  return follow(path, read, [], namedBy)
}

/** The value that names a file: where the mistake is, when the file cannot be read. */
export interface NamedBy {
  readonly place: Place
  readonly subject: string
}

function follow(path: string, read: ReadFile, opened: readonly string[], namedBy: NamedBy | null): LazrFile {
  const failed = (what: string): LazrFile => ({
    sections: new Map(),
    files: [path],
    mistakes: [mistake(namedBy?.place ?? null, namedBy?.subject ?? null, what)],
    warnings: [],
  })
  if (opened.includes(path))
    return failed(`${[...opened, path].join(' extends ')}: a circle; remove one of them`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(read(path))
  } catch (fault) {
    return failed(unreadable(path, fault))
  }
  const own = parseLazr(text, path)
  const extended = own.sections.get('meta')?.values.get('extends')
  if (extended === undefined || extended.text === '') return own
  const base = follow(resolve(dirname(path), extended.text), read, [...opened, path], {
    place: extended.place,
    subject: 'meta.extends',
  })
  return {
    sections: merge(base.sections, own.sections),
    files: [path, ...base.files],
    mistakes: [...base.mistakes, ...own.mistakes],
    warnings: [...base.warnings, ...own.warnings],
  }
}

/** Why a file could not be read, for the operator. */
export function unreadable(path: string, fault: unknown): string {
  const code = fault instanceof Error && 'code' in fault ? fault.code : null
  if (code === 'ENOENT') return `${path} does not exist; write the path of a file that does`
  if (code === 'EACCES') return `${path} may not be read by this user; change its owner or mode`
  if (code === 'EISDIR') return `${path} is a directory; write the path of a file`
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return `${path} is not UTF-8 text; save it as UTF-8`
  return `${path} cannot be read (${fault instanceof Error ? fault.message : String(fault)})`
}

function merge(base: LazrFile['sections'], own: LazrFile['sections']): Sections {
  const merged: Sections = new Map()
  for (const [name, { place, values }] of [...base, ...own]) {
    const earlier = merged.get(name)
    merged.set(name, {
      place: earlier?.place ?? place,
      values: new Map([...(earlier?.values ?? []), ...values]),
    })
  }
  return merged
}

const sectionLine = /^\[([^\]]+)\]/
const looksLikeSection = /^\[[A-Za-z]+(?:\.[\w-]+)?\]$/

/** Reads the text of one file; `file` is only its name in mistakes. A byte order mark and CRLF are taken. */
export function parseLazr(text: string, file: string): LazrFile {
  const sections: Sections = new Map()
  const mistakes: ConfigMistake[] = []
  const warnings: ConfigMistake[] = []
  let section: Map<string, WrittenValue> | null = null
  let open: { key: string; indent: number; lines: string[]; place: Place } | null = null
  const close = () => {
    if (open !== null) section?.set(open.key, { text: open.lines.join('\n').trimEnd(), place: open.place })
    open = null
  }
  const lines = text.replace(/^\u{feff}/u, '').split(/\r\n|\n|\r/)
  for (const [index, line] of lines.entries()) {
    const content = line.trim()
    const place = { file, line: index + 1 }
    if (content.startsWith('#') || content.startsWith(';')) continue
    if (content === '') {
      open?.lines.push('')
      continue
    }
    const indent = line.search(/\S/)
    if (open !== null && indent > open.indent) {
      open.lines.push(content)
      if (looksLikeSection.test(content)) {
        const why = `${content} is indented, so it goes on with the value of ${open.key}; begin the line with [`
        warnings.push(mistake(place, null, why))
      }
      continue
    }
    close()
    const name = sectionLine.exec(content)?.[1]
    if (name !== undefined) {
      const known = sections.get(name)
      section = known?.values ?? new Map()
      if (known === undefined) sections.set(name, { place, values: section })
      continue
    }
    const at = content.search(/[:=]/)
    const key = content.slice(0, Math.max(at, 0)).trim().toLowerCase()
    if (content.startsWith('[')) {
      mistakes.push(mistake(place, null, `${quote(content)} has no ]; accepted: [section]`))
    } else if (key === '') {
      mistakes.push(
        mistake(place, null, `${quote(content)} is neither section nor value; accepted: key: value`),
      )
    } else if (section === null) {
      mistakes.push(
        mistake(place, null, `${quote(key)} stands before the first section; write its [section] above`),
      )
    } else {
      open = { key, indent, lines: [content.slice(at + 1).trim()], place }
    }
  }
  close()
  return { sections, files: [file], mistakes, warnings }
}
