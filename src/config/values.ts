// The kinds of values that a configuration can hold. Each has one parser from the text of the file to its
// type; what lies further in trusts the type. Durations are milliseconds, sizes are bytes.
import { resolve } from 'node:path'
import type { Brand } from '../base/brand.ts'
import { DAY, HOUR, type Instant, instant, MINUTE, SECOND } from '../base/clock.ts'
import { quote } from './mistake.ts'

export type Milliseconds = Brand<number, 'Milliseconds'>
export type Bytes = Brand<number, 'Bytes'>
/** A Python regular expression as it was written; translated where it is used. */
export type PatternText = Brand<string, 'PatternText'>

export type Parsed<T> = { readonly value: T } | { readonly wrong: string }

/** Where a text was written: what relative paths start from, and whether code and further files may be named. */
export interface Origin {
  readonly directory: string
  /** Null, or why this file may name neither code nor further configuration. */
  readonly distrust: string | null
}

export interface ValueType<T> {
  /** For the reference page. */
  readonly name: string
  /** What is accepted, for a mistake's last words. */
  readonly accepted: string
  parse(text: string, origin: Origin): Parsed<T>
}

const value = <T>(value: T): Parsed<T> => ({ value })

/** A type whose parser answers undefined for a text that is none. */
export function typeOf<T>(
  name: string,
  accepted: string,
  noun: string,
  parse: (text: string) => T | undefined,
): ValueType<T> {
  return {
    name,
    accepted,
    parse: (text) => {
      const found = parse(text.trim())
      if (found !== undefined) return value(found)
      return { wrong: text.trim() === '' ? `no ${noun} is given` : `${quote(text)} is not ${aOr(noun)}` }
    },
  }
}

const aOr = (noun: string): string => (/^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`)

const truths = new Map([
  ...['yes', 'true', 'on', '1', 'enable', 'enabled'].map((word) => [word, true] as const),
  ...['no', 'false', 'off', '0', 'disable', 'disabled'].map((word) => [word, false] as const),
])

export const boolean = typeOf('yes or no', 'yes, no, true, false, on, off, 1, 0', 'truth value', (text) =>
  truths.get(text.toLowerCase()),
)

export const text: ValueType<string> = { name: 'text', accepted: 'any text', parse: value }

/** The text of a program with its arguments: what names code is taken from files alone that nobody else can write. */
export const program: ValueType<string> = {
  name: 'program',
  accepted: 'a program and its arguments, between blanks',
  parse: (text, { distrust }) =>
    distrust === null || text.trim() === ''
      ? value(text.trim())
      : { wrong: `${quote(text)} names a program, but ${distrust}` },
}

/** A program and its arguments as a vector that no shell sees: words between blanks, quotes around those that hold some. */
export const command: ValueType<readonly string[]> = {
  name: 'command, or empty',
  accepted: 'a program and its arguments, between blanks, or nothing',
  parse: (text, origin) => {
    const words = text.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? []
    const rest = text.replace(/"[^"]*"|'[^']*'|[^\s"']+/g, '')
    if (rest.trim() !== '') return { wrong: `${quote(text)} has a quote that does not end` }
    const trusted = program.parse(text, origin)
    if ('wrong' in trusted) return trusted
    return value(Object.freeze(words.map((word) => word.replace(/^(["'])(.*)\1$/s, '$2'))))
  },
}

/** A path that starts from the directory of the file that says it. */
export const filePath: ValueType<string> = {
  name: 'path',
  accepted: 'the path of a file',
  parse: (text, { directory }) =>
    text.trim() === '' ? { wrong: 'no path is given' } : value(resolve(directory, text.trim())),
}

/** Never shown in a mistake, a log or a listing. */
export const secret: ValueType<string | null> = {
  name: 'secret',
  accepted: 'any text',
  parse: (text) => value(text === '' ? null : text),
}

/** Whole numbers of either bound, inclusive. */
export function integer(least: number, most: number): ValueType<number> {
  return typeOf('whole number', `${least} to ${most}`, 'whole number in range', (text) => {
    const number = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    return number >= least && number <= most ? number : undefined
  })
}

/** A TCP port; 0 lets the kernel choose (listeners) or takes the protocol's own (clients). */
export const port = typeOf('port', '0 to 65535', 'port', (text) =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined,
)

const units: Readonly<Record<string, number>> = { w: 7 * DAY, d: DAY, h: HOUR, m: MINUTE, s: SECOND }

/** Sums of weeks, days, hours, minutes and seconds in this order, each at most once; a bare 0 is none. */
export const duration = typeOf('duration', 'sums such as 90s, 1h30m, 5d, 2w', 'duration', (text) => {
  if (text === '0') return 0 as Milliseconds
  const parts = /^(?:[\d.]+w)?(?:[\d.]+d)?(?:[\d.]+h)?(?:[\d.]+m)?(?:[\d.]+s)?$/.test(text)
    ? [...text.matchAll(/([\d.]+)([wdhms])/g)]
    : []
  let sum = 0
  for (const [, count = '', unit = ''] of parts) sum += Number(count) * (units[unit] ?? Number.NaN)
  return parts.length > 0 && Number.isFinite(sum) ? (Math.round(sum) as Milliseconds) : undefined
})

const sizes: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
}

export const byteSize = typeOf(
  'size',
  'bytes such as 33554432, or 32 MiB, 500 KiB, 1 GiB',
  'size',
  (text) => {
    const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? []
    const size = Math.round(Number(count) * (sizes[unit.toLowerCase()] ?? Number.NaN))
    return count !== '' && Number.isSafeInteger(size) ? (size as Bytes) : undefined
  },
)

/** One of the words, in any letter case. */
export function oneOf<const W extends string>(...words: readonly W[]): ValueType<W> {
  return typeOf(`one of ${words.join(', ')}`, words.join(', '), 'known word', (text) =>
    words.find((word) => word.toLowerCase() === text.toLowerCase()),
  )
}

// The operator's own addresses are plain ones: a part of what RFC 5321 §4.1.2 allows, no quotes, no UTF-8.
const plainAddress = /^([\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*)@([\w-]+(?:\.[\w-]+)*)$/

export const emailAddress = typeOf(
  'address',
  'an e-mail address such as postmaster@example.org',
  'e-mail address',
  (text) => {
    const [, local = '', domain = ''] = plainAddress.exec(text) ?? []
    return isHostName(domain)
      ? (`${local}@${domain.toLowerCase()}` as Brand<string, 'EmailAddress'>)
      : undefined
  },
)

/** Labels of letters, digits and hyphens (RFC 1123 §2.1). QUIRK: containers are called `mail_server` too. */
export function isHostName(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i.test(label))
}

/** What stands between a local part and its extension: signs that no list name holds. */
export const delimiter = typeOf('sign', 'a sign such as +', 'delimiter', (text) =>
  /^[!#$%&'*+/=?^`{|}~._-]{1,3}$/.test(text) ? text : undefined,
)

