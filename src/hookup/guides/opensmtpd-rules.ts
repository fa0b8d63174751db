// Which rule of smtpd.conf takes an envelope: the first that matches decides, and without one the envelope is refused
// (smtpd.conf(5), match). Pure. Law: what cannot be known here (a name looked up in DNS, a table of another backend) is
// null, and never taken for a yes.
import type { Statement } from './opensmtpd-configuration.ts'
import { fitsAny } from './opensmtpd-expressions.ts'
import type { Table } from './opensmtpd-tables.ts'

export interface Rule {
  readonly statement: Statement
  /** Null: reject. */
  readonly action: string | null
  readonly conditions: readonly Condition[]
}

export interface Condition {
  readonly not: boolean
  /** `from local`, `for domain`, `rcpt-to`, `mail-from`, `auth`, `tls`, `tag`, `helo` … */
  readonly about: string
  readonly isRegex: boolean
  /** A word, or the name of a table; null where there is none (`for any`). */
  readonly value: { readonly table: string } | { readonly word: string } | null
}

export interface Probe {
  /** The client's address; `local` for this machine. */
  readonly client: string
  /** '' for the null sender. */
  readonly sender: string
  readonly recipient: string
}

const takesValue = ['domain', 'rcpt-to', 'mail-from', 'src', 'rdns', 'auth', 'helo', 'tag']

/** The match rules in order. */
export function rulesOf(statements: readonly Statement[]): readonly Rule[] {
  return statements.filter(({ words }) => words[0] === 'match').map(ruleOf)
}

export function ruleOf(statement: Statement): Rule {
  const { words } = statement
  const conditions: Condition[] = []
  let action: string | null = null
  let at = 1
  const optionalValue = (keyword: string): Pick<Condition, 'isRegex' | 'value'> => {
    if (!takesValue.includes(keyword)) return { isRegex: false, value: null }
    let isRegex = false
    if (words[at] === 'regex') {
      isRegex = true
      at += 1
    }
    if (words[at] === '<') {
      const table = words[at + 1] ?? ''
      at += 3
      return { isRegex, value: { table } }
    }
    const word = words[at]
    // `auth` and `rdns` may stand alone.
    if (word === undefined || (['auth', 'rdns'].includes(keyword) && isKeyword(word)))
      return { isRegex, value: null }
    at += 1
    return { isRegex, value: { word } }
  }
  while (at < words.length) {
    const not = words[at] === '!'
    if (not) at += 1
    const word = words[at] ?? ''
    at += 1
    if (word === 'action') {
      action = words[at] ?? null
      at += 1
    } else if (word === 'from' || word === 'for') {
      const keyword = words[at] ?? ''
      at += 1
      conditions.push({ not, about: `${word} ${keyword}`, ...optionalValue(keyword) })
    } else if (word !== 'reject') conditions.push({ not, about: word, ...optionalValue(word) })
  }
  // Both may be left out, and are local then.
  for (const side of ['from', 'for'])
    if (!conditions.some(({ about }) => about.startsWith(`${side} `)))
      conditions.push({ not: false, about: `${side} local`, isRegex: false, value: null })
  return { statement, action, conditions }
}

const isKeyword = (word: string): boolean =>
  ['!', 'from', 'for', 'action', 'reject', 'tls', 'helo', 'tag', 'mail-from', 'rcpt-to', 'auth'].includes(
    word,
  )

/** The first rule that takes the probe; `doubtful` are those before it that could not be judged. */
export function decide(
  rules: readonly Rule[],
  tables: ReadonlyMap<string, Table>,
  localNames: readonly string[],
  probe: Probe,
): { readonly rule: Rule | null; readonly sure: boolean; readonly doubtful: readonly Rule[] } {
  const doubtful: Rule[] = []
  for (const rule of rules) {
    const fits = matches(rule, tables, localNames, probe)
    if (fits === true) return { rule, sure: doubtful.length === 0, doubtful }
    if (fits === null) doubtful.push(rule)
  }
  return { rule: null, sure: doubtful.length === 0, doubtful }
}

