import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatClientFrame,
  formatServerFrame,
  LineSplitter,
  readClientFrame,
  readServerFrame,
} from './control-protocol.ts'

const anyId = fc.nat()
const plainObjects = { noNullPrototype: true }
const anyText = fc.string({ unit: 'grapheme' })

test('what the client writes, the server reads', () => {
  const call = fc.record(
    {
      kind: fc.constant('call' as const),
      id: anyId,
      command: anyText,
      argv: fc.array(anyText),
      cwd: anyText,
      stdin: fc.boolean(),
    },
    plainObjects,
  )
  const end = fc.record({ kind: fc.constant('end' as const), id: anyId }, plainObjects)
  fc.assert(
    fc.property(fc.oneof(call, end), (frame) => {
      deepEqual(readClientFrame(formatClientFrame(frame)), frame)
    }),
  )
  fc.assert(
    fc.property(anyId, fc.uint8Array(), (id, bytes) => {
      const frame = readClientFrame(formatClientFrame({ kind: 'stdin', id, bytes }))
      deepEqual(frame.kind === 'stdin' ? Buffer.from(frame.bytes) : null, Buffer.from(bytes))
    }),
  )
})

test('what the server writes, the client reads, one line each', () => {
  const words = fc.record(
    { kind: fc.constantFrom('out', 'err', 'progress'), id: anyId, text: anyText },
    plainObjects,
  )
  const exit = fc.record({ kind: fc.constant('exit' as const), id: anyId, code: fc.nat(255) }, plainObjects)
  fc.assert(
    fc.property(fc.oneof(words, exit), (frame) => {
      const line = formatServerFrame(frame)
      equal(line.indexOf('\n'), line.length - 1)
      deepEqual(readServerFrame(line), frame)
    }),
  )
})

for (const { line, because } of [
  { line: 'EHLO there', because: 'no JSON' },
  { line: '[1]', because: 'no object' },
  { line: '{"id":7,"command":"lists","argv":[]}', because: 'no version' },
  { line: '{"v":2,"id":7,"command":"lists","argv":[]}', because: 'another version' },
  { line: '{"v":1,"id":7,"command":"lists","argv":[1]}', because: 'a number for a word' },
])
  test(`a line with ${because} is strange, not a fault`, () => {
    equal(readClientFrame(line).kind, 'strange')
  })

test('lines come whole however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.nat(7), (pieces, size) => {
      const text = pieces.map((piece) => `${piece}\n`).join('')
      const splitter = new LineSplitter()
      const lines: string[] = []
      for (let at = 0; at < text.length; at += size + 1)
        lines.push(...splitter.push(text.slice(at, at + size + 1)))
      equal(splitter.waiting, 0)
      equal(lines.map((line) => `${line}\n`).join(''), text)
    }),
  )
})
