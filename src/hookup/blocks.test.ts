import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ConfigurationFile, Setting } from '../model/hookup.ts'
import { withBlocks, withoutBlocks } from './blocks.ts'

const path = '/etc/mail.cf'
const setting = (line: string, replaces: readonly number[] = []): Setting => ({
  lines: [line],
  why: 'Because.',
  replaces,
})
const block = (
  settings: readonly Setting[],
  place: ConfigurationFile['place'] = 'end',
  comment = '#',
): ConfigurationFile => ({ path, kind: 'block', comment, place, settings, mode: 0o644 })

const begin =
  "# posthorn hookup begin (replaced by the next 'posthorn hookup'; your own lines belong outside)\n"
const end = '# posthorn hookup end\n'

function joined(text: string | null, ...files: ConfigurationFile[]): string {
  const result = withBlocks(text, files)
  ok('text' in result, JSON.stringify(result))
  return result.text
}

for (const { title, text, files, wanted } of [
  {
    title: 'goes to the end of a file without a last line end',
    text: 'a = 1',
    files: [block([setting('b = 2')])],
    wanted: `a = 1\n${begin}# Because.\nb = 2\n${end.trimEnd()} (the line above this block had no line end)\n`,
  },
  {
    title: 'stands above a last line without line end',
    text: 'begin routers\nr',
    files: [block([setting('router')], { after: /^begin routers/ })],
    wanted: `begin routers\n${begin}# Because.\nrouter\n${end}r`,
  },
  {
    title: 'makes a file that is not there',
    text: null,
    files: [block([setting('b = 2')])],
    wanted: `${begin}# Because.\nb = 2\n${end}`,
  },
  {
    title: 'leaves the lines that it replaces as comments, each where it stood',
    text: 'a = 1\n  2\nb = 3\n',
    files: [block([setting('a = 4', [1, 2])])],
    wanted: `# posthorn was: a = 1\n# posthorn was:   2\nb = 3\n${begin}# Because.\na = 4\n${end}`,
  },
  {
    title: 'stands before or behind a line, and there may be several in one file',
    text: 'begin routers\nr\nbegin transports\nt\n',
    files: [
      block([setting('macro')], { before: /^begin routers/ }),
      block([setting('router')], { after: /^begin routers/ }),
      block([setting('transport')], { after: /^begin transports/ }),
    ],
    wanted: `${begin}# Because.\nmacro\n${end}begin routers\n${begin}# Because.\nrouter\n${end}r\nbegin transports\n${begin}# Because.\ntransport\n${end}t\n`,
  },
  {
    title: 'uses the comment of its file',
    text: 'x\n',
    files: [block([setting('y', [1])], 'end', 'dnl')],
    wanted: `dnl posthorn was: x\n${begin.replace('#', 'dnl')}dnl Because.\ny\n${end.replace('#', 'dnl')}`,
  },
])
  test(`a block ${title}, and the same again changes nothing`, () => {
    const once = joined(text, ...files)
    equal(once, wanted)
    equal(joined(once, ...files), wanted)
    equal(withoutBlocks(once, files[0]?.comment ?? '#'), text ?? '')
  })

test('a long reason is several lines of comment', () => {
  const words = Array.from({ length: 60 }, () => 'because').join(' ')
  const text = joined('', block([{ lines: ['x'], why: words, replaces: [] }]))
  const reasons = text.split('\n').slice(1, -3)
  ok(reasons.length > 1 && reasons.every((line) => line.startsWith('# because') && line.length <= 110))
})

for (const { title, text, files, words } of [
  {
    title: 'a block whose end is missing',
    text: `a\n${begin}b\n`,
    files: [block([setting('c')])],
    words: /no line '# posthorn hookup end'/,
  },
  {
    title: 'a block whose beginning is missing',
    text: `a\nb\n${end}c\n`,
    files: [block([setting('c')])],
    words: /:3: .* no line '# posthorn hookup begin' before it/,
  },
  {
    title: 'a block whose end is missing before another block',
    text: `${begin}b\nmine\n${begin}c\n${end}`,
    files: [block([setting('c')])],
    words: /:1: .* no line '# posthorn hookup end'/,
  },
  {
    title: 'a place that is not there',
    text: 'a\n',
    files: [block([setting('c')], { after: /^begin routers/ })],
    words: /no line like '\^begin routers'/,
  },
  {
    title: 'a file of somebody else where ours should be',
    text: 'theirs\n',
    files: [{ ...block([setting('c')]), kind: 'whole' } as const],
    words: /was not made by/,
  },
])
  test(`${title} is refused with words`, () => {
    const result = withBlocks(text, files)
    ok('refusal' in result)
    ok(result.refusal.startsWith(path))
    ok(words.test(result.refusal), result.refusal)
  })

test('a file of our own is replaced as a whole', () => {
  const whole = (line: string): ConfigurationFile => ({ ...block([setting(line)]), kind: 'whole' })
  const first = joined(null, whole('one'))
  equal(joined(first, whole('two')), first.replace('one', 'two'))
  const bare: ConfigurationFile = { ...whole('|command'), comment: '' }
  equal(joined(null, bare), '|command\n')
  deepEqual(withBlocks('|command\n', [bare]), { text: '|command\n' })
})

test('whatever stood there and whatever is replaced, taking the block out gives the text back', () => {
  const line = fc.stringMatching(/^[a-z#= ]{0,12}$/)
  fc.assert(
    fc.property(fc.array(line), fc.array(line), fc.array(fc.nat(12)), fc.boolean(), (...drawn) => {
      const [lines, first, replaces, isEnded] = drawn
      const text = lines
        .map((each) => `${each}\n`)
        .join('')
        .slice(0, isEnded ? undefined : -1)
      const wanted = first.map((each, at) => setting(each, at === 0 ? replaces : []))
      const once = joined(text, block(wanted))
      equal(withoutBlocks(once, '#'), text)
      equal(joined(joined(once, block([setting('other', [1])])), block(wanted)), once)
    }),
  )
})
