import { deepEqual, equal, ok } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseMessage } from './message.ts'
import {
  decodeBase64,
  decodeQuotedPrintable,
  encodeBase64,
  encodeQuotedPrintable,
  textOf,
} from './transfer-encoding.ts'

for (const [text, gives] of [
  ['a=3Db', 'a=b'],
  ['soft=\r\nbreak', 'softbreak'],
  ['soft= \t\r\nbreak', 'softbreak'],
  ['soft=\nbreak', 'softbreak'],
  ['blanks  \t\r\nend ', 'blanks\r\nend'],
  ['kept=20\r\n', 'kept \r\n'],
  ['=fc=FC', '\xfc\xfc'],
  ['=zz = =', '=zz = '],
  ['=', ''],
  ['lone\rcr', 'lone\rcr'],
] as const)
  test(`decodeQuotedPrintable reads ${JSON.stringify(text)}`, () => {
    equal(Buffer.from(decodeQuotedPrintable(Buffer.from(text))).toString('latin1'), gives)
  })

for (const [text, gives] of [
  ['VGVh', 'Tea'],
  ['VG\r\nVh', 'Tea'],
  ['V!G-V h', 'Tea'],
  ['VA==VGVh', 'TTea'],
  ['VGU', 'Te'],
  ['====', ''],
] as const)
  test(`decodeBase64 reads ${text}`, () =>
    equal(Buffer.from(decodeBase64(Buffer.from(text))).toString(), gives))

const octets = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc
    .array(fc.constantFrom('\r\n', '\r', '\n', ' ', '\t', '=', 'word', 'ü', '.'))
    .map((parts) => Buffer.from(parts.join(''))),
)

test('what is encoded reads as it was, in lines of at most 76', () => {
  fc.assert(
    fc.property(octets, (bytes) => {
      for (const [text, decode] of [
        [encodeQuotedPrintable(bytes), decodeQuotedPrintable],
        [encodeBase64(bytes), decodeBase64],
      ] as const) {
        deepEqual(Buffer.from(decode(Buffer.from(text))), Buffer.from(bytes))
        for (const line of text.split('\r\n'))
          ok(line.length <= 76 && /^[\t -~]*$/.test(line) && !/[ \t]$/.test(line))
      }
    }),
    { numRuns: 1000 },
  )
})

for (const [header, body, gives] of [
  ['Content-Type: text/plain; charset=koi8-r', '\xfe\xc1\xca', 'Чай'],
  ['Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64', 'w7w=', 'ü'],
  ['Content-Type: text/plain; charset=x-teapot', '\xfc', 'ü'],
  ['Subject: nothing said', '\xc3\xbc', 'ü'],
] as const)
  test(`textOf reads ${header.replace(/\r\n/g, ', ')}`, () => {
    const message = parseMessage(Buffer.from(`${header}\r\n\r\n${body}`, 'latin1'))
    equal(textOf(message, message.root), gives)
  })
