import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WireText } from './wire-text.ts'

function onTheWire(pieces: readonly string[]): string {
  const text = new WireText()
  for (const piece of pieces) text.push(Buffer.from(piece, 'latin1'))
  return Buffer.concat(text.finish()).toString('latin1')
}

for (const { title, pieces, want } of [
  { title: 'LF becomes CRLF', pieces: ['a\nb\n'], want: 'a\r\nb\r\n.\r\n' },
  { title: 'CRLF stays', pieces: ['a\r\nb\r\n'], want: 'a\r\nb\r\n.\r\n' },
  { title: 'a CRLF cut in two stays', pieces: ['a\r', '\nb\n'], want: 'a\r\nb\r\n.\r\n' },
  { title: 'a lone CR becomes CRLF', pieces: ['a\r', 'b\r'], want: 'a\r\nb\r\n.\r\n' },
  { title: 'dots are doubled', pieces: ['.a\n', '.\n', 'b.\n'], want: '..a\r\n..\r\nb.\r\n.\r\n' },
  { title: 'a dot after a cut line end is doubled', pieces: ['a\r', '\n', '.'], want: 'a\r\n..\r\n.\r\n' },
  { title: 'a dot after a cut in the line is not', pieces: ['a', '.b\n'], want: 'a.b\r\n.\r\n' },
  { title: 'the last line ends', pieces: ['a'], want: 'a\r\n.\r\n' },
  { title: 'an empty message is a dot', pieces: [], want: '.\r\n' },
]) {
  test(title, () => equal(onTheWire(pieces), want))
}

test('wherever it is cut, it is the same, has no lone line end, and comes back', () => {
  const letters = fc.string({ unit: fc.constantFrom('\r', '\n', '.', 'a', '\xe9'), maxLength: 20 })
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 6 }), (pieces) => {
      const wire = onTheWire(pieces)
      equal(wire, onTheWire([pieces.join('')]))
      equal(/(?<!\r)\n|\r(?!\n)/.test(wire), false)
      const lines = pieces.join('').split(/\r\n|\r|\n/)
      if (lines.at(-1) === '') lines.pop()
      const back = wire.split('\r\n').slice(0, -2)
      equal(back.map((line) => line.replace(/^\./, '')).join('\n'), lines.join('\n'))
    }),
  )
})

test('the eighth bit is seen', () => {
  for (const [piece, want] of [
    ['caf\xe9', true],
    ['cafe', false],
  ] as const) {
    const text = new WireText()
    text.push(Buffer.from(piece, 'latin1'))
    equal(text.eightBit, want)
  }
})
