// Holds docs/rfcs.md to the truth: each RFC that src/ cites has a row there that says yes, partly or no and what of
// it is done; and no row stands for an RFC that nothing cites.
//
//   node scripts/check-rfcs.ts [ROOT]      one line per finding; exit 1 when there are any, 2 on wrong use
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

interface Row {
  readonly rfc: number
  readonly line: number
  readonly done: string
  readonly phrase: string
}

interface Citation {
  readonly rfc: number
  readonly path: string
  readonly line: number
}

const page = 'docs/rfcs.md'

/** Every breach below `root`, as `src/x.ts:12: what is wrong`: first what src/ cites, then the rows of the page. */
export function checkRfcs(root: string): string[] {
  const file = join(root, page)
  const rows = existsSync(file) ? rowsOf(readFileSync(file, 'utf8')) : []
  const known = new Set(rows.map(({ rfc }) => rfc))
  const cited = new Map<number, Citation>()
  for (const path of globSync('src/**/*.{ts,sql}', { cwd: root }).sort()) {
    for (const { rfc, line } of citationsOf(readFileSync(join(root, path), 'utf8'))) {
      if (!cited.has(rfc)) cited.set(rfc, { rfc, path, line })
    }
  }
  return [
    ...[...cited.values()]
      .filter(({ rfc }) => !known.has(rfc))
      .map(
        ({ rfc, path, line }) =>
          `${path}:${line}: RFC ${rfc} has no row in ${page}: say there what of it is done`,
      ),
    ...rows.flatMap((row, at) => {
      const fault = faultOfRow(row, rows.slice(0, at), cited.has(row.rfc))
      return fault === null ? [] : [`${page}:${row.line}: RFC ${row.rfc} ${fault}`]
    }),
  ]
}

function faultOfRow({ rfc, done, phrase }: Row, before: readonly Row[], isCited: boolean): string | null {
  if (before.some((other) => other.rfc === rfc)) return 'has two rows'
  if (!['yes', 'partly', 'no'].includes(done)) return `is marked '${done}': write yes, partly or no`
  if (phrase === '') return 'lacks the phrase that says what of it is done'
  return isCited ? null : 'is cited nowhere in src/: take the row out, or cite it where the decision is taken'
}

/** Rows such as "| 5321 | SMTP | partly | what is done |"; the number may be a link. */
function rowsOf(markdown: string): Row[] {
  return markdown.split('\n').flatMap((text, index) => {
    const row = /^\|\s*\[?(?:RFC )?(\d{3,5})\b[^|]*\|[^|]*\|([^|]*)\|([^|]*)\|/.exec(text)
    if (row === null) return []
    const [, rfc, done = '', phrase = ''] = row
    return [{ rfc: Number(rfc), line: index + 1, done: done.trim(), phrase: phrase.trim() }]
  })
}

/** "RFC 5321 §4.2" and "(RFC 5322, 2045, 3464)", the second only where the bracket ends with the list. */
export function citationsOf(source: string): Pick<Citation, 'rfc' | 'line'>[] {
  return source
    .split('\n')
    .flatMap((text, index) =>
      [...text.matchAll(/\bRFCs?[ -](\d{3,5})\b(?:((?:, (?:and )?\d{3,5})+)\))?/g)].flatMap(
        ([, first, list = '']) =>
          [first, ...(list.match(/\d+/g) ?? [])].map((rfc) => ({ rfc: Number(rfc), line: index + 1 })),
      ),
    )
}

if (import.meta.main) {
  const [root = join(import.meta.dirname, '..'), ...more] = process.argv.slice(2)
  if (root.startsWith('-') || more.length > 0) {
    console.error('usage: node scripts/check-rfcs.ts [ROOT]')
    process.exit(2)
  }
  const findings = checkRfcs(resolve(root))
  for (const finding of findings) console.log(finding)
  if (findings.length > 0) process.exitCode = 1
}
