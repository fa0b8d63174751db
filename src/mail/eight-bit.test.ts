import { deepEqual, equal, ok } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { isEightBit, longestLine } from './dot-stuffing.ts'
import { toSevenBit } from './eight-bit.ts'
import { Headers } from './headers.ts'
import { everyPart, type Message, mediaType, type Part, parseMessage } from './message.ts'
import { decodedBody } from './transfer-encoding.ts'

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const leaves = (message: Message) => [...everyPart(message.root)].filter((part) => part.children.length === 0)
const seven = (text: string) => {
  const { bytes, changed } = toSevenBit(Buffer.from(text))
  return { text: latin1(bytes), changed }
}

test('7-bit mail comes back as the same object', () => {
  const bytes = Buffer.from('Content-Transfer-Encoding: 8bit\r\nDKIM-Signature: x\r\n\r\nplain\r\n')
  deepEqual(toSevenBit(bytes), { bytes, changed: false })
  equal(toSevenBit(bytes).bytes, bytes)
})

for (const { title, from, gives } of [
  {
    title: '8-bit text, with its label and without the signature it breaks',
    from: 'DKIM-Signature: v=1\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\ncontent-transfer-encoding: 8bit\r\nX: y\r\n\r\nDear friends, the café\r\n',
    gives:
      'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\nX: y\r\n\r\nDear friends, the caf=C3=A9\r\n',
  },
  {
    title: 'text that nobody labelled',
    from: 'X: y\r\n\r\nthe old café\r\n',
    gives:
      'X: y\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nthe old caf=C3=A9\r\n',
  },
  {
    title: 'text without a header',
    from: 'the old café: tea\r\n',
    gives:
      'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nthe old caf=C3=A9: tea\r\n',
  },
  {
    title: 'mostly 8-bit text, as base64',
    from: 'Content-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\n\r\n茶茶茶\r\n',
    gives:
      'Content-Type: text/plain; charset=utf-8\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n6Iy26Iy26Iy2DQo=\r\n',
  },
  {
    title: 'a multipart, its label, and its preamble',
    from: 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\nprä\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nthe old café\r\n--b--\r\n',
    gives:
      'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\npr??\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nthe old caf=C3=A9\r\n--b--\r\n',
  },
  {
    title: 'a field that no program should have written',
    from: 'From ü\r\nX-Ü: ü\r\n\r\nx',
    gives: 'From ??\r\nX-??: ??\r\n\r\nx',
  },
  {
    title: 'header fields: names, text, file names, the rest',
    from: 'From: Jürgen <j@example.org>\r\nSubject: "Grün" und blau\r\nContent-Type: image/png; name="Grün"\r\nReferences: <ü@example.org>\r\n\r\nx',
    gives:
      'From: =?UTF-8?Q?J=C3=BCrgen?= <j@example.org>\r\nSubject: =?UTF-8?B?Ikdyw7xuIg==?= und blau\r\nContent-Type: image/png; name="=?UTF-8?B?R3LDvG4=?="\r\nReferences: <?@example.org>\r\n\r\nx',
  },
])
  test(`toSevenBit: ${title}`, () => deepEqual(seven(from), { text: gives, changed: true }))

const folder = new URL('../../test/messages/', import.meta.url)
const samples = readdirSync(folder)
  .filter((name) => name.endsWith('.eml'))
  .map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }))

/** Seven bits, the same tree, the same content. */
function check(bytes: Uint8Array) {
  const result = toSevenBit(bytes)
  ok(!isEightBit(result.bytes))
  equal(result.changed, isEightBit(bytes))
  const [before, after] = [parseMessage(bytes), parseMessage(result.bytes)]
  const shape = (part: Part): unknown => part.children.map(shape)
  deepEqual(shape(after.root), shape(before.root))
  const content = (message: Message) => leaves(message).map((part) => latin1(decodedBody(message, part)))
  deepEqual(content(after), content(before))
}

for (const { name, bytes } of samples) {
  test(`${name} in seven bits has the same tree and content`, () => {
    check(bytes)
    const { changed, bytes: after } = toSevenBit(bytes)
    const longest = changed ? Math.max(998, longestLine(bytes)) : longestLine(bytes)
    ok(longestLine(after) <= longest)
  })
}

test('letters in header fields read as they did', () => {
  for (const name of ['8bit-headers-utf8.eml', '8bit-headers-latin1.eml']) {
    const bytes = samples.find((sample) => sample.name === name)?.bytes ?? Buffer.alloc(0)
    const headers = Headers.of(parseMessage(toSevenBit(bytes).bytes))
    deepEqual(
      [headers.decoded('Subject'), headers.decoded('From')],
      ['Tee für alle', 'Jürgen Müller <juergen@example.org>'],
    )
  }
})

test('a header of many 8-bit fields comes out in seven bits', () => {
  ok(!isEightBit(toSevenBit(Buffer.from(`${'X:ü\n'.repeat(150_000)}\nx`)).bytes))
})

test('any bytes come out in seven bits, with the same leaves', () => {
  const pieces = fc.constantFrom(
    '--b', '--b--', '\r\n', '\r\n', 'ü', 'ü', ': ', 'text', 'Content-Type: multipart/mixed; boundary=b\r\n', 'X: ü\r\n',
    'Content-Type: message/rfc822\r\n', 'Content-Type: text/plain\r\n', 'Content-Transfer-Encoding: base64\r\n',
    'Content-Transfer-Encoding: 8bit\r\n', 'Content-Transfer-Encoding: quoted-printable\r\n', '=FC', '\r\n\r\n', 'From ',
  ) // biome-ignore format: a list
  const post = fc.array(pieces, { maxLength: 25 }).map((parts) => Buffer.from(parts.join('')))
  fc.assert(
    fc.property(fc.oneof(post, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      ok(!isEightBit(toSevenBit(bytes).bytes))
    }),
    { numRuns: 1000 },
  )
})

test('a multipart that cannot be taken apart goes as plain octets, whole', () => {
  const { bytes } = toSevenBit(Buffer.from('Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nü\r\n--b--\r\n'))
  const message = parseMessage(bytes)
  equal(mediaType(message.root), 'application/octet-stream')
  equal(Buffer.from(decodedBody(message, message.root)).toString(), '--b\r\n\r\nü\r\n--b--\r\n')
})
