import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type EnhancedCode, formatReply, type Reply } from './reply.ts'
import { ReplyReader } from './reply-reader.ts'

function readAll(chunks: readonly Buffer[]): { replies: Reply[]; fault: string | null } {
  const reader = new ReplyReader()
  const replies: Reply[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let reply = reader.read(); reply !== null; reply = reader.read()) replies.push(reply)
    chunk.fill(0) // the reader keeps no chunk
  }
  return { replies, fault: reader.fault }
}

for (const { title, wire, replies } of [
  { title: 'a code alone', wire: '250\r\n', replies: [{ code: 250, enhanced: null, lines: [''] }] },
  {
    title: 'LF alone ends a line',
    wire: '250 ok\n',
    replies: [{ code: 250, enhanced: null, lines: ['ok'] }],
  },
  {
    title: 'an empty last line',
    wire: '250-a\r\n250 \r\n',
    replies: [{ code: 250, enhanced: null, lines: ['a', ''] }],
  },
  {
    title: 'an enhanced code in each line is taken off',
    wire: '550-5.1.1 no\r\n550 5.1.1 user\r\n',
    replies: [{ code: 550, enhanced: '5.1.1', lines: ['no', 'user'] }],
  },
  {
    title: 'an enhanced code of another class is words',
    wire: '250 5.1.1 told\r\n',
    replies: [{ code: 250, enhanced: null, lines: ['5.1.1 told'] }],
  },
  {
    title: 'where the codes of one reply differ, the last counts',
    wire: '250-ok\r\n451 later\r\n',
    replies: [{ code: 451, enhanced: null, lines: ['ok', 'later'] }],
  },
  {
    title: 'a bare CR becomes a space',
    wire: '250 a\rb\r\n',
    replies: [{ code: 250, enhanced: null, lines: ['a b'] }],
  },
]) {
  test(`a reply is read: ${title}`, () => deepEqual(readAll([Buffer.from(wire)]), { replies, fault: null }))
}

for (const wire of [
  'hello\r\n',
  '25 ok\r\n',
  '199 ok\r\n',
  '600 ok\r\n',
  '250ok\r\n',
  '\r\n',
  'SSH-2.0-x\r\n',
  '\x16\x03\x01\n',
]) {
  test(`no reply, so a fault: ${JSON.stringify(wire)}`, () => {
    const { replies, fault } = readAll([Buffer.from(`220 hi\r\n${wire}250 never\r\n`)])
    equal(replies.length, 1)
    match(fault ?? '', /no SMTP reply/)
  })
}

test('a line or a reply beyond 64 KB is a fault, one below is not', () => {
  match(readAll([Buffer.alloc(70_000, '2')]).fault ?? '', /more than 65536 bytes/)
  match(readAll([Buffer.from(`250-${'x'.repeat(96)}\r\n`.repeat(700))]).fault ?? '', /more than 65536 bytes/)
  const { replies, fault } = readAll([Buffer.from(`${`250-${'x'.repeat(96)}\r\n`.repeat(600)}250 end\r\n`)])
  equal(fault, null)
  equal(replies[0]?.lines.length, 601)
})

const words = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !/[\r\n]|^\d\.\d/.test(text))
const anyReply: fc.Arbitrary<Reply> = fc
  .record({
    first: fc.integer({ min: 2, max: 5 }),
    rest: fc.integer({ min: 0, max: 99 }),
    detail: fc.option(fc.tuple(fc.nat(999), fc.nat(999))),
    lines: fc.array(words, { minLength: 1, maxLength: 4 }),
  })
  .map(({ first, rest, detail, lines }) => ({
    code: first * 100 + rest,
    enhanced: detail === null || first === 3 ? null : (`${first}.${detail[0]}.${detail[1]}` as EnhancedCode),
    lines,
  }))

test('any replies come back, wherever the packets were cut', () => {
  fc.assert(
    fc.property(
      fc.array(anyReply, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (replies, cuts) => {
        const wire = Buffer.from(replies.map(formatReply).join(''))
        const chunks: Buffer[] = []
        for (let at = 0, i = 0; at < wire.length; i += 1) {
          const length = cuts[i % cuts.length] ?? 1
          chunks.push(wire.subarray(at, at + length))
          at += length
        }
        deepEqual(readAll(chunks), { replies, fault: null })
      },
    ),
  )
})
