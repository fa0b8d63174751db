import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeWords, encodeUnstructured, encodeWords } from './encoded-words.ts'

for (const { text, reads } of [
  { text: 'plain text', reads: 'plain text' },
  { text: '=?utf-8?q?Gr=C3=BC=C3=9Fe?=', reads: 'Grüße' },
  { text: '=?ISO-8859-1?Q?Andr=E9?= Pirard', reads: 'André Pirard' },
  { text: '=?iso-8859-1?q?a?= =?iso-8859-1?q?b?=', reads: 'ab' }, // RFC 2047 §8
  { text: '=?iso-8859-1?q?a?=  \t =?utf-8?b?Yg==?=', reads: 'ab' },
  { text: '=?iso-8859-1?q?a?= b =?utf-8?q?c?=', reads: 'a b c' },
  { text: '=?iso-8859-1?q?a_b?=', reads: 'a b' },
  { text: '=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=', reads: '€' }, // a letter cut in two
  { text: '=?utf-8?b?4oI=?= =?utf-8?b?rA==?=', reads: '€' },
  { text: '=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', reads: '日本' },
  { text: '=?gb2312?B?xOO6ww==?=', reads: '你好' },
  { text: '=?koi8-r?B?8NLJ18XU?=', reads: 'Привет' },
  { text: '=?utf-8*en?q?lang?=', reads: 'lang' },
  { text: '=?x-unknown?q?=C3=BC?=', reads: 'ü' },
  { text: '=?x-unknown?q?=FC?=', reads: 'ü' },
  { text: '=?utf-8?q?=FC?=', reads: '\ufffd' },
  { text: '=?utf-8?q?what??=', reads: 'what?' },
  { text: '=?utf-8?q?a b?=', reads: 'a b' },
  { text: '=?utf-8?q?100=?=', reads: '100=' },
  { text: '=?utf-8?q?=zz?=', reads: '=zz' },
  { text: '=?utf-8?b?YQ?=', reads: 'a' },
  { text: '=?utf-8?x?YQ?=', reads: '=?utf-8?x?YQ?=' },
  { text: '=?utf-8?q?open', reads: '=?utf-8?q?open' },
  { text: '=?utf-8?q?cut =?utf-8?q?whole?=', reads: '=?utf-8?q?cut whole' },
  { text: 'x=?utf-8?q?y?=z', reads: 'xyz' },
  { text: '=?utf-8?q??=', reads: '' },
])
  test(`decodeWords reads ${text}`, () => equal(decodeWords(text), reads))

test('plain ASCII stays as it is; B or Q is what is shorter', () => {
  equal(encodeUnstructured('Hello, world: (a) "b" = ?'), 'Hello, world: (a) "b" = ?')
  equal(encodeUnstructured('Le garçonnet rit'), 'Le =?UTF-8?Q?gar=C3=A7onnet?= rit')
  equal(encodeUnstructured('日本語'), '=?UTF-8?B?5pel5pys6Kqe?=')
})

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc
    .array(fc.constantFrom('=?', '?=', 'utf-8', '?q?', ' ', '  ', '\t', 'a', 'ü', '€', '_', '=', '\r\n'))
    .map((x) => x.join('')),
)

test('what is encoded reads as it was, in words of at most 75 printable characters', () => {
  fc.assert(
    fc.property(anyText, fc.nat(120), (text, column) => {
      const unstructured = encodeUnstructured(text, column)
      equal(decodeWords(unstructured), text)
      ok(/^[\t -~]*$/.test(unstructured))
      const words = encodeWords(text, column)
      equal(decodeWords(words), text)
      for (const word of words.split(' '))
        ok(word.length <= 75 && /^=\?UTF-8\?[QB]\?[!-~]*\?=$/.test(word), word)
    }),
    { numRuns: 1000 },
  )
})

test('each word is whole by itself: words are split between letters only', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), (text) => {
      const alone = encodeWords(text)
        .split(' ')
        .map((word) => decodeWords(word))
      equal(alone.join(''), text)
    }),
  )
})

test('decodeWords never throws and is linear', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void decodeWords(text)))
  for (const text of ['=?', '=?a?q?', '=?a?q?x', '=?utf-8?q?a?=', '=?a?b?=', '=?a?q?a?= ']) {
    const before = process.cpuUsage().user
    decodeWords(text.repeat(1_000_000 / text.length))
    ok(process.cpuUsage().user - before < 2_000_000, text)
  }
})
