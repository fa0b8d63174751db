import { deepEqual, equal } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { dotStuff, dotUnstuff, isEightBit, longestLine, normaliseLineEnds } from './dot-stuffing.ts'

for (const { from, atLineStart, gives } of [
  { from: '.', atLineStart: true, gives: '..' },
  { from: '.', atLineStart: false, gives: '.' },
  { from: 'a\r\n.\r\n..b\r\n', atLineStart: true, gives: 'a\r\n..\r\n...b\r\n' },
  { from: 'a.b\r\n c.', atLineStart: true, gives: 'a.b\r\n c.' },
  { from: '.\r\n.\r\n.', atLineStart: true, gives: '..\r\n..\r\n..' },
  { from: 'a\n.\n', atLineStart: true, gives: 'a\n..\n' },
  { from: '', atLineStart: true, gives: '' },
])
  test(`dotStuff turns ${JSON.stringify(from)} into ${JSON.stringify(gives)}`, () => {
    const piece = Buffer.from(from)
    const stuffed = dotStuff(piece, atLineStart)
    equal(Buffer.from(stuffed).toString(), gives)
    equal(stuffed === piece, from === gives)
  })

const lines = fc
  .array(fc.constantFrom('\r\n', '.', 'a', '..', '\r\n.'))
  .map((parts) => Buffer.from(parts.join('')))

test('stuffed in pieces or whole, the receiver gets what was sent', () => {
  fc.assert(
    fc.property(fc.array(lines), (pieces) => {
      let atLineStart = true
      const sent: Uint8Array[] = []
      for (const piece of pieces) {
        sent.push(dotStuff(piece, atLineStart))
        if (piece.length > 0) atLineStart = piece.at(-1) === 10
      }
      const received = Buffer.concat(sent)
        .toString()
        .replace(/(^|\r\n)\./g, '$1')
      equal(received, Buffer.concat(pieces).toString())
    }),
  )
})

for (const [from, gives] of [
  ['a\nb', 'a\r\nb'],
  ['a\rb\r\r\n', 'a\r\nb\r\n\r\n'],
  ['a\r\nb\r\n', 'a\r\nb\r\n'],
  ['\xff\n', '\xff\r\n'],
  ['a\r', 'a\r\n'],
] as const)
  test(`normaliseLineEnds turns ${JSON.stringify(from)} into ${JSON.stringify(gives)}`, () => {
    const bytes = Buffer.from(from, 'latin1')
    const normal = normaliseLineEnds(bytes)
    equal(Buffer.from(normal).toString('latin1'), gives)
    equal(normal === bytes, from === gives)
  })

test('lines are measured without their ends, octets by their eighth bit', () => {
  deepEqual(
    ['', 'abc', 'a\r\nbcde\r\nc', 'ab\n', 'a\rb'].map((text) => longestLine(Buffer.from(text))),
    [0, 3, 4, 2, 3],
  )
  deepEqual(
    ['', 'abc\x7f', 'ü'].map((text) => isEightBit(Buffer.from(text))),
    [false, false, true],
  )
})

test('what was stuffed as a whole comes back as it was', () => {
  const bytes = fc.array(fc.constantFrom('.', '\r\n', '\n', '\r', 'a', '..'), { maxLength: 30 })
  fc.assert(
    fc.property(bytes, (parts) => {
      const text = Buffer.from(parts.join(''))
      deepEqual(Buffer.from(dotUnstuff(dotStuff(text, true))), text)
    }),
  )
})
