// Holds src/ to the laws of ARCHITECTURE.md that a compiler does not know: the ranks of the folders, no circles, no
// barrels, clock and chance and environment from their one place, an opening comment in each file.
//
//   node scripts/check-imports.ts [ROOT]      one line per finding; exit 1 when there are any, 2 on wrong use
import { existsSync, globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix, resolve } from 'node:path'
import { codeOf, type Import, importsOf, lineAt } from './code-and-imports.ts'

interface Source {
  /** From the root, with slashes: `src/mail/address.ts`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

/** Every breach of the laws below `root`, as `src/x.ts:12: what is wrong`, in order of path and line. */
export function checkTree(root: string): string[] {
  const ranks = ranksOf(readText(root, 'ARCHITECTURE.md'))
  if (ranks.size === 0)
    return ['ARCHITECTURE.md:1: no table of ranks found under a heading with the word "Ranks"']
  const packages = dependenciesOf(readText(root, 'package.json'))
  const sources = globSync('src/**/*.ts', { cwd: root })
    .sort()
    .map((path): Source => {
      const text = readText(root, path)
      return { path, text, imports: importsOf(text) }
    })
  return [
    ...sources.flatMap((source) => [
      ...openingFindings(source),
      ...importFindings(source, ranks, packages),
      ...ambientFindings(source),
    ]),
    ...folderFindings(sources, ranks),
    ...circleFindings(sources),
  ].sort(byPathAndLine)
}

/** Folder (or file straight below src/) to rank, from rows such as "| 2 | `mail`, `config` | … |". */
export function ranksOf(architecture: string): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>()
  let underHeading = false
  for (const line of architecture.split('\n')) {
    const heading = /^#+\s+(.*)/.exec(line)
    if (heading !== null) underHeading = /\branks\b/i.test(heading[1] ?? '')
    const row = underHeading ? /^\s*\|\s*(\d+)\s*\|([^|]*)\|/.exec(line) : null
    if (row === null) continue
    for (const [, name] of (row[2] ?? '').matchAll(/`(?:src\/)?([a-z][a-z-]*(?:\.ts)?)\/?`/g)) {
      if (name !== undefined) ranks.set(name, Number(row[1]))
    }
  }
  return ranks
}

function readText(root: string, path: string): string {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : ''
}

function dependenciesOf(packageJson: string): ReadonlySet<string> {
  const parsed: unknown = JSON.parse(packageJson === '' ? '{}' : packageJson)
  const listed =
    typeof parsed === 'object' && parsed !== null && 'dependencies' in parsed ? parsed.dependencies : null
  return new Set(Object.keys(listed ?? {}))
}

const isTest = (path: string): boolean => path.endsWith('.test.ts')
const folderOf = (path: string): string => path.split('/')[1] ?? ''

