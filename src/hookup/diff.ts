// A unified diff of two texts, as patch(1) reads it: what `posthorn hookup --write` shows before it writes.

/** Empty for equal texts. `before` null: there is no file yet. */
export function unifiedDiff(path: string, before: string | null, after: string): string {
  const hunks = hunksOf(linesOf(before ?? ''), linesOf(after))
  if (hunks.length === 0) return ''
  return `--- ${before === null ? '/dev/null' : path}\n+++ ${path}\n${hunks.join('')}`
}

type Edit = readonly [sign: ' ' | '-' | '+', line: string]

const context = 3

function hunksOf(before: readonly string[], after: readonly string[]): readonly string[] {
  const edits = editsOf(before, after)
  const near = new Set<number>()
  edits.forEach(([sign], at) => {
    if (sign !== ' ') for (let by = -context; by <= context; by += 1) near.add(at + by)
  })
  const hunks: string[] = []
  let [old, fresh] = [1, 1]
  let open: { old: number; fresh: number; edits: Edit[] } | null = null
  edits.forEach((edit, at) => {
    if (near.has(at)) {
      open ??= { old, fresh, edits: [] }
      open.edits.push(edit)
    } else if (open !== null) {
      hunks.push(hunkText(open))
      open = null
    }
    if (edit[0] !== '+') old += 1
    if (edit[0] !== '-') fresh += 1
  })
  if (open !== null) hunks.push(hunkText(open))
  return hunks
}

function hunkText({ old, fresh, edits }: { old: number; fresh: number; edits: readonly Edit[] }): string {
  const count = (without: string): number => edits.filter(([sign]) => sign !== without).length
  // An empty range starts at the line before it.
  const range = (start: number, lines: number): string => `${lines === 0 ? start - 1 : start},${lines}`
  const head = `@@ -${range(old, count('+'))} +${range(fresh, count('-'))} @@\n`
  return head + edits.map(([sign, line]) => `${sign}${line}\n`).join('')
}

/** The longest common subsequence, between the common beginning and the common end. */
function editsOf(before: readonly string[], after: readonly string[]): readonly Edit[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1
  let tail = 0
  while (
    tail < before.length - start &&
    tail < after.length - start &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1
  const [a, b] = [before.slice(start, before.length - tail), after.slice(start, after.length - tail)]
  const kept = (lines: readonly string[]): Edit[] => lines.map((line): Edit => [' ', line])
  return [...kept(before.slice(0, start)), ...middleEdits(a, b), ...kept(before.slice(before.length - tail))]
}

function middleEdits(a: readonly string[], b: readonly string[]): readonly Edit[] {
  const row = b.length + 1
  const length = new Uint32Array((a.length + 1) * row)
  const at = (i: number, j: number): number => length[i * row + j] ?? 0
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      length[i * row + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const edits: Edit[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const [old, fresh] = [a[i], b[j]]
    if (old !== undefined && old === fresh) {
      edits.push([' ', old])
      i += 1
      j += 1
    } else if (old !== undefined && (fresh === undefined || at(i + 1, j) >= at(i, j + 1))) {
      edits.push(['-', old])
      i += 1
    } else if (fresh !== undefined) {
      edits.push(['+', fresh])
      j += 1
    }
  }
  return edits
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}
