// Reads a TypeScript file far enough to know what it imports and what of it is code: for the house's own checks,
// which need no types. Comments, strings and regular expressions are told from code, nothing more.

export interface Import {
  readonly specifier: string
  /** Counted from 1. */
  readonly line: number
  /** Erased before the program runs: `import type …`, `export type … from`. */
  readonly typeOnly: boolean
}

const importForms = [
  /\b(?:import|export)\s+(type\s)?(?:[\w$*{}\s,]*?)\bfrom\s*(['"])/g,
  /\bimport\s*()(['"])/g,
  /\bimport\s*()\(\s*(['"])/g, // what is computed at run time (a site's own module) cannot be judged here
]

/** Static, type and dynamic imports, and re-exports, in the order of the file. */
export function importsOf(source: string): Import[] {
  const code = codeOf(source)
  const found: Import[] = []
  for (const form of importForms) {
    for (const match of code.matchAll(form)) {
      const start = match.index + match[0].length
      const end = code.indexOf(match[2] ?? "'", start)
      found.push({
        specifier: source.slice(start, end),
        line: lineAt(source, match.index),
        typeOnly: match[1] !== undefined && match[1] !== '',
      })
    }
  }
  return found.sort((a, b) => a.line - b.line)
}

export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length
}

// A slash after one of these starts a regular expression; after anything else it divides.
const beforeRegExp =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|throw|yield|await))$/

/**
 * The source in the same length and the same lines, with comments and the insides of strings and regular expressions
 * blanked. Quotes stay; what stands in `${…}` is code.
 */
export function codeOf(source: string): string {
  let code = ''
  let at = 0
  const open: string[] = [] // '`' in a template, '{' in a block or object, '${' in the code of a template
  const blankTo = (end: number): void => {
    code += source.slice(at, end).replace(/[^\n]/g, ' ')
    at = end
  }
  while (at < source.length) {
    const rest = source.slice(at, at + 2)
    const char = source.charAt(at)
    if (open.at(-1) === '`') {
      if (rest === '${') {
        open.push(rest)
        code += rest
        at += 2
      } else if (char === '`') {
        open.pop()
        code += char
        at++
      } else blankTo(at + (char === '\\' ? 2 : 1))
    } else if (rest === '//') blankTo(endOf(source, '\n', at))
    else if (rest === '/*') blankTo(endOf(source, '*/', at) + 2)
    else if (char === "'" || char === '"') {
      code += char
      at++
      blankTo(endOfString(source, at, char))
      code += char
      at++
    } else if (char === '/' && beforeRegExp.test(code.trimEnd().slice(-10))) blankTo(endOfRegExp(source, at))
    else {
      if (char === '`' || char === '{') open.push(char)
      if (char === '}') open.pop()
      code += char
      at++
    }
  }
  return code
}

function endOf(source: string, what: string, from: number): number {
  const end = source.indexOf(what, from)
  return end < 0 ? source.length : end
}

function endOfString(source: string, from: number, quote: string): number {
  let at = from
  while (at < source.length && source[at] !== quote) at += source[at] === '\\' ? 2 : 1
  return at
}

function endOfRegExp(source: string, from: number): number {
  let inClass = false
  for (let at = from + 1; at < source.length; at++) {
    const char = source[at]
    if (char === '\\') at++
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) return at + 1
  }
  return source.length
}
