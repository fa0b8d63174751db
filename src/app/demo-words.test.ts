import { deepEqual, equal, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../config/config.ts'
import { configurationText, copyLines, welcomeLines } from './demo-words.ts'

const folder = mkdtempSync(join(tmpdir(), 'posthorn-demo-words-'))
after(() => rmSync(folder, { recursive: true }))

test("the demo's configuration is one that Posthorn reads, without a warning", () => {
  const directory = join(folder, 'tea and milk')
  mkdirSync(directory)
  const file = join(directory, 'posthorn.cfg')
  writeFileSync(file, configurationText({ directory, lmtpPort: 18024, smtpPort: 12525, webPort: 18080 }))
  const loaded = loadConfig({ explicit: file, environment: {}, cwd: '/', home: null, effectiveUid: 1000 })
  ok('config' in loaded, JSON.stringify(loaded))
  const { mta, paths, warnings, web } = loaded.config
  deepEqual(warnings, [])
  equal(paths.varDir, directory)
  deepEqual(
    [mta.lmtpHost, mta.lmtpPort, mta.smtpHost, mta.smtpPort],
    ['127.0.0.1', 18024, '127.0.0.1', 12525],
  )
  deepEqual(web.listen, { kind: 'tcp', host: '127.0.0.1', port: 18080 })
})

for (const { title, directory, shown } of [
  {
    title: 'below the current directory is short',
    directory: '/home/ann/.demo',
    shown: '.demo/posthorn.cfg',
  },
  { title: 'elsewhere is whole', directory: '/tmp/demo', shown: '/tmp/demo/posthorn.cfg' },
  { title: 'with blanks is quoted', directory: '/home/ann/a b', shown: "'a b/posthorn.cfg'" },
  { title: 'with a quote is quoted', directory: "/home/ann/a'b", shown: "'a'\\''b/posthorn.cfg'" },
]) {
  test(`a folder ${title}`, () => {
    const lines = welcomeLines({ directory, lmtpPort: 8024, webPort: 8080, cwd: '/home/ann' })
    ok(
      lines.some((line) => line.endsWith(`-C ${shown} status`)),
      lines.join('\n'),
    )
  })
}

test('the lines to type are shell that says what it should', () => {
  const lines = welcomeLines({ directory: "/tmp/a'b", lmtpPort: 8024, webPort: 8080, cwd: '/elsewhere' })
  const start = lines.findIndex((line) => line.includes('printf'))
  const [print = '', inject = ''] = lines.slice(start, start + 2)
  const message = execFileSync('sh', ['-c', print.replace(/\| \\$/, '')], { encoding: 'utf8' })
  equal(
    message,
    'From: Ann <ann@example.org>\nTo: tea@lists.example.test\nSubject: First flush\n\nThe Darjeeling is here.\n',
  )
  const words = execFileSync('sh', ['-c', `printf '%s\\n' ${inject}`], { encoding: 'utf8' }).split('\n')
  deepEqual(words.slice(1, -1), ['-C', "/tmp/a'b/posthorn.cfg", 'inject', 'tea@lists.example.test'])
})

test('a copy is shown with its envelope, its subject and its first lines', () => {
  deepEqual(
    copyLines({
      number: 2,
      sender: '<>',
      recipients: ['ann@example.org', 'ben@example.net'],
      subject: 'tea',
      lines: ['one', 'two'],
    }),
    [
      '',
      'Copy 2 for ann@example.org, ben@example.net',
      '  envelope sender: <>',
      '  Subject: tea',
      '  | one',
      '  | two',
    ],
  )
})
