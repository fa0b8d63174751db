// `$name` in the values of main.cf, as Postfix expands it (postconf(5)); pure. Conditions too: the defaults of
// relay_domains and smtpd_relay_restrictions hang on compatibility_level by them.

/** Expands all of `text`; a name that `lookUp` does not know is ''. A name that leads back to itself is ''. */
export function expand(
  text: string,
  lookUp: (name: string) => string | null,
  within: ReadonlySet<string> = new Set(),
): string {
  const named = (name: string): string => {
    if (within.has(name)) return ''
    const value = lookUp(name)
    return value === null ? '' : expand(value, lookUp, new Set([...within, name]))
  }
  const inner = (part: string): string => expand(part, lookUp, within)
  let result = ''
  for (let at = 0; at < text.length; ) {
    const sign = text.charAt(at)
    const next = text.charAt(at + 1)
    if (sign !== '$') {
      result += sign
      at += 1
    } else if (next === '$') {
      result += '$'
      at += 2
    } else if (next === '{' || next === '(') {
      const end = closing(text, at + 1)
      result += reference(text.slice(at + 2, end), named, inner)
      at = end + 1
    } else {
      const name = /^\w+/.exec(text.slice(at + 1))?.[0] ?? ''
      result += name === '' ? '$' : named(name)
      at += name.length + 1
    }
  }
  return result
}

/** The names that a value refers to, one step deep. */
export function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/\$[{(]?(\w+)/g)].map(([, name = '']) => name)
}

type Expander = (text: string) => string

// `name`, `name?then`, `name:otherwise`, `name?{then}:{otherwise}`, `{a} == {b} ? {then} : {otherwise}`.
function reference(body: string, named: Expander, inner: Expander): string {
  const text = body.trim()
  if (text.startsWith('{')) return comparison(text, inner)
  const name = /^\w*/.exec(text)?.[0] ?? ''
  const rest = text.slice(name.length).trim()
  if (rest === '') return named(name)
  return choose(rest, named(name) !== '', inner)
}

function comparison(text: string, inner: Expander): string {
  const leftEnd = closing(text, 0)
  const operator = /^\s*(==|!=|<=|<|>=|>)(level)?\s*/.exec(text.slice(leftEnd + 1))
  if (operator === null) return ''
  const rightStart = leftEnd + 1 + operator[0].length
  const rightEnd = closing(text, rightStart)
  const left = inner(text.slice(1, leftEnd)).trim()
  const right = inner(text.slice(rightStart + 1, rightEnd)).trim()
  const order = operator[2] === undefined ? compare(left, right) : compareLevels(left, right)
  return choose(text.slice(rightEnd + 1).trim(), holds(operator[1] ?? '==', order), inner)
}

function holds(operator: string, order: number): boolean {
  switch (operator) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    default:
      return order >= 0
  }
}

const compare = (a: string, b: string): number => {
  if (/^\d+$/.test(a) && /^\d+$/.test(b)) return Number(a) - Number(b)
  return a < b ? -1 : a > b ? 1 : 0
}

/** compatibility_level: `3.6` is more than `2`; what is no number counts as 0. */
function compareLevels(a: string, b: string): number {
  const parts = (level: string) => level.split('.').map((part) => Number.parseInt(part, 10) || 0)
  const [left, right] = [parts(a), parts(b)]
  for (const index of [0, 1, 2]) {
    const order = (left[index] ?? 0) - (right[index] ?? 0)
    if (order !== 0) return order
  }
  return 0
}

// What follows a name or a comparison: `?{then}:{otherwise}`, `?then`, `:otherwise`.
function choose(text: string, yes: boolean, inner: Expander): string {
  const question = text.startsWith('?')
  const rest = text.slice(1).trim()
  if (!question) return yes ? '' : inner(unbraced(rest))
  if (!rest.startsWith('{')) return yes ? inner(rest) : ''
  const end = closing(rest, 0)
  if (yes) return inner(rest.slice(1, end).trim())
  const otherwise = rest.slice(end + 1).trim()
  return otherwise.startsWith(':') ? inner(unbraced(otherwise.slice(1).trim())) : ''
}

const unbraced = (text: string): string =>
  text.startsWith('{') ? text.slice(1, closing(text, 0)).trim() : text

/** The place of the bracket that closes the one at `open`; the end of the text when there is none. */
function closing(text: string, open: number): number {
  const opener = text.charAt(open)
  const closer = opener === '(' ? ')' : '}'
  let depth = 0
  for (let at = open; at < text.length; at += 1) {
    if (text.charAt(at) === opener) depth += 1
    if (text.charAt(at) === closer) depth -= 1
    if (depth === 0) return at
  }
  return text.length
}
