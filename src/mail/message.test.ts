import { deepEqual, equal, ok } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Defect, everyPart, type Message, mediaType, type Part, parseMessage } from './message.ts'

const lines = (...text: string[]) => Buffer.from(text.join('\r\n'), 'latin1')
const body = ({ bytes }: Message, part: Part) =>
  Buffer.from(bytes.subarray(part.body, part.end)).toString('latin1')
const kinds = ({ defects }: Message) => defects.map(({ kind }: Defect) => kind)
const tree = (part: Part): unknown =>
  part.children.length === 0 ? mediaType(part) : [mediaType(part), ...part.children.map(tree)]

test('a plain message has fields, a body, and no children', () => {
  const message = parseMessage(lines('Subject: hello', ' world', 'X-a :b', '', 'body', ''))
  deepEqual(
    message.root.fields.map(({ name, start, end }) => [name, start, end]),
    [
      ['Subject', 0, 24],
      ['X-a', 24, 32],
    ],
  )
  equal(body(message, message.root), 'body\r\n')
  deepEqual(message.defects, [])
})

for (const { title, text, fields, rest, defects = [] } of [
  { title: 'no bytes at all', text: '', fields: [], rest: '' },
  { title: 'only an empty line', text: '\r\n', fields: [], rest: '' },
  { title: 'an empty line first', text: '\r\nA: b\r\n', fields: [], rest: 'A: b\r\n' },
  { title: 'fields and no body', text: 'A: b\r\nC: d\r\n', fields: ['A', 'C'], rest: '' },
  { title: 'a field that just stops', text: 'A: b', fields: ['A'], rest: '' },
  { title: 'bare LF', text: 'A: b\n c\n\nbody\n', fields: ['A'], rest: 'body\n' },
  { title: 'a lone CR inside a value', text: 'A: b\rC: d\r\n\r\nx', fields: ['A'], rest: 'x' },
  {
    title: 'NUL octets',
    text: 'A: \0\0\r\n\0\r\n',
    fields: ['A'],
    rest: '\0\r\n',
    defects: ['header-not-ended'],
  },
  {
    title: 'no header',
    text: 'Dear all,\r\nbye\r\n',
    fields: [],
    rest: 'Dear all,\r\nbye\r\n',
    defects: ['header-not-ended'],
  },
  {
    title: 'text where a field was due',
    text: 'A: b\r\nfoo\r\nC: d\r\n',
    fields: ['A'],
    rest: 'foo\r\nC: d\r\n',
    defects: ['header-not-ended'],
  },
  {
    title: 'a continuation line first',
    text: ' x\r\nA: b\r\n',
    fields: [],
    rest: ' x\r\nA: b\r\n',
    defects: ['header-not-ended'],
  },
  {
    title: 'an mbox line on top',
    text: 'From ann@example.org Mon\r\nA: b\r\n\r\nx',
    fields: ['A'],
    rest: 'x',
  },
  { title: '8-bit letters in a value', text: 'A: gr\xfc\xdfe\r\n\r\nx', fields: ['A'], rest: 'x' },
  {
    title: 'a blank line of spaces stays in the field',
    text: 'A: b\r\n  \r\nC: d\r\n\r\nx',
    fields: ['A', 'C'],
    rest: 'x',
  },
])
  test(`parseMessage takes ${title}`, () => {
    const message = parseMessage(Buffer.from(text, 'latin1'))
    deepEqual(
      message.root.fields.map(({ name }) => name),
      fields,
    )
    equal(body(message, message.root), rest)
    deepEqual(kinds(message), defects)
  })

const mixed = (boundary: string) => [
  'MIME-Version: 1.0',
  `Content-Type: multipart/mixed; boundary=${boundary}`,
  '',
]

test('a multipart has its parts; preamble and epilogue belong to none', () => {
  const message = parseMessage(
    lines(
      ...mixed('"b c"'),
      'pre',
      '--b c',
      '',
      'one',
      '--b c  ',
      'Content-Type: text/html',
      '',
      'two',
      '',
      '--b c--',
      'epi',
      '',
    ),
  )
  const { root } = message
  deepEqual(tree(root), ['multipart/mixed', 'text/plain', 'text/html'])
  deepEqual(
    root.children.map((part) => body(message, part)),
    ['one', 'two\r\n'],
  )
  equal(Buffer.from(message.bytes).indexOf('--b c--'), root.closing)
  equal(root.end, message.bytes.length)
  deepEqual(kinds(message), [])
})

