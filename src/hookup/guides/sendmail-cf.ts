// Reads sendmail.cf: what stands where, so that a finding can name its line. Pure. Law: Sendmail itself is asked what the
// rules do (sendmail-test-mode.ts); this says only which line says so.
export interface CfLine {
  /** From 1: where it begins; lines that begin with a blank continue it. */
  readonly line: number
  /** Continuations joined by a blank. */
  readonly text: string
}

export interface CfRule extends CfLine {
  /** The ruleset that it belongs to. */
  readonly ruleset: string
  /** False when no tab parts its sides: Sendmail drops such a rule. */
  readonly hasTab: boolean
}

export interface CfMailer extends CfLine {
  readonly name: string
  /** By their letter: `P`, `F`, `S`, `R`, `E`, `L`, `T`, `A`. */
  readonly fields: ReadonlyMap<string, string>
}

export interface CfMap extends CfLine {
  readonly name: string
  /** `text`, `socket`, `hash` … */
  readonly type: string
  /** Words that begin with `-`. */
  readonly flags: readonly string[]
  /** The file or place. */
  readonly place: string
}

export interface CfClass extends CfLine {
  readonly name: string
  readonly words: readonly string[]
  /** For an `F` line: the file with the words. */
  readonly path: string | null
}

export interface CfOption extends CfLine {
  readonly name: string
  readonly value: string
}

export interface SendmailCf {
  readonly path: string
  readonly rules: readonly CfRule[]
  readonly rulesets: readonly (CfLine & { readonly name: string })[]
  readonly mailers: readonly CfMailer[]
  readonly maps: readonly CfMap[]
  readonly classes: readonly CfClass[]
  readonly options: readonly CfOption[]
}

export function parseCf(path: string, text: string): SendmailCf {
  const cf = {
    path,
    rules: [] as CfRule[],
    rulesets: [] as (CfLine & { name: string })[],
    mailers: [] as CfMailer[],
    maps: [] as CfMap[],
    classes: [] as CfClass[],
    options: [] as CfOption[],
  }
  let ruleset = ''
  for (const { line, text: whole } of joinedLines(text)) {
    const at = { line, text: whole }
    const rest = whole.slice(1)
    switch (whole[0]) {
      case 'S':
        // `Sname=number` gives both.
        ruleset = /^\s*([^\s=]+)/.exec(rest)?.[1] ?? ''
        cf.rulesets.push({ ...at, name: ruleset })
        break
      case 'R':
        cf.rules.push({ ...at, ruleset, hasTab: rest.includes('\t') })
        break
      case 'M':
        cf.mailers.push({ ...at, ...mailerOf(rest) })
        break
      case 'K':
        cf.maps.push({ ...at, ...mapOf(rest) })
        break
      case 'C':
      case 'F':
        cf.classes.push({ ...at, ...classOf(whole) })
        break
      case 'O': {
        const [, name = '', value = ''] = /^\s*(\w+(?:\.[\w.]+)?)\s*=?\s*(.*)$/s.exec(rest) ?? []
        cf.options.push({ ...at, name, value: value.trim() })
        break
      }
      default:
        break
    }
  }
  return cf
}

/** Lines that begin with a blank continue the one before; `#` begins a remark at the start of a line. */
function joinedLines(text: string): readonly CfLine[] {
  const joined: CfLine[] = []
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/\r$/, '')
    if (line === '' || line.startsWith('#')) return
    const before = joined.at(-1)
    if (/^[ \t]/.test(line) && before !== undefined)
      joined[joined.length - 1] = {
        line: before.line,
        text: before.text + (before.text.startsWith('R') ? line : ` ${line.trim()}`),
      }
    else joined.push({ line: index + 1, text: line })
  })
  return joined
}

function mailerOf(rest: string): Pick<CfMailer, 'name' | 'fields'> {
  const [name = '', ...parts] = rest.split(/,\s*(?=[A-Za-z/]\w*\s*=)/)
  const fields = parts.map((part): readonly [string, string] => {
    const sign = part.indexOf('=')
    return [
      part.slice(0, 1),
      part
        .slice(sign + 1)
        .trim()
        .replace(/,$/, ''),
    ]
  })
  return { name: name.trim(), fields: new Map(fields) }
}

function mapOf(rest: string): Pick<CfMap, 'name' | 'type' | 'flags' | 'place'> {
  const [name = '', type = '', ...words] = rest.trim().split(/\s+/)
  const flags = words.filter((word) => word.startsWith('-'))
  return { name: name.toLowerCase(), type: type.toLowerCase(), flags, place: words[flags.length] ?? '' }
}

function classOf(whole: string): Pick<CfClass, 'name' | 'words' | 'path'> {
  const [, long, short, rest = ''] = /^.\s*(?:\{([^}]*)\}|(\S))\s*(.*)$/s.exec(whole) ?? []
  const name = long ?? short ?? ''
  return whole.startsWith('C')
    ? { name, words: rest.trim().split(/\s+/).filter(Boolean), path: null }
    : { name, words: [], path: /^(?:-o\s*)?(\/\S+)/.exec(rest)?.[1] ?? null }
}

/** The words of a class that stand in the file itself. */
export function wordsOf(cf: SendmailCf, name: string): readonly string[] {
  return cf.classes.filter((one) => one.name === name).flatMap(({ words }) => words)
}

/** The last value that counts. */
export function optionOf(cf: SendmailCf, name: string): CfOption | null {
  return cf.options.findLast((one) => one.name.toLowerCase() === name.toLowerCase()) ?? null
}
