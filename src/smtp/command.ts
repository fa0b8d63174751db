// What a client says: one line becomes one command (RFC 5321 §4.1.1, RFC 2033 §4.1, RFC 3030 §2). Pure.
// Law: nothing is guessed; a line that is no command says what is wrong with it, in words for the client.
import { type Parameter, parseParameters, readPath } from './command-path.ts'

export type Command =
  | { readonly verb: 'LHLO' | 'EHLO' | 'HELO'; readonly name: string }
  /** `address` is '' for `<>`; a source route is dropped (RFC 5321 §4.1.1.3). */
  | { readonly verb: 'MAIL' | 'RCPT'; readonly address: string; readonly parameters: readonly Parameter[] }
  | { readonly verb: 'BDAT'; readonly size: number; readonly last: boolean }
  | { readonly verb: 'DATA' | 'RSET' | 'QUIT' | 'NOOP' | 'HELP' }
  | { readonly verb: 'VRFY' | 'EXPN' | 'STARTTLS' | 'AUTH' }
  /** The verb is known, what follows it is not right; `words` say how it should look. */
  | { readonly verb: 'malformed'; readonly of: Verb; readonly words: string }
  | { readonly verb: 'unknown'; readonly word: string }

export type Verb = (typeof verbs)[number]

const verbs = [
  'LHLO',
  'EHLO',
  'HELO',
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'RSET',
  'NOOP',
  'QUIT',
  'VRFY',
  'EXPN',
  'HELP',
  'STARTTLS',
  'AUTH',
] as const

/** `line` comes without its CRLF. Verbs are read without case (RFC 5321 §2.4). */
export function parseCommand(line: string): Command {
  const space = line.indexOf(' ')
  const word = (space < 0 ? line : line.slice(0, space)).toUpperCase()
  const argument = space < 0 ? '' : line.slice(space + 1).trim()
  switch (word) {
    case 'MAIL':
      return parsePathCommand('MAIL', 'FROM:', argument)
    case 'RCPT':
      return parsePathCommand('RCPT', 'TO:', argument)
    case 'BDAT':
      return parseBdat(argument)
    case 'LHLO':
    case 'EHLO':
    case 'HELO':
      return argument === ''
        ? malformed(word, `${word} wants a name after it`)
        : { verb: word, name: argument }
    case 'DATA':
    case 'RSET':
    case 'QUIT':
      return argument === '' ? { verb: word } : malformed(word, `${word} takes nothing after it`)
    case 'VRFY':
    case 'EXPN':
      return argument === '' ? malformed(word, `${word} wants an address after it`) : { verb: word }
    case 'NOOP':
    case 'HELP':
    case 'STARTTLS':
    case 'AUTH':
      return { verb: word }
    default:
      return { verb: 'unknown', word: printable(word) }
  }
}

const malformed = (of: Verb, words: string): Command => ({ verb: 'malformed', of, words })

// QUIRK: Mailman takes an address without brackets, and many clients put a space after the colon.
function parsePathCommand(verb: 'MAIL' | 'RCPT', keyword: 'FROM:' | 'TO:', argument: string): Command {
  const shape = `say ${verb} ${keyword}<address>`
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return malformed(verb, shape)
  const path = readPath(argument.slice(keyword.length).trimStart())
  if (path === null) return malformed(verb, shape)
  const parameters = parseParameters(path.rest)
  if (parameters === null)
    return malformed(verb, `${shape} and then parameters, each KEYWORD or KEYWORD=VALUE`)
  return { verb, address: path.address, parameters }
}

// RFC 3030 §2: `BDAT size [LAST]`. Fifteen digits stay exact in a number.
function parseBdat(argument: string): Command {
  const parts = /^(\d{1,15})(?: +(LAST))?$/i.exec(argument)
  if (parts === null) return malformed('BDAT', 'say BDAT size, or BDAT size LAST')
  return { verb: 'BDAT', size: Number(parts[1]), last: parts[2] !== undefined }
}

/** What a client sent goes back to it, and to the log, only in a short and harmless form. */
function printable(word: string): string {
  const short = word.slice(0, 20).replace(/[^!-~]/g, '?')
  return word.length > 20 ? `${short}...` : short
}
