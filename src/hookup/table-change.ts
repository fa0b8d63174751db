// What has to be done to a compiled table so that it says what a new text says (postmap(1) -d and -i); pure. Between two
// publications most often one list has come or gone: nine lines of many thousands.
import { type Parts, partMark } from './table-parts.ts'

export interface TableChange {
  /** Keys that are to go. */
  readonly gone: readonly string[]
  /** Lines `KEY VALUE` that are to come, or to replace those of the same key. */
  readonly come: readonly string[]
}

/**
 * From one table to another, both in our own form: an entry a line, each part below a comment that names it, and a key
 * that comes twice (of the lists `tea` and `tea-bounces`) both times with the same value in one part. Only what differs
 * is read.
 */
export function changeBetween(before: Parts, after: Parts): TableChange {
  const [old, fresh] = [byName(before), byName(after)]
  const gone: string[] = []
  const come: string[] = []
  for (const name of new Set([...old.keys(), ...fresh.keys()])) {
    const [from = '', to = ''] = [old.get(name), fresh.get(name)]
    if (from === to) continue
    const [less, more] = differing(from, to)
    const [had, has] = [entriesOf(less), entriesOf(more)]
    const missing = [...had.keys()].filter((key) => !has.has(key))
    const elsewhere = keysIn(to, missing)
    gone.push(...missing.filter((key) => !elsewhere(key)))
    for (const [key, value] of has) if (had.get(key) !== value) come.push(`${key} ${value}`)
  }
  return { gone, come }
}

/** Whether a key stands in the part; it is searched for a few of them, and read for many. */
function keysIn(part: string, asked: readonly string[]): (key: string) => boolean {
  if (asked.length <= 50) return (key) => part.includes(`\n${key} `)
  const all = entriesOf(part)
  return (key) => all.has(key)
}

/** By their first lines; parts with the same are taken together. */
function byName(parts: Parts): ReadonlyMap<string, string> {
  const named = new Map<string, string>()
  for (const part of parts) {
    const name = part.startsWith(partMark) ? part.slice(0, part.indexOf('\n')) : ''
    named.set(name, (named.get(name) ?? '') + part)
  }
  return named
}

/** The two texts without the lines that they begin with in common, and those that they end with. */
function differing(a: string, b: string): readonly [string, string] {
  const start = lineStart(a, sharedStart(a, b))
  const [restA, restB] = [a.slice(start), b.slice(start)]
  const tail = restA.slice(restA.length - sharedEnd(restA, restB))
  const cut = tail.indexOf('\n') + 1 // what ends alike may begin in the middle of a line
  const kept = cut === 0 ? 0 : tail.length - cut
  return [restA.slice(0, restA.length - kept), restB.slice(0, restB.length - kept)]
}

/** How many characters both begin with; halves are compared as wholes, which is far quicker than one by one. */
function sharedStart(a: string, b: string): number {
  let same = 0
  let most = Math.min(a.length, b.length)
  while (same < most) {
    const middle = Math.ceil((same + most) / 2)
    if (a.slice(same, middle) === b.slice(same, middle)) same = middle
    else most = middle - 1
  }
  return same
}

function sharedEnd(a: string, b: string): number {
  let same = 0
  let most = Math.min(a.length, b.length)
  while (same < most) {
    const middle = Math.ceil((same + most) / 2)
    if (a.slice(a.length - middle, a.length - same) === b.slice(b.length - middle, b.length - same))
      same = middle
    else most = middle - 1
  }
  return same
}

const lineStart = (text: string, at: number): number => (at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1)

function entriesOf(lines: string): Map<string, string> {
  const entries = new Map<string, string>()
  for (const line of lines.split('\n')) {
    const blank = line.indexOf(' ')
    if (blank > 0 && !line.startsWith('#')) entries.set(line.slice(0, blank), line.slice(blank).trim())
  }
  return entries
}
