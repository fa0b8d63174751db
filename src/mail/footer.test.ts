import { deepEqual, equal, ok } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { draftOf, renderDraft } from './draft.ts'
import { addFooter } from './footer.ts'
import { everyPart, isCutShort, type Message, mediaType, type Part, parseMessage } from './message.ts'
import type { Position } from './text-footer.ts'
import { decodedBody, textOf } from './transfer-encoding.ts'

const render = (bytes: Uint8Array, text: string, position: Position) =>
  Buffer.concat(renderDraft(addFooter(draftOf(parseMessage(bytes)), text, { position })))
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
const tree = (part: Part): unknown =>
  part.children.length === 0 ? mediaType(part) : [mediaType(part), ...part.children.map(tree)]
const leaves = (message: Message) => [...everyPart(message.root)].filter((part) => part.children.length === 0)

const foot = '____\nTea list\n'

for (const { title, header, body, text = foot, position = 'footer', gives } of [
  { title: 'plain text', header: '', body: 'hello\r\n', gives: 'hello\r\n____\r\nTea list\r\n' },
  {
    title: 'text whose last line just stops',
    header: '',
    body: 'hello',
    gives: 'hello\r\n____\r\nTea list\r\n',
  },
  { title: 'an empty body', header: '', body: '', gives: '____\r\nTea list\r\n' },
  {
    title: 'plain text, above',
    header: '',
    body: 'hello',
    position: 'header' as const,
    gives: '____\r\nTea list\r\nhello',
  },
  {
    title: 'quoted-printable',
    header: 'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable',
    body: 'gr=FCn=20\r\n',
    text: 'Grüße = x',
    gives: 'gr=FCn=20\r\nGr=FC=DFe =3D x\r\n',
  },
  {
    title: 'quoted-printable that ends in a soft break',
    header: 'Content-Transfer-Encoding: quoted-printable',
    body: 'hello=\r\n',
    gives: 'hello=\r\n\r\n____\r\nTea list\r\n',
  },
  {
    title: 'quoted-printable that ends in half a soft break',
    header: 'Content-Transfer-Encoding: quoted-printable',
    body: 'hello=',
    gives: 'hello=\r\n\r\n____\r\nTea list\r\n',
  },
  {
    title: 'base64, only its tail written anew',
    header: 'Content-Transfer-Encoding: base64',
    body: `${Buffer.from('hello\r\n').toString('base64')}\r\n`,
    gives: `aGVsbG8N${Buffer.from('\n____\r\nTea list\r\n').toString('base64')}\r\n`,
  },
  {
    title: 'base64 with lone LF inside',
    header: 'Content-Transfer-Encoding: base64',
    body: Buffer.from('one\ntwo').toString('base64'),
    text: 'foot',
    gives: `b25lCnR3${Buffer.from('o\nfoot\n').toString('base64')}\r\n`,
  },
  {
    title: 'flowed text that flows at its end',
    header: 'Content-Type: text/plain; format=flowed',
    body: 'hello \r\n',
    text: '> quote \n-- \nFrom us',
    gives: 'hello \r\n\r\n > quote\r\n-- \r\n From us\r\n',
  },
])
  test(`addFooter takes ${title}`, () => {
    const bytes = Buffer.from(`X: y\r\n${header === '' ? '' : `${header}\r\n`}\r\n${body}`, 'latin1')
    const after = render(bytes, text, position)
    equal(after.toString('latin1').slice(after.indexOf('\r\n\r\n') + 4), gives)
  })

for (const { title, header, text = foot, gives } of [
  {
    title: 'letters that the charset lacks',
    header: 'Content-Type: text/plain; charset=iso-8859-1',
    text: '日本',
    gives: ['multipart/mixed', 'text/plain', 'text/plain'],
  },
  {
    title: 'an unknown charset',
    header: 'Content-Type: text/plain; charset=x-teapot',
    gives: ['multipart/mixed', 'text/plain', 'text/plain'],
  },
  {
    title: 'UTF-16',
    header: 'Content-Type: text/plain; charset=utf-16',
    gives: ['multipart/mixed', 'text/plain', 'text/plain'],
  },
  { title: 'html', header: 'Content-Type: text/html', gives: ['multipart/mixed', 'text/html', 'text/plain'] },
  {
    title: 'an attachment',
    header: 'Content-Type: text/plain\r\nContent-Disposition: attachment',
    gives: ['multipart/mixed', 'text/plain', 'text/plain'],
  },
])
  test(`addFooter: ${title} leaves the post as a part of its own`, () => {
    const bytes = Buffer.from(`${header}\r\n\r\nhello`)
    const message = parseMessage(render(bytes, text, 'footer'))
    deepEqual(tree(message.root), gives)
    deepEqual(message.defects, [])
    const last = message.root.children.at(-1) as Part
    equal(textOf(message, last).trimEnd(), text.trimEnd().replace(/\n/g, '\r\n'))
  })

test('7bit text takes 8-bit letters of its charset and says so', () => {
  const bytes = Buffer.from(
    'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nhi',
  )
  const after = render(bytes, 'Grüße', 'footer').toString()
  equal(
    after,
    'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nhi\r\nGrüße\r\n',
  )
})

