import { deepEqual, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { exampleFacts } from '../../../test/support/example-facts.ts'
import type { HostFacts } from '../../model/hookup.ts'
import { parseSmtpdConf, type SmtpdConfiguration } from './opensmtpd-configuration.ts'
import { opensmtpdRecipe } from './opensmtpd-recipe.ts'

const facts: HostFacts = { ...exampleFacts, incoming: ['opensmtpd'] }
const shared = [{ mailHost: 'example.org', aliasDomain: null, listOnly: false, listNames: ['tea'] }]
const path = '/etc/smtpd.conf'
const conf = (text: string): SmtpdConfiguration => ({
  path,
  changed: 0,
  missing: [],
  statements: parseSmtpdConf(text, path, new Map()),
})
const usual = conf('listen on localhost\naction "out" relay\nmatch from local for any action "out"\n')
const linesOf = (given: HostFacts, there = usual): readonly string[] =>
  opensmtpdRecipe(given, path, there).files.flatMap(({ settings }) => settings.flatMap(({ lines }) => lines))
const page = readFileSync(new URL('../../../docs/opensmtpd.md', import.meta.url), 'utf8')

test('the manual has the very lines', () => {
  const block = linesOf(facts)
    .map((line) => `    ${line}\n`)
    .join('')
  ok(page.includes(block), block)
  for (const line of linesOf({ ...facts, domains: shared })) ok(page.includes(`    ${line}\n`), line)
})

test('the lines stand before the first match', () => {
  const place = opensmtpdRecipe(facts, path, usual).files[0]?.place
  ok(typeof place === 'object' && 'before' in place)
  ok(place.before.test('match from local for any action "out"'))
  ok(!place.before.test('action "match" relay'))
})

for (const { title, given, line } of [
  {
    title: 'IPv6',
    given: { lmtp: { host: '::1', port: 8024, socket: null } },
    line: /"lmtp:\/\/\[::1\]:8024"/,
  },
  {
    title: 'a listener on all addresses',
    given: { lmtp: { host: '0.0.0.0', port: 24, socket: null } },
    line: /"lmtp:\/\/127\.0\.0\.1:24"/,
  },
  {
    title: 'Posthorn on another machine',
    given: { lmtp: { host: '192.0.2.7', port: 8024, socket: null } },
    line: /^match from src "192\.0\.2\.7" for any action "out"$/m,
  },
])
  test(`the lines fit ${title}`, () => match(linesOf({ ...facts, ...given }).join('\n'), line))

test('where no rule relays yet, one for Posthorn on another machine is made', () => {
  const given = { ...facts, lmtp: { host: '192.0.2.7', port: 8024, socket: null } }
  match(
    linesOf(given, conf('')).join('\n'),
    /^action "posthorn_out" relay\nmatch from src "192\.0\.2\.7" for any action "posthorn_out"$/m,
  )
})

test('what cannot be is refused with words, and no line is given', () => {
  const included: SmtpdConfiguration = {
    ...usual,
    statements: usual.statements.map((one) => ({ ...one, file: '/etc/smtpd.rules' })),
  }
  for (const [given, there, way, words] of [
    [{ ...facts, domains: [] }, usual, undefined, /no domain yet/],
    [facts, null, undefined, /is not there/],
    [facts, usual, 'lookup', /--way lookup/],
    [facts, included, undefined, /\/etc\/smtpd\.rules/],
  ] as const) {
    const { refusals, files } = opensmtpdRecipe(given, path, there, way)
    match(refusals.join(), words)
    deepEqual(files, [])
  }
})

test('who is not root is told how smtpctl obeys', () => {
  match(
    opensmtpdRecipe(facts, path, usual).notes.join('\n'),
    /list ALL=\(root\) NOPASSWD: \/usr\/sbin\/smtpctl/,
  )
  const root = { ...facts, account: { user: 'root', group: 'root' } }
  ok(!/sudo/.test(opensmtpdRecipe(root, path, usual).notes.join('\n')))
})
