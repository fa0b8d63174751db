// Addresses and rules of sendmail.cf as Sendmail parts them into tokens (its doc/op, "Rewriting rules"). Pure. Law: what an
// operator character parts stays parted; quoted text is one token.
export type Token = string

const alwaysApart = '()<>,;'

/** An address, or plain text of a rule. `operators` is the option OperatorChars. */
export function tokensOf(text: string, operators: string): readonly Token[] {
  const apart = new Set([...operators, ...alwaysApart])
  const tokens: Token[] = []
  let word = ''
  const end = (): void => {
    if (word !== '') tokens.push(word)
    word = ''
  }
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? ''
    if (character === '"') {
      const close = text.indexOf('"', at + 1)
      const stop = close < 0 ? text.length - 1 : close
      end()
      tokens.push(text.slice(at, stop + 1))
      at = stop
    } else if (/\s/.test(character)) end()
    else if (apart.has(character)) {
      end()
      tokens.push(character)
    } else word += character
  }
  end()
  return tokens
}

/** One piece of a rule's side: text, or something that begins with $. */
export type Piece =
  | { readonly kind: 'text'; readonly token: Token }
  /** `$*`, `$+`, `$-`, `$@`, `$#`, `$:`, `$|`, `$[`, `$]`, `$(`, `$)`. */
  | { readonly kind: 'sign'; readonly sign: string }
  /** The name of a `call` may be what was matched: `$1`. */
  | { readonly kind: 'in-class' | 'not-in-class' | 'macro' | 'call'; readonly name: string }
  | { readonly kind: 'matched'; readonly number: number }

const sign =
  /^\$(?:([*+\-@#:|[\]()])|(=|~)(?:\{(\w+)\}|(\S))|>\s*"?([\w-]+|\$\d)"?|&(?:\{(\w+)\}|(\w))|(\d)|\{(\w+)\}|([A-Za-z]))/

/** `macros` are those whose value is put in when the file is read, as `$j`. */
export function piecesOf(
  side: string,
  operators: string,
  macros: ReadonlyMap<string, string>,
): readonly Piece[] {
  const pieces: Piece[] = []
  let plain = ''
  const end = (): void => {
    for (const token of tokensOf(plain, operators)) pieces.push({ kind: 'text', token })
    plain = ''
  }
  let inQuotes = false
  for (let at = 0; at < side.length; ) {
    if (side[at] === '"') inQuotes = !inQuotes
    const found = inQuotes ? null : sign.exec(side.slice(at))
    if (found === null) {
      plain += side[at]
      at += 1
      continue
    }
    end()
    at += found[0].length
    const [, mark, set, longClass, shortClass, call, longMacro, shortMacro, digit, early, earlyShort] = found
    if (mark !== undefined) pieces.push({ kind: 'sign', sign: `$${mark}` })
    else if (set !== undefined)
      pieces.push({ kind: set === '=' ? 'in-class' : 'not-in-class', name: longClass ?? shortClass ?? '' })
    else if (call !== undefined) pieces.push({ kind: 'call', name: call })
    else if (longMacro !== undefined || shortMacro !== undefined)
      pieces.push({ kind: 'macro', name: longMacro ?? shortMacro ?? '' })
    else if (digit !== undefined) pieces.push({ kind: 'matched', number: Number(digit) })
    else
      for (const token of tokensOf(macros.get(early ?? earlyShort ?? '') ?? '', operators))
        pieces.push({ kind: 'text', token })
  }
  end()
  return pieces
}
