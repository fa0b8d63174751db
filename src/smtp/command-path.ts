// The path of MAIL and RCPT, and the parameters after it (RFC 5321 §4.1.2). Pure. Says where an address ends,
// not whether it is one: that is for `mail/address.ts`.

export interface Parameter {
  /** In capitals. */
  readonly keyword: string
  readonly value: string | null
}

/** The path at the start of the text, without brackets and source route, and what follows it. null: no path. */
export function readPath(text: string): { readonly address: string; readonly rest: string } | null {
  if (!text.startsWith('<')) {
    const end = endOf(text, ' ', 0)
    const address = end < 0 ? text : text.slice(0, end)
    return address === '' || /[<>]/.test(address) ? null : { address, rest: end < 0 ? '' : text.slice(end) }
  }
  const end = endOf(text, '>', 1)
  if (end < 0) return null
  const rest = text.slice(end + 1)
  if (rest !== '' && !rest.startsWith(' ')) return null
  return { address: withoutRoute(text.slice(1, end)), rest }
}

/** null where one of them has not the form `KEYWORD` or `KEYWORD=VALUE`. */
export function parseParameters(rest: string): readonly Parameter[] | null {
  const parameters: Parameter[] = []
  for (const word of rest.split(' ')) {
    if (word === '') continue
    const parts = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\p{Cc}]+))?$/u.exec(word)
    if (parts === null) return null
    parameters.push({ keyword: (parts[1] ?? '').toUpperCase(), value: parts[2] ?? null })
  }
  return parameters
}

/** Where the mark stands outside quotes, or -1. */
function endOf(text: string, mark: string, from: number): number {
  if (!text.includes('"')) return text.indexOf(mark, from)
  let quoted = false
  for (let i = from; i < text.length; i++) {
    const c = text[i]
    if (quoted && c === '\\') i++
    else if (c === '"') quoted = !quoted
    else if (c === mark && !quoted) return i
  }
  return -1
}

/** RFC 5321 §4.1.1.3: `@one,@two:ann@example.org` is `ann@example.org`. */
function withoutRoute(path: string): string {
  return path.startsWith('@') ? path.replace(/^@[^":]*:/, '') : path
}
