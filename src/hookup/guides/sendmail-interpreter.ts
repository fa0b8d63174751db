// Follows the rules of sendmail.cf as Sendmail does (its doc/op, "Rewriting rules"), for a doctor who cannot ask it: the
// program is in a container, or on a disk that was brought here. Pure. Law: the answers have the form of sendmail -bt, and
// what only the network knows is taken for good: names are canonical, hosts resolve.
import { parseCf, type SendmailCf } from './sendmail-cf.ts'
import { type Piece, piecesOf, type Token, tokensOf } from './sendmail-tokens.ts'

/** A look-up: the value, null for "not found", `later` for a fault, `no map` for a name that is not defined. */
export type LookUp = (map: string, key: string) => { readonly value: string } | null | 'later' | 'no map'

interface Rule {
  readonly left: readonly Piece[]
  readonly right: readonly Piece[]
}

export interface Interpreter {
  /** The lines that sendmail -bt prints for a question. */
  answer(question: string): readonly string[]
}

const deepest = 60
const mostRewrites = 100

/** `classes` holds the words of `F` lines too. */
export function interpreter(
  text: string,
  classes: (name: string) => ReadonlySet<string>,
  lookUp: LookUp,
): Interpreter {
  const cf = parseCf('', text)
  const operators = cf.options.findLast(({ name }) => name === 'OperatorChars')?.value ?? '.:%@!^/[]+'
  const early = new Map(
    [...text.matchAll(/^D(?:\{(\w+)\}|(\w))(.*)$/gm)].map(([, long, short, value = '']) => [
      long ?? short ?? '',
      value,
    ]),
  )
  early.set('j', early.get('j')?.replace(/\$\w/g, 'localhost') ?? 'localhost')
  const macros = new Map<string, string>(early)
  const rulesets = rulesetsOf(cf, operators, early)
  let lines: string[] = []
  let isLater = false

  const run = (name: string, workspace: readonly Token[], depth: number): readonly Token[] => {
    const rules = rulesets.get(name.toLowerCase()) ?? []
    if (rules.length === 0) return workspace
    const shown = name.slice(0, 16).padEnd(16)
    lines.push(`${shown}   input: ${workspace.join(' ')}`)
    let current = workspace
    for (const rule of rules) {
      let isOver = false
      for (let times = 0; times < mostRewrites; times += 1) {
        const matched = match(rule.left, current, classes, macros, operators)
        if (matched === null) break
        const [first, ...rest] = rule.right
        const mark = first?.kind === 'sign' ? first.sign : ''
        const isMarked = mark === '$@' || mark === '$:'
        current = build(isMarked ? rest : rule.right, matched, depth)
        // A mailer that was chosen, here or in a ruleset that was called, is the last word.
        isOver = mark === '$@' || current[0] === '$#'
        if (isOver || mark === '$:') break
      }
      if (isOver) break
    }
    lines.push(`${shown} returns: ${current.join(' ')}`)
    return current
  }

  /** The right side with what was matched, look-ups done, and the ruleset called that stands last in it. */
  const build = (
    right: readonly Piece[],
    matched: readonly (readonly Token[])[],
    depth: number,
  ): readonly Token[] => {
    const call = right.findIndex(({ kind }) => kind === 'call')
    const head = call < 0 ? right : right.slice(0, call)
    const flat = withLookUps(
      head.flatMap((piece): readonly Token[] => {
        switch (piece.kind) {
          case 'text':
            return [piece.token]
          case 'sign':
            return [piece.sign]
          case 'matched':
            return matched[piece.number - 1] ?? []
          case 'macro':
            return tokensOf(macros.get(piece.name) ?? '', operators)
          default:
            return []
        }
      }),
    )
    const called = right[call]
    if (called === undefined || called.kind !== 'call' || depth > deepest) return flat
    const name = called.name.startsWith('$')
      ? (matched[Number(called.name.slice(1)) - 1] ?? []).join('')
      : called.name
    return [...flat, ...run(name, build(right.slice(call + 1), matched, depth), depth + 1)]
  }

  const withLookUps = (tokens: readonly Token[]): readonly Token[] => {
    const result: Token[] = []
    for (let at = 0; at < tokens.length; at += 1) {
      const token = tokens[at] ?? ''
      const close = token === '$(' ? '$)' : token === '$[' ? '$]' : null
      if (close === null) {
        result.push(token)
        continue
      }
      const end = tokens.indexOf(close, at)
      const inside = tokens.slice(at + 1, end < 0 ? tokens.length : end)
      result.push(...(close === '$]' ? canonical(inside) : lookedUp(inside)))
      at = end < 0 ? tokens.length : end
    }
    return result
  }

  /** `$[ name $]`: as if the DNS knew it. */
  const canonical = (inside: readonly Token[]): readonly Token[] => {
    const name = inside.slice(0, endOf(inside, '$:'))
    return name.at(-1) === '.' || name[0] === '[' ? name : [...name, '.']
  }

  const lookedUp = ([name = '', ...inside]: readonly Token[]): readonly Token[] => {
    const given = inside.slice(0, endOf(inside, '$:'))
    const parts = splitAt(given, '$@')
    const [key = [], ...others] = parts
    const fallback = inside.includes('$:') ? inside.slice(inside.indexOf('$:') + 1) : null
    const map = cf.maps.findLast((one) => one.name === name.toLowerCase())
    switch (map?.type) {
      case 'macro':
        macros.set(key.join('').replace(/^\{|\}$/g, ''), others.map((tokens) => tokens.join('')).join(' '))
        return []
      case 'arith':
        return tokensOf(
          arithmetic(
            key.join(''),
            others.map((tokens) => Number(tokens.join(''))),
          ),
          operators,
        )
      case 'dequote':
        return tokensOf(key.join('').replaceAll('"', ''), operators)
      case 'host':
        return [...key, ...tokensOf(flagOf(map.flags, 'a'), operators)]
      default:
        break
    }
    const found = lookUp(name.toLowerCase(), key.join(''))
    if (found === 'no map') lines.push(`rewrite: map ${name} not found`)
    if (found === 'later') {
      const mark = flagOf(map?.flags ?? [], 'T')
      isLater = true
      if (mark !== '') return [...key, ...tokensOf(mark, operators)]
    } else if (found !== null && found !== 'no map') return tokensOf(found.value, operators)
    return fallback ?? key
  }

  const answer = (question: string): readonly string[] => {
    lines = []
    isLater = false
    const [, name, value = ''] = /^\.D(?:\{(\w+)\}|(?=\w))(.*)$/.exec(question) ?? []
    if (question.startsWith('.D')) {
      macros.set(name ?? value.slice(0, 1), name === undefined ? value.slice(1) : value)
      return []
    }
    if (question.startsWith('$=')) return [...classes(question.replace(/^\$=\{?|\}$/g, ''))]
    if (question.startsWith('/map ')) return [mapAnswer(question)]
    if (question.startsWith('/try ')) return tried(question)
    if (question.startsWith('/')) return []
    const [names = '', ...words] = question.split(' ')
    let tokens = tokensOf(words.join(' ').replaceAll('$|', ' $| '), operators)
    const order = names.split(',')
    for (const each of order) {
      if (!rulesets.has(each.toLowerCase())) return [`Undefined ruleset ${each}`]
      tokens = run(shownName(each), tokens, 0)
    }
    if (isLater) lines.push(`== Ruleset ${order.at(-1)} (0) status 75`)
    return lines
  }

  const shownName = (name: string): string => ({ '0': 'parse', '3': 'canonify' })[name] ?? name

  const mapAnswer = (question: string): string => {
    const [, map = '', key = ''] = /^\/map (\S+) (.*)$/.exec(question) ?? []
    const found = lookUp(map.toLowerCase(), key)
    if (found === 'no map') return `Map named "${map}" not found`
    if (found === 'later') return `map_lookup: ${map} (${key}) no match (75)`
    return found === null
      ? `map_lookup: ${map} (${key}) no match (68)`
      : `map_lookup: ${map} (${key}) returns ${found.value} (0)`
  }

  /** The recipient as a mailer would send it. */
  const tried = (question: string): readonly string[] => {
    const [, name = '', address = ''] = /^\/try (\S+) (.*)$/.exec(question) ?? []
    const ruleset =
      cf.mailers
        .find((mailer) => mailer.name === name)
        ?.fields.get('R')
        ?.split('/')[0] ?? '0'
    const begun = run('canonify', tokensOf(address, operators), 0)
    const rewritten = rulesets.has(ruleset.toLowerCase()) && ruleset !== '0' ? run(ruleset, begun, 0) : begun
    const done = run('final', rewritten, 0)
    return [
      `Trying envelope recipient address ${address} for mailer ${name}`,
      `Rcode = 0, addr = ${done.join('')}`,
    ]
  }

  return { answer }
}

