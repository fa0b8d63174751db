import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { exampleFacts } from '../../../test/support/example-facts.ts'
import type { HookupWay, HostFacts } from '../../model/hookup.ts'
import type { SendmailFiles } from './sendmail-files.ts'
import { sendmailRecipe, socketPlace } from './sendmail-recipe.ts'

const facts: HostFacts = { ...exampleFacts, incoming: ['sendmail'] }
const shared = [{ mailHost: 'example.org', aliasDomain: null, listOnly: false, listNames: ['tea'] }]
const files: SendmailFiles = {
  dir: '/etc/mail',
  mc: { path: '/etc/mail/sendmail.mc', text: "include(`/usr/share/sendmail/cf/m4/cf.m4')dnl\n", changed: 0 },
  cf: null,
  hasMakefile: true,
}
const linesOf = (given: HostFacts, way?: HookupWay): readonly string[] =>
  sendmailRecipe(given, files, way).files.flatMap(({ settings }) => settings.flatMap(({ lines }) => lines))
const page = readFileSync(new URL('../../../docs/sendmail.md', import.meta.url), 'utf8')

test('the manual has the very lines', () => {
  const block = linesOf(facts)
    .map((line) => (line === '' ? '' : `    ${line}`))
    .join('\n')
  ok(page.includes(block), block)
  for (const line of [...linesOf({ ...facts, domains: shared }), ...linesOf(facts, 'lookup')])
    ok(line === '' || page.includes(`    ${line}\n`), line)
})

test('every rule has a tab between its sides, and nowhere else', () => {
  for (const domains of [facts.domains, shared, [...facts.domains, ...shared]])
    for (const way of ['tables', 'lookup'] as const)
      for (const line of linesOf({ ...facts, domains }, way).filter((one) => one.startsWith('R$')))
        match(line, /^R[^\t]+\t[^\t]+$/)
})

test('a shared domain is looked up in the table, whatever the way', () => {
  const lines = linesOf({ ...facts, domains: [...facts.domains, ...shared] }, 'lookup')
  const routes = lines.slice(lines.indexOf('LOCAL_RULE_0'), lines.indexOf('LOCAL_RULESETS')).join('\n')
  match(routes, /\$>PosthornTable/)
  equal(/PosthornAsk|recipients/.test(routes), false)
  ok(!lines.includes("RELAY_DOMAIN(`example.org')dnl"))
})

for (const { title, given, line } of [
  { title: 'IPv6', given: { lmtp: { host: '::1', port: 8024, socket: null } }, line: /\$@ \[IPv6:::1\] \$:/ },
  {
    title: 'a listener on all addresses',
    given: { lmtp: { host: '0.0.0.0', port: 24, socket: null } },
    line: /\$@ \[127\.0\.0\.1\] \$:/,
  },
  {
    title: 'Posthorn on another machine',
    given: { lmtp: { host: '192.0.2.7', port: 8024, socket: null } },
    line: /^RELAY_DOMAIN\(`192\.0\.2\.7'\)dnl$/m,
  },
  {
    title: 'the same with IPv6',
    given: { lmtp: { host: '2001:db8::7', port: 8024, socket: null } },
    line: /^RELAY_DOMAIN\(`IPv6:2001:db8::7'\)dnl$/m,
  },
  { title: 'no delimiter', given: { delimiter: '' }, line: /^SPosthornTable\nR\$\+ @ \$\+\t/m },
])
  test(`the lines fit ${title}`, () => match(linesOf({ ...facts, ...given }).join('\n'), line))

test('what cannot be is refused with words, and no line is given', () => {
  for (const [given, there, way, words] of [
    [{ ...facts, domains: [] }, files, undefined, /no domain yet/],
    [facts, { ...files, mc: null }, undefined, /neither sendmail\.mc nor sendmail\.cf/],
    [
      facts,
      { ...files, mc: null, cf: { path: '/etc/mail/sendmail.cf', text: '', changed: 0 } },
      undefined,
      /not the sendmail\.mc/,
    ],
    [{ ...facts, delimiter: '-' }, files, undefined, /verp_delimiter is '-'/],
    [facts, files, 'verify', /--way lookup/],
  ] as const) {
    const { refusals, files: none } = sendmailRecipe(given, there, way)
    match(refusals.join(), words)
    deepEqual(none, [])
  }
  deepEqual(sendmailRecipe({ ...facts, delimiter: '-' }, files, 'lookup').refusals, [])
})

test('what Posthorn itself lacks is told', () => {
  const ours = (given: HostFacts, way?: HookupWay) =>
    sendmailRecipe(given, files, way).ours.map(({ section, line }) => `[${section}] ${line}`)
  deepEqual(ours(facts), [])
  deepEqual(ours({ ...facts, incoming: ['postfix'] }), ['[mta] incoming: postfix sendmail'])
  deepEqual(ours({ ...facts, incoming: ['null'] }), ['[mta] incoming: sendmail'])
  deepEqual(ours({ ...facts, incoming: ['null'] }, 'lookup'), ['[lookup] socketmap: 127.0.0.1:8026'])
})

test('without a Makefile m4 makes sendmail.cf, and an m4 that fails leaves the old one', () => {
  const commands = sendmailRecipe(facts, { ...files, hasMakefile: false }).afterwards.map(({ argv }) =>
    argv.at(-1),
  )
  ok(
    commands.includes(
      'm4 /etc/mail/sendmail.mc > /etc/mail/sendmail.cf.new && mv /etc/mail/sendmail.cf.new /etc/mail/sendmail.cf',
    ),
  )
})

test('a place is written as Sendmail writes it', () => {
  for (const [place, written] of [
    ['127.0.0.1:8026', 'inet:8026@127.0.0.1'],
    ['localhost:8026', 'inet:8026@localhost'],
    ['[::1]:8026', 'inet6:8026@::1'],
    ['[::]:8026', 'inet6:8026@::1'],
    ['0.0.0.0:8026', 'inet:8026@127.0.0.1'],
    ['/run/posthorn/lookup', 'unix:/run/posthorn/lookup'],
  ] as const)
    equal(socketPlace(place), written)
})
