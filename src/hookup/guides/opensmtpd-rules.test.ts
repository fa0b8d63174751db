import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSmtpdConf } from './opensmtpd-configuration.ts'
import { decide, type Probe, rulesOf } from './opensmtpd-rules.ts'
import type { Table } from './opensmtpd-tables.ts'

const parse = (text: string, macros = new Map<string, string>()) =>
  parseSmtpdConf(text, '/etc/smtpd.conf', macros)

test('statements keep their lines through remarks, braces, macros and continued lines', () => {
  const text = [
    '# a remark',
    'lan = "192.0.2.0/24"',
    'table domains { "a.test", # one',
    '  "b.test" }',
    'listen on lo \\',
    '  port 25 # remark',
    'match from src $lan for any action "out # no remark"',
  ].join('\n')
  deepEqual(
    parse(text).map(({ line, words }) => [line, ...words]),
    [
      [3, 'table', 'domains', '{', 'a.test', ',', 'b.test', '}'],
      [5, 'listen', 'on', 'lo', 'port', '25'],
      [7, 'match', 'from', 'src', '192.0.2.0/24', 'for', 'any', 'action', 'out # no remark'],
    ],
  )
})

test('no text is too odd to be read', () => {
  const odd = fc.array(
    fc.constantFrom('match', 'from', '!', '<', '>', '{', '}', '"', "'", '\\', '\n', '#', ' ', '=', '$a', 'x'),
  )
  fc.assert(fc.property(odd, (parts) => void rulesOf(parse(parts.join(' ')))))
  fc.assert(fc.property(fc.string(), (words) => void rulesOf(parse(words))))
})

const table = (name: string, entries: readonly string[] | null): readonly [string, Table] => [
  name,
  {
    name,
    statement: { file: '', line: 1, text: '', words: [] },
    kind: 'static',
    path: null,
    entries,
    facts: null,
  },
]
const tables = new Map([
  table('domains', ['lists.test', '*.lists.test']),
  table('lists', ['^tea(-bounces)?(\\+[^@]*)?@lists\\.test$']),
  table('people', ['ann@example.test', '@friends.test']),
  table('net', ['192.0.2.0/24', '203.0.113.7']),
  table('sql', null),
])
const post: Probe = { client: '198.51.100.1', sender: 'ann@example.test', recipient: 'tea@lists.test' }

for (const { rule, probe = {}, action, sure = true } of [
  { rule: 'match from any for domain <domains> action "a"', action: 'a' },
  { rule: 'match for domain <domains> action "a"', action: null },
  { rule: 'match for domain <domains> action "a"', probe: { client: 'local' }, action: 'a' },
  { rule: 'match from any action "a"', action: null },
  { rule: 'match from any for local action "a"', probe: { recipient: 'x@localhost' }, action: 'a' },
  { rule: 'match from any for domain "*.lists.test" action "a"', action: null },
  {
    rule: 'match from any for domain <domains> action "a"',
    probe: { recipient: 'x@deep.lists.test' },
    action: 'a',
  },
  { rule: 'match from any for domain regex "^lists" action "a"', action: 'a' },
  {
    rule: 'match from any for domain "lists.test" rcpt-to regex <lists> action "a"',
    probe: { recipient: 'TEA-bounces+x@lists.test' },
    action: 'a',
  },
  {
    rule: 'match from any for domain "lists.test" rcpt-to regex <lists> action "a"',
    probe: { recipient: 'milk@lists.test' },
    action: null,
  },
  { rule: 'match from any for domain "lists.test" rcpt-to <lists> action "a"', action: null },
  { rule: 'match from any for rcpt-to "tea@lists.test" action "a"', action: 'a' },
  { rule: 'match !from local for any action "a"', action: 'a' },
  { rule: 'match from any !for domain <domains> action "a"', action: null },
  { rule: 'match from mail-from <people> for any action "a"', action: 'a' },
  {
    rule: 'match from any mail-from <people> for any action "a"',
    probe: { sender: 'x@friends.test' },
    action: 'a',
  },
  { rule: 'match from src <net> for any action "a"', probe: { client: '192.0.2.200' }, action: 'a' },
  { rule: 'match from src <net> for any action "a"', probe: { client: '192.0.3.1' }, action: null },
  { rule: 'match from auth for any action "a"', action: null },
  { rule: 'match auth from any for any action "a"', action: null },
  { rule: 'match tls from any for any action "a"', action: null },
  { rule: 'match from any for domain <sql> action "a"', action: null, sure: false },
  {
    rule: 'match from any for domain <sql> action "a"\nmatch from any for any action "b"',
    action: 'b',
    sure: false,
  },
  { rule: 'match from rdns regex "example" for any action "a"', action: null, sure: false },
  { rule: 'match from any for any reject\nmatch from any for any action "a"', action: null },
] as const)
  test(`${rule.replace('\n', '; ')}: ${JSON.stringify(probe)} goes to ${action}`, () => {
    const decided = decide(rulesOf(parse(rule)), tables, [], { ...post, ...probe })
    equal(decided.rule?.action ?? null, action)
    equal(decided.sure, sure)
  })
