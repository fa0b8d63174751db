import { deepEqual, equal, match } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkRfcs, citationsOf } from './check-rfcs.ts'

/** A fresh tree: one source file, and one row for each string. */
function tree(t: TestContext, source: string, ...rows: string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'check-rfcs-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const folder of ['src', 'docs']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'src/wire.ts'), source)
  writeFileSync(
    join(root, 'docs/rfcs.md'),
    ['# RFCs', '', '| RFC | title | done | what |', '|---|---|---|---|', ...rows].join('\n'),
  )
  return root
}

for (const { title, source, rows, findings } of [
  {
    title: 'a cited RFC with a row passes',
    source: '// RFC 5321 §2.4',
    rows: ['| 5321 | SMTP | yes | all |'],
    findings: [],
  },
  {
    title: 'the number may be a link',
    source: '// RFC 822',
    rows: ['| [822](https://example.org) | x | no | y |'],
    findings: [],
  },
  {
    title: 'a cited RFC without a row is told where it is first cited',
    source: '// x\n// RFC 2033 §4.2\n// RFC 2033',
    rows: [],
    findings: ['src/wire.ts:2: RFC 2033 has no row in docs/rfcs.md: say there what of it is done'],
  },
  {
    title: 'a row that nothing cites is told',
    source: '',
    rows: ['| 5321 | SMTP | yes | all |'],
    findings: [
      'docs/rfcs.md:5: RFC 5321 is cited nowhere in src/: take the row out, or cite it where the decision is taken',
    ],
  },
  {
    title: 'the mark is yes, partly or no',
    source: '// RFC 5321',
    rows: ['| 5321 | SMTP | mostly | all |'],
    findings: ["docs/rfcs.md:5: RFC 5321 is marked 'mostly': write yes, partly or no"],
  },
  {
    title: 'a row says what is done',
    source: '// RFC 5321',
    rows: ['| 5321 | SMTP | yes | |'],
    findings: ['docs/rfcs.md:5: RFC 5321 lacks the phrase that says what of it is done'],
  },
  {
    title: 'an RFC has one row',
    source: '// RFC 5321',
    rows: ['| 5321 | SMTP | yes | all |', '| 5321 | SMTP | no | none |'],
    findings: ['docs/rfcs.md:6: RFC 5321 has two rows'],
  },
]) {
  test(`check-rfcs: ${title}`, (t) => deepEqual(checkRfcs(tree(t, source, ...rows)), findings))
}

test('check-rfcs: a list in brackets cites each of its numbers, a count after a comma is none', () => {
  const cited = (text: string) => citationsOf(text).map(({ rfc }) => rfc)
  deepEqual(cited('(RFC 5322, 2045, 3464)'), [5322, 2045, 3464])
  deepEqual(cited('RFC 5321 §4.5.3.1.8, 1000 recipients; RFC 6531'), [5321, 6531])
  deepEqual(cited('RFC 5321, 1000 recipients'), [5321])
})

test('check-rfcs: as a program it leaves with 1 on findings, 0 without, 2 on wrong use', (t) => {
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'check-rfcs.ts'), ...words], { encoding: 'utf8' })
  const bad = run(tree(t, '// RFC 5321'))
  equal(bad.status, 1)
  match(bad.stdout, /^src\/wire\.ts:1: RFC 5321 has no row/)
  equal(run(tree(t, '')).status, 0)
  equal(run('--fast').status, 2)
})
