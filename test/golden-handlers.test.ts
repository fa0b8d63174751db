import { deepEqual, equal } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { goldenCases, goldenFile, goldenOutput } from './golden-handlers/cases.ts'

for (const golden of goldenCases)
  test(`golden: ${golden.name} comes out as it was reviewed`, () => {
    const made = Buffer.from(goldenOutput(golden)).toString('latin1')
    equal(made, readFileSync(goldenFile(golden.name, 'out'), 'latin1'))
    equal(/(?<!\r)\n|\r(?!\n)/.test(made), false, 'a line end that is not CRLF')
  })

test('golden: each file belongs to a case', () => {
  const expected = goldenCases.flatMap(({ name }) => [`${name}.in.eml`, `${name}.out.eml`]).sort()
  const found = readdirSync(dirname(goldenFile('', 'in'))).filter((file) => file.endsWith('.eml'))
  deepEqual(found.sort(), expected)
})