function openingFindings({ path, text }: Source): string[] {
  const opensWithComment = /^(?:#![^\n]*\n)?\s*\/[/*]/.test(text)
  return opensWithComment || isTest(path)
    ? []
    : [`${path}:1: opens without a comment that says its place and its law`]
}

function importFindings(
  source: Source,
  ranks: ReadonlyMap<string, number>,
  packages: ReadonlySet<string>,
): string[] {
  return source.imports.flatMap((each) => {
    const fault = /^\.{1,2}\//.test(each.specifier)
      ? faultOfPath(source.path, each.specifier, ranks)
      : faultOfPackage(source.path, each, packages)
    return fault === null ? [] : [`${source.path}:${each.line}: ${fault}`]
  })
}

function faultOfPackage(
  path: string,
  { specifier, typeOnly }: Import,
  packages: ReadonlySet<string>,
): string | null {
  if (specifier.startsWith('node:')) return null
  if (isBuiltin(specifier)) return `write 'node:${specifier}' rather than '${specifier}'`
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (isTest(path) || typeOnly || packages.has(name)) return null
  return `'${name}' is not among the dependencies in package.json, so an installed Posthorn does not have it`
}

function faultOfPath(path: string, specifier: string, ranks: ReadonlyMap<string, number>): string | null {
  const target = posix.join(posix.dirname(path), specifier)
  if (isTest(path) && target.startsWith('test/')) return null
  if (!specifier.endsWith('.ts')) return `import of '${specifier}' must end in .ts`
  if (posix.basename(target) === 'index.ts')
    return `import the file that has the thing, not the barrel '${specifier}'`
  if (isTest(target)) return `a test ('${specifier}') is nobody's to import`
  if (!target.startsWith('src/')) return `import of '${specifier}' leaves src/`
  const [from, to] = [folderOf(path), folderOf(target)]
  const [mine, theirs] = [ranks.get(from), ranks.get(to)]
  if (from === to || mine === undefined || theirs === undefined) return null
  if (theirs < mine || (theirs === mine && isTest(path))) return null
  return `${from} (rank ${mine}) must not import from ${to} (rank ${theirs}): only from smaller ranks`
}

const ambient = [
  { what: 'Date.now', found: /\bDate\s*\.\s*now\b/g, instead: 'take a Clock' },
  { what: 'new Date()', found: /\bnew\s+Date\b(?!\s*\(\s*[^\s)])/g, instead: 'take a Clock' },
  { what: 'Math.random', found: /\bMath\s*\.\s*random\b/g, instead: 'take a Random' },
  { what: 'process.env', found: /\bprocess\s*\.\s*env\b/g, instead: 'take the setting as an argument' },
]

function ambientFindings({ path, text }: Source): string[] {
  if (isTest(path) || ['base', 'app'].includes(folderOf(path))) return []
  const code = codeOf(text)
  return ambient.flatMap(({ what, found, instead }) =>
    [...code.matchAll(found)].map(
      ({ index }) => `${path}:${lineAt(text, index)}: ${what} belongs to base/ and app/ alone: ${instead}`,
    ),
  )
}

function folderFindings(sources: readonly Source[], ranks: ReadonlyMap<string, number>): string[] {
  const firstOf = new Map<string, string>()
  for (const { path } of sources) if (!firstOf.has(folderOf(path))) firstOf.set(folderOf(path), path)
  return [...firstOf]
    .filter(([folder]) => !ranks.has(folder))
    .map(([folder, path]) => `${path}:1: ${folder} has no rank in the table of ARCHITECTURE.md`)
}

/** One finding for each circle, at the import that closes it. Type imports count: a reader goes round all the same. */
function circleFindings(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const done = new Set<string>()
  const trail: string[] = []
  const findings: string[] = []
  const walk = (source: Source): void => {
    trail.push(source.path)
    for (const { specifier, line } of source.imports) {
      const next = specifier.startsWith('.')
        ? byPath.get(posix.join(posix.dirname(source.path), specifier))
        : undefined
      if (next === undefined || done.has(next.path)) continue
      const start = trail.indexOf(next.path)
      if (start < 0) walk(next)
      else
        findings.push(
          `${source.path}:${line}: closes a circle: ${[...trail.slice(start), next.path].join(' > ')}`,
        )
    }
    trail.pop()
    done.add(source.path)
  }
  for (const source of sources) if (!done.has(source.path)) walk(source)
  return findings
}

function byPathAndLine(a: string, b: string): number {
  const [pathA = '', lineA] = a.split(':')
  const [pathB = '', lineB] = b.split(':')
  return pathA === pathB ? Number(lineA) - Number(lineB) : pathA < pathB ? -1 : 1
}

if (import.meta.main) {
  const [root = join(import.meta.dirname, '..'), ...more] = process.argv.slice(2)
  if (root.startsWith('-') || more.length > 0) {
    console.error('usage: node scripts/check-imports.ts [ROOT]')
    process.exit(2)
  }
  const findings = checkTree(resolve(root))
  for (const finding of findings) console.log(finding)
  if (findings.length > 0) process.exitCode = 1
}