test('an empty text changes nothing, the same text gives the same bytes', () => {
  const draft = draftOf(parseMessage(Buffer.from('Content-Type: text/html\r\n\r\n<p>')))
  equal(addFooter(draft, '', { position: 'footer' }), draft)
  deepEqual(render(draft.message.bytes, foot, 'footer'), render(draft.message.bytes, foot, 'footer'))
})

test('a footer that holds the boundary does not become one', () => {
  const bytes = Buffer.from('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n')
  const message = parseMessage(render(bytes, '--b\n--b--\n', 'footer'))
  deepEqual(tree(message.root), ['multipart/mixed', 'text/plain', 'text/plain'])
  equal(textOf(message, message.root.children[1] as Part), '--b\r\n--b--\r\n')
})

test('header and footer, one after the other, and after other edits', () => {
  const bytes = Buffer.from(
    'Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n',
  )
  const draft = draftOf(parseMessage(bytes))
  const both = addFooter(addFooter(draft, 'above', { position: 'header' }), 'below', { position: 'footer' })
  const message = parseMessage(Buffer.concat(renderDraft(both)))
  deepEqual(tree(message.root), [
    'multipart/mixed',
    'text/plain',
    ['multipart/alternative', 'text/plain'],
    'text/plain',
  ])
  deepEqual(
    leaves(message).map((part) => textOf(message, part)),
    ['above\r\n', 'x', 'below\r\n'],
  )
  const plain = { ...draft, headers: draft.headers.replaced('Content-Type', 'text/plain') }
  const text = Buffer.concat(renderDraft(addFooter(plain, 'below', { position: 'footer' }))).toString()
  ok(text.endsWith('--b--\r\nbelow\r\n'))
})

const folder = new URL('../../test/messages/', import.meta.url)
const samples = readdirSync(folder)
  .filter((name) => name.endsWith('.eml'))
  .map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }))

const umlauts = `${'_'.repeat(47)}\nTee-Liste: Grüße – ☕\nwww.example.org/liste\n`

/** Nothing of the post is lost, and the text is there for a reader to see. */
function check(bytes: Uint8Array, text: string, position: Position) {
  const before = parseMessage(bytes)
  const after = parseMessage(render(bytes, text, position))
  const wanted = text.trim().replace(/\r\n|\r|\n/g, '\r\n')
  const flat = (value: string) => value.replace(/\r?\n/g, '\r\n').replace(/^ /gm, '')
  const isThere = leaves(after).some(
    (part) => mediaType(part) === 'text/plain' && flat(textOf(after, part)).includes(flat(wanted)),
  )
  ok(isThere, 'the text is not there')
  const contents = leaves(after).map((part) => latin1(decodedBody(after, part)))
  for (const part of leaves(before)) {
    const content = latin1(decodedBody(before, part))
    ok(
      contents.some((each) => each.includes(content)),
      'content is lost',
    )
  }
}

for (const { name, bytes } of samples) {
  test(`${name} takes header and footer, and loses nothing`, () => {
    for (const text of [foot, umlauts]) {
      check(bytes, text, 'footer')
      check(bytes, text, 'header')
    }
  })
}

for (const name of [
  'signed-pgp.eml',
  'signed-smime.eml',
  'encrypted-pgp.eml',
  'opaque-smime.eml',
  'dsn.eml',
  'alternative.eml',
]) {
  test(`${name}: the post goes into the wrapping byte for byte`, () => {
    const bytes = samples.find((sample) => sample.name === name)?.bytes ?? Buffer.alloc(0)
    const before = parseMessage(bytes)
    const after = parseMessage(render(bytes, umlauts, 'footer'))
    const [inner] = after.root.children as [Part]
    equal(latin1(after.bytes.subarray(inner.body, inner.end)), latin1(bytes.subarray(before.root.body)))
    deepEqual(inner.contentType, before.root.contentType)
    deepEqual(after.defects, [])
  })
}

test('a header of a hundred thousand fields is wrapped as well', () => {
  const bytes = Buffer.from(`${'Content-:\n'.repeat(100_000)}Content-Type: text/html\n\nx`)
  check(bytes, umlauts, 'footer')
})

test('any text on any post: nothing is lost', () => {
  const pieces = fc.constantFrom(
    '--b', '--b--', '\r\n', '\r\n', ' ', ': ', '=', 'text', 'Content-Type: multipart/mixed; boundary=b\r\n',
    'Content-Type: text/plain; charset=utf-8; format=flowed\r\n', 'Content-Transfer-Encoding: base64\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n', 'VGVh', 'VA==', '=20', '=\r\n', '\r\n\r\n',
  ) // biome-ignore format: a list
  const post = fc.array(pieces, { maxLength: 25 }).map((parts) => Buffer.from(parts.join('')))
  const footer = fc.constantFrom('foot', 'a\nb', 'Grüße', '--b\n--b--', '茶'.repeat(30), 'x'.repeat(1200))
  fc.assert(
    fc.property(fc.oneof(post, fc.uint8Array({ maxLength: 200 })), footer, (bytes, text) => {
      check(bytes, text, 'header')
      if (isCutShort(parseMessage(bytes))) return
      check(bytes, text, 'footer')
    }),
    { numRuns: 1000 },
  )
})
