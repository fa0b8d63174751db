// The files of Postfix as text: main.cf (postconf(5)) and master.cf (master(5)); pure. Law: every setting knows its
// lines, since a person has to find them; later settings overrule earlier ones, and both are kept.

/** One setting of main.cf, as it is written. */
export interface MainSetting {
  readonly name: string
  /** Lines joined, not expanded. */
  readonly text: string
  /** The number of its first line, from 1. */
  readonly line: number
  /** Its lines as they stand, without comments. */
  readonly lines: readonly FileLine[]
}

export interface FileLine {
  readonly line: number
  readonly text: string
}

/** A line that Postfix cannot read: every Postfix program ends with `fatal`. */
export interface FileFault extends FileLine {
  readonly what: 'no-equals' | 'no-name' | 'starts-indented' | 'fields'
}

export interface MainFile {
  readonly path: string
  /** In the order of the file. */
  readonly settings: readonly MainSetting[]
  readonly faults: readonly FileFault[]
  /** Lines that begin with `#`. */
  readonly comments: readonly FileLine[]
}

export interface MasterService {
  readonly name: string
  /** `inet`, `unix`, `fifo`, `pass`, `unix-dgram`. */
  readonly type: string
  /** The columns after the type as written: private, unprivileged, chroot, wake-up, most processes. */
  readonly columns: readonly [string, string, string, string, string]
  readonly command: string
  readonly arguments: readonly string[]
  /** `-o name=value`, the last of a name. */
  readonly overrides: ReadonlyMap<
    string,
    { readonly text: string; readonly line: number; readonly shown: string }
  >
  readonly line: number
  readonly lines: readonly FileLine[]
}

export interface MasterFile {
  readonly path: string
  readonly services: readonly MasterService[]
  readonly faults: readonly FileFault[]
}

export function parseMain(path: string, text: string): MainFile {
  const { logical, comments, faults } = logicalLines(text)
  const settings: MainSetting[] = []
  const wrong: FileFault[] = [...faults]
  for (const lines of logical) {
    const [first] = lines
    const joined = lines.map((each) => each.text).join(' ')
    const equals = joined.indexOf('=')
    const name = (equals < 0 ? joined : joined.slice(0, equals)).trim()
    if (equals < 0 || /\s/.test(name)) wrong.push({ ...first, what: 'no-equals' })
    else if (name === '') wrong.push({ ...first, what: 'no-name' })
    else settings.push({ name, text: joined.slice(equals + 1).trim(), line: first.line, lines })
  }
  return { path, settings, faults: wrong, comments }
}

export function parseMaster(path: string, text: string): MasterFile {
  const { logical, faults } = logicalLines(text)
  const services: MasterService[] = []
  const wrong: FileFault[] = [...faults]
  for (const lines of logical) {
    const [first] = lines
    const words = splitOutsideBraces(lines.map((each) => each.text).join(' '), /\s/)
    const [name, type, a, b, c, d, e, command, ...rest] = words
    if (
      name === undefined ||
      type === undefined ||
      e === undefined ||
      command === undefined ||
      a === undefined
    )
      wrong.push({ ...first, what: 'fields' })
    else
      services.push({
        name,
        type,
        columns: [a, b ?? '-', c ?? '-', d ?? '-', e],
        command,
        ...readArguments(rest, lines),
        line: first.line,
        lines,
      })
  }
  return { path, services, faults: wrong }
}

/** Splits at runs of `separator`, but never inside braces: `inline:{ {a = b}, {c = d} }` is one word. */
export function splitOutsideBraces(text: string, separator: RegExp): readonly string[] {
  const words: string[] = []
  let [word, depth] = ['', 0]
  for (const sign of text) {
    if (depth === 0 && separator.test(sign)) {
      if (word !== '') words.push(word)
      word = ''
      continue
    }
    if (sign === '{') depth += 1
    if (sign === '}') depth = Math.max(0, depth - 1)
    word += sign
  }
  return word === '' ? words : [...words, word]
}

type LogicalLine = readonly [FileLine, ...FileLine[]]

// A line that begins with a blank goes on with the last line that was no comment; comments between are skipped.
function logicalLines(text: string): {
  readonly logical: readonly LogicalLine[]
  readonly comments: readonly FileLine[]
  readonly faults: readonly FileFault[]
} {
  const logical: [FileLine, ...FileLine[]][] = []
  const comments: FileLine[] = []
  const faults: FileFault[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line: FileLine = { line: index + 1, text: raw.trimEnd() }
    const trimmed = raw.trim()
    if (trimmed === '') continue
    if (trimmed.startsWith('#')) comments.push(line)
    else if (!/^\s/.test(raw)) logical.push([line])
    else {
      const last = logical.at(-1)
      if (last === undefined) faults.push({ ...line, what: 'starts-indented' })
      else last.push(line)
    }
  }
  return { logical, comments, faults }
}

function readArguments(
  words: readonly string[],
  lines: readonly FileLine[],
): Pick<MasterService, 'arguments' | 'overrides'> {
  const overrides = new Map<string, { text: string; line: number; shown: string }>()
  const others: string[] = []
  const queue = [...words]
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (!word.startsWith('-o')) {
      others.push(word)
      continue
    }
    const written = word === '-o' ? (queue.shift() ?? '') : word.slice(2)
    const setting = written.replace(/^\{\s*|\s*\}$/g, '')
    const equals = setting.indexOf('=')
    if (equals < 0) continue
    const at = lines.find((each) => each.text.includes(written)) ?? lines[0]
    overrides.set(setting.slice(0, equals).trim(), {
      text: setting.slice(equals + 1).trim(),
      line: at?.line ?? 1,
      shown: at?.text.trim() ?? written,
    })
  }
  return { arguments: others, overrides }
}
