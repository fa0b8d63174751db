// Tables of regular expressions, as OpenSMTPD looks into them: POSIX's extended ones, without case (table(5)). Ten thousand
// lists are asked about thousands of times, so an expression that begins with fixed letters is not tried where they differ.
// Pure.

interface Expression {
  /** What each match begins with, in small letters; '' for anything. */
  readonly begin: string
  readonly pattern: RegExp
}

const compiledOnce = new WeakMap<readonly string[], readonly Expression[]>()

/** Whether one of the expressions matches. One that is none matches nothing. */
export function fitsAny(expressions: readonly string[], key: string): boolean {
  const small = key.toLowerCase()
  return compiled(expressions).some(({ begin, pattern }) => small.startsWith(begin) && pattern.test(key))
}

function compiled(expressions: readonly string[]): readonly Expression[] {
  const known = compiledOnce.get(expressions)
  if (known !== undefined) return known
  const made = expressions.flatMap((text): readonly Expression[] => {
    try {
      return [{ begin: fixedBegin(text), pattern: new RegExp(text, 'i') }]
    } catch {
      return []
    }
  })
  compiledOnce.set(expressions, made)
  return made
}

/** The letters that every match of the expression begins with, as far as it says so plainly. */
export function fixedBegin(expression: string): string {
  // A choice may begin with something else.
  if (!expression.startsWith('^') || expression.replace(/\([^()]*\)/g, '').includes('|')) return ''
  let begin = ''
  for (let at = 1; at < expression.length; ) {
    const [, escaped, plain] =
      /^(?:\\([^\w\s])|([\w@=%&/-]))(?![*?+{])/.exec(expression.slice(at, at + 3)) ?? []
    if (escaped === undefined && plain === undefined) break
    begin += escaped ?? plain
    at += escaped === undefined ? 1 : 2
  }
  return begin.toLowerCase()
}