test('boundaries that begin like each other do not end each other', () => {
  const message = parseMessage(
    lines(
      ...mixed('b'),
      '--b',
      'Content-Type: multipart/alternative; boundary=b1',
      '',
      '--b1',
      '',
      'x',
      '--b1--',
      '--b',
      '',
      'y',
      '--b--',
    ),
  )
  deepEqual(tree(message.root), ['multipart/mixed', ['multipart/alternative', 'text/plain'], 'text/plain'])
  deepEqual(kinds(message), [])
})

test('a boundary that looks like the other one closing belongs to the inner part', () => {
  const message = parseMessage(
    lines(
      ...mixed('b'),
      '--b',
      'Content-Type: multipart/mixed; boundary="b--"',
      '',
      '--b--',
      '',
      'x',
      '--b----',
      '--b--',
    ),
  )
  deepEqual(tree(message.root), ['multipart/mixed', ['multipart/mixed', 'text/plain']])
  deepEqual(kinds(message), [])
})

test('an outer boundary ends an inner multipart that was never closed', () => {
  const message = parseMessage(
    lines(
      ...mixed('o'),
      '--o',
      'Content-Type: multipart/mixed; boundary=i',
      '',
      '--i',
      '',
      'x',
      '--o',
      '',
      'y',
      '--o--',
    ),
  )
  deepEqual(tree(message.root), ['multipart/mixed', ['multipart/mixed', 'text/plain'], 'text/plain'])
  deepEqual(
    message.defects.map(({ kind, depth }) => [kind, depth]),
    [['multipart-not-closed', 1]],
  )
})