/** Conditions about who sends, and how: what is left of a rule for lists says where the mail goes. */
export const isAboutSender = ({ about, not }: Condition): boolean =>
  (!['from any', 'from local'].includes(about) || not) && !about.startsWith('for ') && about !== 'rcpt-to'

/** The rule without some of its conditions. */
export const without = (rule: Rule, leftOut: (condition: Condition) => boolean): Rule => ({
  ...rule,
  conditions: rule.conditions.filter((condition) => !leftOut(condition)),
})

/** Null: cannot be known. */
export function matches(
  rule: Rule,
  tables: ReadonlyMap<string, Table>,
  localNames: readonly string[],
  probe: Probe,
): boolean | null {
  const answers = rule.conditions.map((condition) => {
    const holds = conditionHolds(condition, tables, localNames, probe)
    return holds === null ? null : holds !== condition.not
  })
  if (answers.includes(false)) return false
  return answers.includes(null) ? null : true
}

/** Null: cannot be known. */
export function conditionHolds(
  { about, isRegex, value }: Condition,
  tables: ReadonlyMap<string, Table>,
  localNames: readonly string[],
  { client, sender, recipient }: Probe,
): boolean | null {
  const inValue = (key: string, alike: (entry: string, key: string) => boolean): boolean | null => {
    if (value === null) return null
    const entries = 'word' in value ? [value.word] : (tables.get(value.table)?.entries ?? null)
    if (isRegex) return entries === null ? null : fitsAny(entries, key)
    return entries?.some((entry) => alike(entry, key)) ?? null
  }
  const domain = recipient.slice(recipient.lastIndexOf('@') + 1)
  switch (about) {
    case 'from any':
    case 'for any':
      return true
    case 'from local':
      return client === 'local'
    case 'for local':
      return ['localhost', ...localNames].includes(domain)
    case 'for domain':
      return inValue(domain, sameDomain)
    case 'for rcpt-to':
    case 'rcpt-to':
      return inValue(recipient, sameAddress)
    case 'from mail-from':
    case 'mail-from':
      return inValue(sender, sameAddress)
    case 'from src':
    case 'src':
      return inValue(client === 'local' ? '127.0.0.1' : client, sameNetwork)
    case 'from socket':
    case 'from auth':
    case 'auth':
    case 'tls':
      return false // the probes come by plain SMTP, and do not log in
    default:
      return null // also a tag: which listener gave it is not known here
  }
}

/** `*.example.org` in a table stands for all below. */
function sameDomain(entry: string, domain: string): boolean {
  const wanted = entry.toLowerCase()
  return wanted.includes('*') ? fitsGlob(wanted, domain) : wanted === domain
}

/** An entry may be an address, `@domain`, or a local part alone. */
function sameAddress(entry: string, address: string): boolean {
  const [wanted, key] = [entry.toLowerCase(), address.toLowerCase()]
  if (wanted.startsWith('@')) return key.endsWith(wanted)
  return wanted.includes('*') ? fitsGlob(wanted, key) : wanted === key
}

const fitsGlob = (glob: string, text: string): boolean =>
  new RegExp(
    `^${glob
      .replace(/[.+^$()|[\]{}\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(text)

/** An address, or an IPv4 network `192.0.2.0/24`. */
function sameNetwork(entry: string, client: string): boolean {
  const [network = '', bits] = entry.replace(/^\[|\]$/g, '').split('/')
  if (bits === undefined) return network === client
  const [a, b] = [numberOf(network), numberOf(client)]
  if (a === null || b === null) return false
  const size = 2 ** (32 - Number(bits))
  return Math.floor(a / size) === Math.floor(b / size)
}

function numberOf(address: string): number | null {
  const parts = address.split('.').map(Number)
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part))) return null
  return parts.reduce((sum, part) => sum * 256 + part, 0)
}
