// What has to be done to a compiled table so that it says what a new text says (postmap(1) -d and -i); pure. Between two
// publications most often one list has come or gone: nine lines of many thousands.

export interface TableChange {
  /** Keys that are to go. */
  readonly gone: readonly string[]
  /** Lines `KEY VALUE` that are to come, or to replace those of the same key. */
  readonly come: readonly string[]
}

/** From the text of one table to that of another, both in our own form: a line each, comments on lines of their own. */
export function changeBetween(before: string, after: string): TableChange {
  const [old, fresh] = differing(before, after)
  const had = entriesOf(old)
  const has = entriesOf(fresh)
  return {
    gone: [...had.keys()].filter((key) => !has.has(key)),
    come: [...has].filter(([key, value]) => had.get(key) !== value).map(([key, value]) => `${key} ${value}`),
  }
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