test('the same boundary inside itself is the inner one until that closes', () => {
  const inner = ['--b', 'Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'x', '--b--']
  const message = parseMessage(lines(...mixed('b'), ...inner, '--b', '', 'y', '--b--', ''))
  deepEqual(tree(message.root), ['multipart/mixed', ['multipart/mixed', 'text/plain'], 'text/plain'])
})

for (const { title, text, defect } of [
  { title: 'without a boundary', text: ['Content-Type: multipart/mixed', '', 'x'], defect: 'no-boundary' },
  { title: 'whose boundary never comes', text: [...mixed('b'), 'x'], defect: 'boundary-never-seen' },
  { title: 'that is not closed', text: [...mixed('b'), '--b', '', 'x'], defect: 'multipart-not-closed' },
])
  test(`a multipart ${title} says so`, () => {
    const message = parseMessage(lines(...text))
    deepEqual(
      message.defects.map(({ kind, depth }) => [kind, depth]),
      [[defect, 0]],
    )
  })

test('a boundary with a colon ends a part whose header has no end', () => {
  const message = parseMessage(lines(...mixed('"=_:x"'), '--=_:x', 'A: b', '--=_:x', '--=_:x--'))
  deepEqual(
    message.root.children.map(({ fields }) => fields.length),
    [1, 0],
  )
  deepEqual(kinds(message), [])
})

test('parts of a digest are messages, and messages inside messages are read', () => {
  const digest = [
    'Content-Type: multipart/digest; boundary=d',
    '',
    '--d',
    '',
    'Subject: in',
    '',
    'text',
    '--d--',
  ]
  const message = parseMessage(lines(...digest))
  deepEqual(tree(message.root), ['multipart/digest', ['message/rfc822', 'text/plain']])
  const [part] = message.root.children
  deepEqual(
    part?.children[0]?.fields.map(({ name }) => name),
    ['Subject'],
  )
})

test('an encoded message/rfc822 is not looked into', () => {
  const message = parseMessage(
    lines('Content-Type: message/rfc822', 'Content-Transfer-Encoding: BASE64 (why?)', '', 'U3ViamVjdDogeA=='),
  )
  equal(message.root.encoding, 'base64')
  deepEqual(message.root.children, [])
})

test('bounds: a header past 1 MB, too many fields, too many parts, too deep', () => {
  const big = parseMessage(Buffer.from(`A: b\r\nB: ${'x'.repeat(1024 * 1024)}\r\nC: d\r\n\r\nbody`))
  deepEqual([kinds(big), big.root.fields.length], [['header-too-long'], 1])
  const crowd = parseMessage(Buffer.from(`${'a:\n'.repeat(200_001)}\nbody`))
  deepEqual([kinds(crowd), crowd.root.fields.length], [['too-many-fields'], 200_000])
  const parts = parseMessage(lines(...mixed('b'), ...Array(2500).fill('--b\r\n\r\nx'), '--b--'))
  deepEqual(kinds(parts), ['too-many-parts', 'multipart-not-closed'])
  equal([...everyPart(parts.root)].length, 2000)
  equal(parts.root.children.at(-1)?.end, parts.bytes.length)
  const deep = parseMessage(Buffer.from('Content-Type: message/rfc822\r\n\r\n'.repeat(300)))
  deepEqual(kinds(deep), ['too-deep'])
  equal([...everyPart(deep.root)].length, 101)
})

test('hostile bytes take linear time', () => {
  const nested = Array.from(
    { length: 5000 },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`,
  )
  const hostile = [
    lines(...mixed('b'), '--b\r\n'.repeat(200_000)),
    lines(...mixed('b'), '--c\r\n'.repeat(200_000)),
    lines(...mixed('b'), '--b', '', '-'.repeat(10_000_000)),
    lines(...mixed('b'), `--b${' '.repeat(10_000_000)}x`),
    Buffer.from(`A: ${'x'.repeat(10_000_000)}`),
    Buffer.from('x'.repeat(10_000_000)),
    Buffer.from('a:b\r\n'.repeat(100_000)),
    Buffer.from(nested.join('')),
    Buffer.from(`Content-Type: text/plain${';a="'.repeat(200_000)}\r\n\r\n`),
    Buffer.from(`Content-Type: text/plain${'; a*1=x'.repeat(100_000)}\r\n\r\n`),
    Buffer.from(`Content-Type: ${' '.repeat(900_000)}x\r\n\r\n`),
    Buffer.from(`Content-Type: text/plain; b=${' '.repeat(900_000)}x\r\n\r\n`),
    Buffer.from(`A: ${'x\r\n '.repeat(200_000)}\r\n\r\n`),
  ]
  for (const bytes of hostile) {
    const before = process.cpuUsage().user
    parseMessage(bytes)
    const milliseconds = (process.cpuUsage().user - before) / 1000
    ok(milliseconds < 2000, `${milliseconds} ms for ${bytes.toString('latin1', 0, 60)}`)
  }
})

/** Text made of what a MIME parser looks at, so that the random walk gets deep. */
const pieces = fc.constantFrom(
  '--b', '--b--', '--bb', '--', '\r\n', '\r\n', '\n', '\r', '\0', ' ', '\t', ':', 'A: b\r\n', 'From x\r\n', '\xff',
  'Content-Type: multipart/mixed; boundary=b\r\n', 'Content-Type: multipart/digest; boundary="bb"\r\n',
  'Content-Type: message/rfc822\r\n', 'Content-Transfer-Encoding: base64\r\n', 'text',
) // biome-ignore format: a list
const likelyMail = fc.array(pieces, { maxLength: 60 }).map((list) => Buffer.from(list.join(''), 'latin1'))

test('parseMessage never throws, and its offsets tile the bytes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), likelyMail), (bytes) => {
      const { root } = parseMessage(bytes)
      equal(root.start, 0)
      equal(root.end, bytes.length)
      for (const part of everyPart(root)) {
        ok(part.start <= part.fieldsEnd && part.fieldsEnd <= part.body && part.body <= part.end)
        for (const [i, field] of part.fields.entries()) {
          equal(field.end, part.fields[i + 1]?.start ?? part.fieldsEnd)
        }
        let last = part.body
        for (const child of part.children) {
          ok(child.start >= last && child.end <= part.end)
          last = child.end
        }
      }
    }),
    { numRuns: 2000 },
  )
})
