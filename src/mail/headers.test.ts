import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { Headers } from './headers.ts'
import { parseMessage } from './message.ts'

const headers = (text: string) => Headers.of(parseMessage(Buffer.from(text, 'latin1')))
const text = (value: Headers) => Buffer.from(value.toBytes()).toString('latin1')

const odd = 'from: a@example.org\nX-Odd :\tone\n\t two\r\nRECEIVED: x\r\n by y\r\nReceived: z\r\n\r\n'

test('reading is without case, unfolded, in order', () => {
  const value = headers(odd)
  equal(value.get('From'), 'a@example.org')
  equal(value.get('x-odd'), 'one\t two')
  deepEqual(value.all('received'), ['x by y', 'z'])
  equal(value.get('None'), null)
  ok(value.has('FROM') && !value.has('To'))
  deepEqual(value.names(), ['from', 'X-Odd', 'RECEIVED', 'Received'])
})

test('8-bit values read as UTF-8, else as Latin-1; decoded() decodes words', () => {
  const value = headers(
    'A: gr\xc3\xbc\xc3\x9fe\r\nB: gr\xfc\xdfe\r\nSubject: =?utf-8?q?gr=C3=BC?=\r\n =?utf-8?q?=C3=9Fe?=\r\n\r\n',
  )
  deepEqual([value.get('a'), value.get('b'), value.decoded('subject')], ['grüße', 'grüße', 'grüße'])
})

for (const { title, edit, gives } of [
  { title: 'no edit gives the same bytes', edit: (h: Headers) => h, gives: odd },
  {
    title: 'with adds below',
    edit: (h: Headers) => h.with('List-Id', '<tea.example.org>'),
    gives: odd.replace('z\r\n', 'z\r\nList-Id: <tea.example.org>\r\n'),
  },
  { title: 'withFirst adds on top', edit: (h: Headers) => h.withFirst('X', '1'), gives: `X: 1\r\n${odd}` },
  {
    title: 'without drops all of a name',
    edit: (h: Headers) => h.without('Received', 'none'),
    gives: 'from: a@example.org\nX-Odd :\tone\n\t two\r\n\r\n',
  },
  {
    title: 'replaced keeps the place of the first and drops the others',
    edit: (h: Headers) => h.replaced('received', 'n'),
    gives: 'from: a@example.org\nX-Odd :\tone\n\t two\r\nreceived: n\r\n\r\n',
  },
  {
    title: 'replaced adds below where there was none',
    edit: (h: Headers) => h.replaced('To', 'b@example.org'),
    gives: odd.replace('z\r\n', 'z\r\nTo: b@example.org\r\n'),
  },
  {
    title: 'finished fields go on top as they are',
    edit: (h: Headers) => h.withFieldsFirst(Buffer.from('DKIM-Signature: a;\r\n\t  b\r\n')),
    gives: `DKIM-Signature: a;\r\n\t  b\r\n${odd}`,
  },
])
  test(`Headers: ${title}`, () => {
    const before = headers(odd)
    equal(text(edit(before)), gives)
    equal(text(before), odd)
  })

for (const { title, from, gives } of [
  { title: 'a header that just stops', from: 'A: b', gives: 'A: b\r\nX: 1\r\n\r\n' },
  { title: 'a header without an empty line', from: 'A: b\r\ntext', gives: 'A: b\r\nX: 1\r\n\r\n' },
  { title: 'no header at all', from: 'text', gives: 'X: 1\r\n\r\n' },
  { title: 'only an empty line', from: '\nbody', gives: 'X: 1\r\n\n' },
  { title: 'an mbox line, which stays on top', from: 'From x\nA: b\n\n', gives: 'From x\nA: b\nX: 1\r\n\n' },
])
  test(`an added field stays a field after ${title}`, () => equal(text(headers(from).with('X', '1')), gives))

test('the mbox line can be dropped', () => {
  equal(text(headers('From x\nA: b\n\n').withoutMboxLine()), 'A: b\n\n')
})

