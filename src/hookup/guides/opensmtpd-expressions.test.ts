import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fitsAny, fixedBegin } from './opensmtpd-expressions.ts'

for (const [expression, begin] of [
  ['^tea(-(bounces|owner))?(\\+[^@]*)?@lists\\.example\\.test$', 'tea'],
  ['^rice\\.Milk@x', 'rice.milk@x'],
  ['^tea?@x', 'te'],
  ['^tea+@x', 'te'],
  ['^tea{2}', 'te'],
  ['^tea|milk', ''],
  ['^(tea|milk)@x', ''],
  ['^[t]ea', ''],
  ['^te.a', 'te'],
  ['tea', ''],
  ['^\\w+', ''],
  ['^', ''],
] as const)
  test(`${expression} begins with '${begin}'`, () => equal(fixedBegin(expression), begin))

test('what begins otherwise would not have matched', () => {
  const piece = fc.constantFrom('t', 'E', '\\.', '.', '[te]', '(t|e)', 't?', 'e*', '\\+', '@', '|', 't{2}')
  const expressions = fc.array(piece, { maxLength: 6 }).map((pieces) => `^${pieces.join('')}`)
  const keys = fc.string({ unit: fc.constantFrom('t', 'e', 'T', '.', '+', '@'), maxLength: 8 })
  fc.assert(
    fc.property(expressions, keys, (expression, key) =>
      equal(fitsAny([expression], key), new RegExp(expression, 'i').test(key)),
    ),
    { numRuns: 2000 },
  )
})

test('an expression that is none matches nothing, and spoils no other', () => {
  equal(fitsAny(['(', '^tea'], 'tea@x'), true)
  equal(fitsAny(['('], '('), false)
})
