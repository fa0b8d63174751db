// What a plain server loads: start-up time and idle memory hang on it. The page of the demo, monitoring and their
// packages come by `import()`, when somebody asks for them.
import { deepEqual, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { importsOf } from '../scripts/code-and-imports.ts'

const root = join(import.meta.dirname, '..')

/** All files and packages that are loaded with this file. */
function loadedWith(entry: string): ReadonlySet<string> {
  const found = new Set<string>()
  const walk = (path: string): void => {
    if (found.has(path)) return
    found.add(path)
    const text = readFileSync(join(root, path), 'utf8')
    const lines = text.split('\n')
    for (const { specifier, line, typeOnly } of importsOf(text)) {
      if (typeOnly || specifier.startsWith('node:') || /\bimport\(/.test(lines[line - 1] ?? '')) continue
      if (specifier.startsWith('.')) walk(join(dirname(path), specifier))
      else found.add(specifier)
    }
  }
  walk(entry)
  return found
}

for (const entry of [
  'src/cli/main.ts',
  'src/app/workers/judging.ts',
  'src/app/workers/delivery.ts',
  'src/app/workers/writer.ts',
])
  test(`${entry} loads neither pages nor monitoring, nor a package for them`, () => {
    const loaded = [...loadedWith(entry)]
    ok(loaded.length > 10, 'the imports were not followed')
    deepEqual(
      loaded.filter((name) => /^src\/web\/|^hono|^@hono|^prom-client/.test(name)),
      [],
    )
  })
