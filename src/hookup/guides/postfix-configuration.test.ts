// What main.cf and master.cf mean, and what their tables answer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configurationOf } from './postfix-configuration.ts'
import { expand } from './postfix-expansion.ts'
import { parseMain, parseMaster } from './postfix-files.ts'
import { lookUps, tableLines, tableOf, tablesIn } from './postfix-look-ups.ts'

const main = (text: string) => parseMain('/etc/postfix/main.cf', text)

test('a setting goes on in indented lines, over comments and empty lines', () => {
  const { settings, faults } = main(
    '# Tables\ntransport_maps = hash:/a,\n  hash:/b\n# between\n\n\thash:/c\nmydestination =\n',
  )
  assert.deepEqual(faults, [])
  assert.deepEqual(
    settings.map(({ name, text, line, lines }) => ({
      name,
      words: text.split(/\s+/),
      line,
      last: lines.at(-1)?.line,
    })),
    [
      { name: 'transport_maps', words: ['hash:/a,', 'hash:/b', 'hash:/c'], line: 2, last: 6 },
      { name: 'mydestination', words: [''], line: 7, last: 7 },
    ],
  )
})

test('lines that stop Postfix are told with their number', () => {
  const { faults } = main('  indented = first\nmyhostname = x\ntransport_maps hash:/a\n= y\nmy name = z\n')
  assert.deepEqual(
    faults.map(({ line, what }) => [line, what]),
    [
      [1, 'starts-indented'],
      [3, 'no-equals'],
      [4, 'no-name'],
      [5, 'no-equals'],
    ],
  )
})

const configuration = (text: string, master = '') =>
  configurationOf({
    directory: '/etc/postfix',
    main: main(text),
    master: parseMaster('/etc/postfix/master.cf', master),
    remarks: null,
    tableTypes: null,
    known: new Map([['mydomain', 'example.org']]),
  })

test('the last of several settings counts', () => {
  const read = configuration('relay_domains = a\nrelay_domains = b\n')
  assert.equal(read.value('relay_domains'), 'b')
  assert.equal(read.written('relay_domains')?.line, 2)
  assert.equal(read.written('mydestination'), null)
})

for (const [text, expanded] of [
  [`$mydomain, \${mydomain} $(mydomain)`, 'example.org, example.org example.org'],
  ['a$$b', 'a$b'],
  [`\${mydomain?yes}\${nothing?no}`, 'yes'],
  [`\${nothing:none}`, 'none'],
  [`\${nothing?{a}:{b}} \${mydomain ? {a} : {b}}`, 'b a'],
  [`\${{$level} <level {2} ? {old} : {new}}`, 'new'],
  [`\${{$level} <level {10} ? {old} : {new}}`, 'old'],
  [`\${{$mydomain} == {example.org} ? {$mydomain} : {}}`, 'example.org'],
  ['$around', 'x '],
  ['$unknown.', '.'],
] as const)
  test(`'${text}' is '${expanded}'`, () => {
    const values = new Map([
      ['mydomain', 'example.org'],
      ['level', '3.6'],
      ['around', 'x $around'],
    ])
    assert.equal(
      expand(text, (name) => values.get(name) ?? null),
      expanded,
    )
  })

test('a service sees its own -o first, in what refers to it too', () => {
  const read = configuration(
    'mynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions = $restrictions\nrestrictions = permit_mynetworks\n',
    'smtp inet n - y - - smtpd\n  -o restrictions=reject\n  -o { mynetworks = 10.0.0.0/8, 127.0.0.0/8 }\n  -v\nlmtp unix - - n - - lmtp\n',
  )
  const [smtp = null, lmtp = null] = read.master.services
  assert.equal(read.valueFor(smtp, 'smtpd_relay_restrictions'), 'reject')
  assert.equal(read.valueFor(smtp, 'mynetworks'), '10.0.0.0/8, 127.0.0.0/8')
  assert.equal(read.valueFor(lmtp, 'mynetworks'), '127.0.0.0/8')
  assert.deepEqual(smtp?.columns, ['n', '-', 'y', '-', '-'])
  assert.deepEqual(smtp?.arguments, ['-v'])
  assert.equal(smtp?.overrides.get('mynetworks')?.line, 3)
})

test('tables are told from other words', () => {
  assert.deepEqual(
    tablesIn('proxy:unix:passwd.byname $x, hash:/a inline:{ {a = b}, {c = d} } /file example.org').map(
      ({ type, name, proxied }) => [type, name, proxied],
    ),
    [
      ['unix', 'passwd.byname', true],
      ['hash', '/a', false],
      ['inline', '{ {a = b}, {c = d} }', false],
    ],
  )
  assert.equal(tableOf('example.org'), null)
})

test('without postmap tables of text answer, patterns with what they took', async () => {
  const files = new Map([
    ['/t', '# x\na@b lmtp:[::1]:24\nc@d\n  one\n'],
    ['/r', '/^tea-bounces(\\+.*)?@b\\.test$/ tea-bounces$(1)@x.test\n'],
  ])
  const ask = lookUps(
    {
      configDir: null,
      readText: async (path) => files.get(path) ?? null,
      stat: async () => null,
      list: async () => null,
      run: async () => null,
      listens: async () => null,
    },
    '/etc/postfix',
  )
  const table = (word: string) => tableOf(word) ?? assert.fail(word)
  assert.equal(await ask.askOne(table('lmdb:/t'), 'A@b'), 'lmtp:[::1]:24')
  assert.equal(await ask.askOne(table('hash:/t'), 'c@d'), 'one')
  assert.equal(await ask.askOne(table('hash:/t'), 'e@d'), null)
  assert.equal(await ask.askOne(table('regexp:/r'), 'tea-bounces+u=h@b.test'), 'tea-bounces+u=h@x.test')
  assert.match(JSON.stringify(await ask.ask(table('hash:/none'), ['x'])), /open \/none: No such file/)
  assert.match(JSON.stringify(await ask.ask(table('ldap:/l'), ['x'])), /postmap is needed/)
})

test('a line of a table without a value is one all the same', () => {
  assert.deepEqual(tableLines('x\ny z\n'), [
    { key: 'x', value: '', line: 1 },
    { key: 'y', value: 'z', line: 2 },
  ])
})
