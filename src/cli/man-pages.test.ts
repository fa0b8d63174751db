import { equal, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { sections } from '../config/schema.ts'
import { commands } from './commands.ts'
import { spellingsOf } from './completion/words.ts'
import { manualPages } from './man-pages.ts'

const pages = manualPages(commands, '1.2.3')

test('there is a page for the program, for each command and for the configuration', () => {
  equal(pages.size, commands.length + 2)
  match(pages.get('posthorn.1') ?? '', /^\.TH "POSTHORN" 1 "" "Posthorn 1\.2\.3" "Posthorn"\n/)
  for (const command of commands) {
    const page = pages.get(`posthorn-${command.name}.1`) ?? ''
    for (const word of spellingsOf(command).flatMap(({ words }) => words))
      ok(page.includes(`\\fB${word.replaceAll('-', '\\-')}\\fR`), `${command.name} ${word}`)
  }
  const configuration = pages.get('posthorn.cfg.5') ?? ''
  for (const { title, keys } of Object.values(sections)) {
    ok(configuration.includes(`.SH "[${title.replaceAll('-', '\\-')}]"`), title)
    for (const key of Object.keys(keys)) ok(configuration.includes(`\\fB${key}\\fR`), `${title}.${key}`)
  }
})

test('every line that begins with a dot is a request of man(7)', () => {
  for (const [name, text] of pages)
    for (const line of text.split('\n')) {
      ok(!line.startsWith("'"), `${name}: ${line}`)
      if (line.startsWith('.')) match(line, /^\.(?:TH|SH|TP|PP|B|BR|I|nf|fi)(?: |$)/, name)
      ok(/^[ -~]*$/.test(line), `${name}: ${line}`)
    }
})

const groff = spawnSync('groff', ['--version']).error === undefined
test('groff has nothing to say against them', { skip: groff ? false : 'groff is not installed' }, () => {
  const all = [...pages.values()].join('')
  const ran = spawnSync('groff', ['-man', '-ww', '-z'], { input: all, encoding: 'utf8' })
  equal(ran.stderr, '')
  equal(ran.status, 0)
})