/** Kept as text: Mailman's patterns are Python's. */
export const pattern: ValueType<PatternText> = {
  name: 'regular expression',
  accepted: 'a Python regular expression',
  parse: (text) => value(text.trim() as PatternText),
}

/** A pattern that must give its parts these names, such as `(?P<token>…)`. */
export function patternNaming(...groups: readonly string[]): ValueType<PatternText> {
  const accepted = `a Python regular expression with ${groups.map((group) => `(?P<${group}>...)`).join(', ')}`
  return typeOf('regular expression', accepted, 'such regular expression', (text) =>
    groups.every((group) => text.includes(`(?P<${group}>`)) ? (text as PatternText) : undefined,
  )
}

/** Words between blanks or line ends. */
export const words: ValueType<readonly string[]> = {
  name: 'words',
  accepted: 'words between blanks',
  parse: (text) => value(Object.freeze(text.split(/\s+/).filter((word) => word !== ''))),
}

export const commaList: ValueType<readonly string[]> = {
  name: 'list with commas',
  accepted: 'values between commas',
  parse: (text) =>
    value(
      Object.freeze(
        text
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      ),
    ),
}

export const lines: ValueType<readonly string[]> = {
  name: 'lines',
  accepted: 'one value a line',
  parse: (text) =>
    value(
      Object.freeze(
        text
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== ''),
      ),
    ),
}

/** Empty text is null; anything else is of the type. */
export function optional<T>(type: ValueType<T>): ValueType<T | null> {
  return {
    name: `${type.name}, or empty`,
    accepted: `${type.accepted}, or nothing`,
    parse: (text, origin) => (text.trim() === '' ? value(null) : type.parse(text, origin)),
  }
}

/** Until when something is done: `yes` is always, `no` is never, `until 2027-01-31` ends with that day in UTC. */
export type Term = 'always' | 'never' | Instant

export const term = typeOf<Term>('yes, no or until DATE', 'yes, no, until 2027-01-31', 'term', (text) => {
  const truth = truths.get(text.toLowerCase())
  if (truth !== undefined) return truth ? 'always' : 'never'
  const date = /^until\s+(\d{4}-\d{2}-\d{2})$/i.exec(text)?.[1]
  const start = date === undefined ? Number.NaN : Date.parse(`${date}T00:00:00Z`)
  const exists = !Number.isNaN(start) && new Date(start).toISOString().startsWith(date ?? '')
  return exists ? instant(start + DAY) : undefined
})

/** Two numbers, one for each way of sending; a single one counts for both. */
export interface PerMode {
  readonly bulk: number
  readonly individual: number
}

export function perMode(least: number, most: number): ValueType<PerMode> {
  const accepted = `one number, or two (bulk, then individual), ${least} to ${most}`
  return typeOf('one or two numbers', accepted, 'number of connections', (text) => {
    const numbers = /^\d{1,9}(?:\s+\d{1,9})?$/.test(text) ? text.split(/\s+/).map(Number) : []
    const [bulk, individual = bulk] = numbers
    if (bulk === undefined || individual === undefined) return undefined
    return numbers.every((n) => n >= least && n <= most) ? Object.freeze({ bulk, individual }) : undefined
  })
}
