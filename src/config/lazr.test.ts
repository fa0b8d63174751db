// What the syntax means, by tables, and that no text makes the reader throw.
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { loadLazr, parseLazr } from './lazr.ts'
import { formatMistake } from './mistake.ts'

const read = (text: string) => {
  const { sections } = parseLazr(text, 'x.cfg')
  return Object.fromEntries(
    [...sections].map(([name, { values }]) => [
      name,
      Object.fromEntries([...values].map(([key, value]) => [key, value.text])),
    ]),
  )
}

for (const { title, text, sections } of [
  {
    title: 'a colon or an equals sign ends a key',
    text: '[a]\nx: 1\ny = 2\nz=a:b\n',
    sections: { a: { x: '1', y: '2', z: 'a:b' } },
  },
  {
    title: 'keys are folded, sections are not',
    text: '[Mta]\nLMTP_Port: 1\n',
    sections: { Mta: { lmtp_port: '1' } },
  },
  {
    title: 'an indented line goes on',
    text: '[a]\nx: one\n  two\n\tthree\n',
    sections: { a: { x: 'one\ntwo\nthree' } },
  },
  {
    title: 'an indented key is a key when it is not deeper',
    text: '[a]\n  x: 1\n  y: 2\n',
    sections: { a: { x: '1', y: '2' } },
  },
  {
    title: 'comments stand at the start of a line only',
    text: '# c\n; c\n[a]\nx: 1 # 2\n  # c\n  3\n',
    sections: { a: { x: '1 # 2\n3' } },
  },
  {
    title: 'an empty line does not end a value',
    text: '[a]\nx: 1\n\n 2\n\n\ny: 3\n',
    sections: { a: { x: '1\n\n2', y: '3' } },
  },
  {
    title: 'a section that comes again adds to the first',
    text: '[a]\nx: 1\ny: 1\n[b]\n[a]\nx: 2\n',
    sections: { a: { x: '2', y: '1' }, b: {} },
  },
  { title: 'the later of two keys counts', text: '[a]\nx: 1\nx: 2\n', sections: { a: { x: '2' } } },
  {
    title: 'a byte order mark and CRLF are taken',
    text: '\u{feff}[a]\r\nx: 1\r\n y\r\n',
    sections: { a: { x: '1\ny' } },
  },
  { title: 'percent signs and dollars stay', text: '[a]\nx: %(x)s $y\n', sections: { a: { x: '%(x)s $y' } } },
  { title: 'text after the bracket is ignored', text: '[a] # b\nx: 1\n', sections: { a: { x: '1' } } },
  { title: 'an empty value is an empty text', text: '[a]\nx:\n', sections: { a: { x: '' } } },
  {
    title: 'names of the language are plain keys',
    text: '[__proto__]\nconstructor: 1\n',
    sections: JSON.parse('{"__proto__":{"constructor":"1"}}'),
  },
])
  test(`lazr: ${title}`, () => deepEqual(read(text), sections))

for (const { title, text, mistakes } of [
  {
    title: 'a line that is neither',
    text: '[a]\nfoo bar\n',
    mistakes: ["x.cfg:2: 'foo bar' is neither section nor value; accepted: key: value"],
  },
  {
    title: 'a key before any section',
    text: 'x: 1\n[a]\n',
    mistakes: ["x.cfg:1: 'x' stands before the first section; write its [section] above"],
  },
  {
    title: 'an open bracket',
    text: '[a\nx: 1\n',
    mistakes: [
      "x.cfg:1: '[a' has no ]; accepted: [section]",
      "x.cfg:2: 'x' stands before the first section; write its [section] above",
    ],
  },
  {
    title: 'a value without key',
    text: '[a]\n: 1\n',
    mistakes: ["x.cfg:2: ': 1' is neither section nor value; accepted: key: value"],
  },
])
  test(`lazr: ${title} is told with file and line`, () =>
    deepEqual(parseLazr(text, 'x.cfg').mistakes.map(formatMistake), mistakes))

test('lazr: an indented section is warned of, a character class is not', () => {
  const { warnings } = parseLazr('[a]\nx: 1\n  [b]\ny:\n  [-_.0-9a-z]\n', 'x.cfg')
  deepEqual(
    warnings.map(({ line }) => line),
    [3],
  )
})

test('lazr: any text is read without a throw, and every value knows a line of the text', () => {
  const line = fc.oneof(fc.constantFrom('[a]', 'x: 1', '  y', '', '# c', ' [b]', 'k = v', '['), fc.string())
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const { sections } = parseLazr(lines.join('\n'), 'x.cfg')
      const count = lines.join('\n').split(/\r\n|\n|\r/).length
      for (const { values } of sections.values()) {
        for (const { place } of values.values()) equal(place.line >= 1 && place.line <= count, true)
      }
    }),
  )
})

test('lazr: sections that are written come back', () => {
  const word = fc.stringMatching(/^[a-z][a-z_]{0,8}$/)
  const value = fc.stringMatching(/^(?:[!-~](?:[ -~]*[!-~])?)?$/)
  fc.assert(
    fc.property(
      fc.dictionary(word, fc.dictionary(word, value, { minKeys: 1, noNullPrototype: true }), {
        noNullPrototype: true,
      }),
      (sections) => {
        const text = Object.entries(sections).map(([name, values]) =>
          [`[${name}]`, ...Object.entries(values).map(([key, text]) => `${key}: ${text}`)].join('\n'),
        )
        deepEqual(read(text.join('\n')), sections)
      },
    ),
  )
})

const base = mkdtempSync(join(tmpdir(), 'posthorn-lazr-'))
after(() => rmSync(base, { recursive: true }))

const folder = (files: Readonly<Record<string, string | Uint8Array>>): string => {
  const dir = mkdtempSync(join(base, 'x-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

test('lazr: [meta] extends reads the other file first, relative to this one', () => {
  const dir = folder({ 'base.cfg': '[a]\nx: 1\ny: 1\n', 'own.cfg': '[meta]\nextends: base.cfg\n[a]\nx: 2\n' })
  const { sections, files, mistakes } = loadLazr(join(dir, 'own.cfg'), readFileSync)
  deepEqual(mistakes, [])
  deepEqual(files, [join(dir, 'own.cfg'), join(dir, 'base.cfg')])
  equal(sections.get('a')?.values.get('x')?.text, '2')
  deepEqual(sections.get('a')?.values.get('y')?.place, { file: join(dir, 'base.cfg'), line: 3 })
})

for (const { title, files, told } of [
  {
    title: 'a circle of files',
    files: { 'own.cfg': '[meta]\nextends: b.cfg\n', 'b.cfg': '[meta]\nextends: own.cfg\n' },
    told: /b\.cfg:2: meta\.extends: .*a circle; remove one of them/,
  },
  {
    title: 'a missing file',
    files: { 'own.cfg': '[meta]\nextends: b.cfg\n' },
    told: /own\.cfg:2: meta\.extends: .*b\.cfg does not exist/,
  },
  {
    title: 'a file in another charset',
    files: { 'own.cfg': Uint8Array.from([0x5b, 0x61, 0x5d, 0x0a, 0xe9, 0x3a]) },
    told: /own\.cfg is not UTF-8 text; save it as UTF-8/,
  },
])
  test(`lazr: ${title} is a mistake, not a throw`, () => {
    const { mistakes } = loadLazr(
      join(folder(files as Readonly<Record<string, string>>), 'own.cfg'),
      readFileSync,
    )
    equal(mistakes.length, 1)
    match(mistakes.map(formatMistake).join(), told)
  })
