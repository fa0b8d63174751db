// The catalogue holds what the guides and checks may say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogue } from './catalogue.ts'

const kinds = catalogue.flatMap((chapter) => chapter.kinds)

test('a code is of one kind, and begins with what it is about', () => {
  const codes = kinds.map(({ code }) => code)
  assert.deepEqual(codes, [...new Set(codes)])
  for (const code of codes) assert.match(code, /^[a-z]+\.[a-z0-9-]+$/)
})

test('each kind says what is wrong, why, and what to do', () => {
  for (const { code, summary, why, change } of kinds)
    for (const text of [summary, why, change]) assert.ok(text.trim().length > 3, code)
})

test('what a kind explains is in the catalogue', () => {
  const known = new Set(kinds.map(({ code }) => code))
  for (const { code, explains = [] } of kinds)
    for (const other of explains)
      assert.ok(
        other.endsWith('.*')
          ? [...known].some((one) => one.startsWith(other.slice(0, -1)))
          : known.has(other),
        `${code} explains ${other}`,
      )
})