test('values are encoded by need: text as encoded words, addresses as UTF-8', () => {
  const subject = text(Headers.none.with('Subject', 'Grüße'))
  equal(subject, 'Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n\r\n')
  const to = Headers.none.with('To', '=?UTF-8?B?R3LDvMOfZQ==?= <grüße@example.org>').toBytes()
  equal(Buffer.from(to).toString('utf8'), 'To: =?UTF-8?B?R3LDvMOfZQ==?= <grüße@example.org>\r\n\r\n')
})

test('no value ends its field: CR, LF and NUL do not pass', () => {
  const value = Headers.none.with('Subject', 'x\r\nBcc: y@example.org\r\n\r\nbody\0')
  equal(text(value), 'Subject: x Bcc: y@example.org body\r\n\r\n')
})

test('a name that is none is our fault', () => {
  for (const name of ['', 'a b', 'a:', 'a\r\nB', 'ü'])
    throws(() => Headers.none.with(name, 'x'), /not a header field name/)
  for (const bytes of ['', 'x', 'A: b', 'A: b\r\n\r\n', 'A: b\r\nx\r\n'].slice(1)) {
    throws(() => Headers.none.withFieldsFirst(Buffer.from(bytes)), /not whole header fields/)
  }
})

const anyName = fc.stringMatching(/^[!-9;-~]{1,20}$/)
const anyValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 3000 }),
  fc
    .array(
      fc.constantFrom(
        '\r',
        '\n',
        ' ',
        '\t',
        '\0',
        ':',
        'a',
        'word',
        'ü',
        '=?',
        'x'.repeat(1200),
        ' '.repeat(90),
      ),
      { maxLength: 80 },
    )
    .map((x) => x.join('')),
)

test('whatever the value, one field comes out: lines within 998, the text as given', () => {
  fc.assert(
    fc.property(anyName, anyValue, (name, value) => {
      const bytes = Buffer.from(Headers.none.with('A', '1').with(name, value).with('B', '2').toBytes())
      const message = parseMessage(bytes)
      deepEqual(
        message.root.fields.map((field) => field.name),
        ['A', name, 'B'],
      )
      equal(message.root.body, bytes.length)
      for (const line of bytes.toString('latin1').split('\r\n')) {
        ok(line.length <= 998 && !/[\r\n\0]/.test(line))
      }
      const flat = value
        .replaceAll('\0', '')
        .replace(/[\r\n]+/g, ' ')
        .replace(/[ \t]{65,}/g, ' ')
        .replace(/^[ \t]+|[ \t]+$/g, '')
      const subject = Headers.none.with('Subject', value).toBytes()
      if (!/[!-~]{900}/.test(flat)) equal(Headers.of(parseMessage(subject)).decoded('Subject'), flat)
    }),
    { numRuns: 500 },
  )
})

test('lines break at 78 where there is a blank to break at', () => {
  const folded = text(
    Headers.none.with(
      'References',
      Array.from({ length: 50 }, (_, i) => `<${i}.long@mail.example.org>`).join(' '),
    ),
  )
  for (const line of folded.split('\r\n')) ok(line.length <= 78, line)
  const subject = text(Headers.none.with('Subject', 'ünicode wörds '.repeat(50)))
  for (const line of subject.split('\r\n')) ok(line.length <= 78, line)
})

test('editing a huge header takes linear time', () => {
  const words = ['ü', ' ', ' ü', '\t', 'a ', '"', '\r\n ', '=?', 'x', '=?utf-8?q?a?= ']
  for (const word of words) {
    const value = word.repeat(500_000 / word.length)
    const before = process.cpuUsage().user
    const made = Headers.none.with('Subject', value).with('To', value).toBytes()
    Headers.of(parseMessage(Buffer.from(made))).decoded('Subject')
    ok(process.cpuUsage().user - before < 2_000_000, JSON.stringify(word))
  }
})