function rulesetsOf(
  cf: SendmailCf,
  operators: string,
  macros: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly Rule[]> {
  const named = new Map<string, Rule[]>()
  for (const { text } of cf.rulesets) {
    const [, name = '', number] = /^S\s*([^\s=]+)(?:\s*=\s*(\d+))?/.exec(text) ?? []
    const rules = named.get(name.toLowerCase()) ?? []
    for (const each of [name, number]) if (each !== undefined) named.set(each.toLowerCase(), rules)
  }
  for (const { text, ruleset, hasTab } of cf.rules) {
    const [left = '', right = ''] = text.slice(1).split(/\t+/)
    if (hasTab)
      named
        .get(ruleset.toLowerCase())
        ?.push({ left: piecesOf(left, operators, macros), right: piecesOf(right, operators, macros) })
  }
  return named
}

/** What each sign of the left side stands for; null when it does not match. The shortest fit comes first. */
function match(
  pattern: readonly Piece[],
  workspace: readonly Token[],
  classes: (name: string) => ReadonlySet<string>,
  macros: ReadonlyMap<string, string>,
  operators: string,
): readonly (readonly Token[])[] | null {
  const expanded = pattern.flatMap((piece): readonly Piece[] =>
    piece.kind === 'macro'
      ? tokensOf(macros.get(piece.name) ?? '', operators).map((token) => ({ kind: 'text', token }))
      : [piece],
  )
  const from = (p: number, w: number): readonly (readonly Token[])[] | null => {
    const piece = expanded[p]
    if (piece === undefined) return w === workspace.length ? [] : null
    const lengths = (
      least: number,
      most: number,
      fits: (tokens: readonly Token[]) => boolean,
    ): readonly (readonly Token[])[] | null => {
      for (let length = least; length <= most && w + length <= workspace.length; length += 1) {
        const taken = workspace.slice(w, w + length)
        if (!fits(taken)) continue
        const rest = from(p + 1, w + length)
        if (rest !== null) return [taken, ...rest]
      }
      return null
    }
    const left = workspace.length - w
    if (piece.kind === 'text') {
      const rest = workspace[w]?.toLowerCase() === piece.token.toLowerCase() ? from(p + 1, w + 1) : null
      return rest
    }
    if (piece.kind === 'in-class')
      return lengths(1, left, (tokens) => classes(piece.name).has(tokens.join('').toLowerCase()))
    if (piece.kind === 'not-in-class')
      return lengths(1, 1, (tokens) => !classes(piece.name).has(tokens.join('').toLowerCase()))
    if (piece.kind !== 'sign') return null
    switch (piece.sign) {
      case '$*':
        return lengths(0, left, () => true)
      case '$+':
        return lengths(1, left, () => true)
      case '$-':
        return lengths(1, 1, () => true)
      case '$@':
        return left === 0 ? from(p + 1, w) : null
      default:
        return workspace[w] === piece.sign ? from(p + 1, w + 1) : null
    }
  }
  return from(0, 0)
}

const endOf = (tokens: readonly Token[], token: Token): number =>
  tokens.includes(token) ? tokens.indexOf(token) : tokens.length

function splitAt(tokens: readonly Token[], mark: Token): readonly (readonly Token[])[] {
  const parts: Token[][] = [[]]
  for (const token of tokens) {
    if (token === mark) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

function arithmetic(operation: string, [a = 0, b = 0]: readonly number[]): string {
  const is = (truth: boolean): string => (truth ? 'TRUE' : 'FALSE')
  switch (operation) {
    case '+':
      return String(a + b)
    case '-':
      return String(a - b)
    case '*':
      return String(a * b)
    case 'l':
    case '<':
      return is(a < b)
    case '=':
      return is(a === b)
    default:
      return '0'
  }
}

const flagOf = (flags: readonly string[], letter: string): string =>
  flags.find((flag) => flag.startsWith(`-${letter}`))?.slice(2) ?? ''
