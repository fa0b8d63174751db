// Each kind of value: which texts it takes, what they become, which it refuses.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { host, hostPort, isLoopback, isWildcard, listenAddress, networks } from './hosts.ts'
import { codeName, codeNames, configurationName, deliverers, mailServers } from './names.ts'
import { families, sections } from './schema.ts'
import { paths } from './schema-system.ts'
import {
  boolean,
  byteSize,
  commaList,
  command,
  delimiter,
  duration,
  emailAddress,
  filePath,
  integer,
  lines,
  oneOf,
  optional,
  patternNaming,
  perMode,
  port,
  secret,
  term,
  type ValueType,
  words,
} from './values.ts'

const origin = { directory: '/etc/x', distrust: null }
const parse = (type: ValueType<unknown>, text: string): unknown => {
  const parsed = type.parse(text, origin)
  return 'value' in parsed ? parsed.value : 'WRONG'
}
const v4 = (address: string, prefix: number) => ({ address, prefix, family: 'ipv4' })

const table: readonly (readonly [string, ValueType<unknown>, Readonly<Record<string, unknown>>])[] = [
  [
    'boolean',
    boolean,
    {
      yes: true,
      Enabled: true,
      ON: true,
      '1': true,
      no: false,
      disable: false,
      '0': false,
      y: 'WRONG',
      '': 'WRONG',
    },
  ],
  [
    'integer',
    integer(1, 10),
    { '1': 1, '10': 10, '0': 'WRONG', '11': 'WRONG', '1.5': 'WRONG', ten: 'WRONG', '': 'WRONG' },
  ],
  ['port', port, { '0': 0, '8024': 8024, '65535': 65535, '65536': 'WRONG', '-1': 'WRONG', lmtp: 'WRONG' }],
  [
    'duration',
    duration,
    {
      '5d': 432e6,
      '1h30m': 54e5,
      '2w': 12096e5,
      '1.5h': 54e5,
      '90s': 9e4,
      '0': 0,
      '0d': 0,
      '5': 'WRONG',
      '30m1h': 'WRONG',
      '1d1d': 'WRONG',
      '1 d': 'WRONG',
      '.d': 'WRONG',
      '': 'WRONG',
    },
  ],
  [
    'size',
    byteSize,
    {
      '33554432': 33554432,
      '32 MiB': 33554432,
      '32MiB': 33554432,
      '500 kb': 500000,
      '1.5 GiB': 1610612736,
      '0': 0,
      '-1': 'WRONG',
      '3 apples': 'WRONG',
      '': 'WRONG',
    },
  ],
  ['word', oneOf('smtp', 'smtps', 'starttls'), { smtp: 'smtp', STARTTLS: 'starttls', tls: 'WRONG' }],
  [
    'address',
    emailAddress,
    {
      'a@Example.ORG': 'a@example.org',
      'a b@example.org': 'WRONG',
      'a..b@example.org': 'WRONG',
      'a@-x.org': 'WRONG',
      a: 'WRONG',
    },
  ],
  [
    'host',
    host,
    {
      mail_server: 'mail_server',
      localhost: 'localhost',
      '127.0.0.1': '127.0.0.1',
      '[::1]': '::1',
      '[ipv6:::1]': '::1',
      '::1': '::1',
      '1.2.3': 'WRONG',
      'a b': 'WRONG',
      '': 'WRONG',
    },
  ],
  [
    'host and port',
    hostPort,
    {
      '127.0.0.1:25': { host: '127.0.0.1', port: 25 },
      '[::1]:25': { host: '::1', port: 25 },
      '::1:25': 'WRONG',
      'a:70000': 'WRONG',
      a: 'WRONG',
    },
  ],
  [
    'listen address',
    listenAddress,
    {
      '/run/x': { kind: 'unix', path: '/run/x' },
      'localhost:1': { kind: 'tcp', host: 'localhost', port: 1 },
      'run/x': 'WRONG',
    },
  ],
  [
    'networks',
    networks,
    {
      '': null,
      '192.0.2.1': [v4('192.0.2.1', 32)],
      '10.0.0.0/8, 192.0.2.1': [v4('10.0.0.0', 8), v4('192.0.2.1', 32)],
      '2001:db8::/32': [{ address: '2001:db8::', prefix: 32, family: 'ipv6' }],
      '10.0.0.0/33': 'WRONG',
      '10.0.0.0/': 'WRONG',
      'mail.example.org': 'WRONG',
    },
  ],
  [
    'term',
    term,
    {
      yes: 'always',
      no: 'never',
      'until 2027-01-31': Date.UTC(2027, 1, 1),
      'until 2027-02-31': 'WRONG',
      soon: 'WRONG',
    },
  ],
  [
    'one or two numbers',
    perMode(1, 50),
    {
      '4': { bulk: 4, individual: 4 },
      '4 20': { bulk: 4, individual: 20 },
      '0': 'WRONG',
      '4 51': 'WRONG',
      '1 2 3': 'WRONG',
    },
  ],
  ['words', words, { ' a  b\nc ': ['a', 'b', 'c'], '': [] }],
  ['list with commas', commaList, { 'a, b c,,': ['a', 'b c'] }],
  ['lines', lines, { '\na b\n\n c\n': ['a b', 'c'] }],
  ['optional', optional(port), { '': null, ' ': null, '1': 1, x: 'WRONG' }],
  ['secret', secret, { '': null, 'a b ': 'a b ' }],
  ['delimiter', delimiter, { '+': '+', '--': '--', '': 'WRONG', '@': 'WRONG', a: 'WRONG' }],
  ['path', filePath, { 'a.pem': '/etc/x/a.pem', '/b.pem': '/b.pem', '': 'WRONG' }],
  ['pattern with names', patternNaming('a'), { '(?P<a>.)': '(?P<a>.)', '(?P<b>.)': 'WRONG' }],
  [
    'mail server',
    codeName(mailServers),
    {
      postfix: { kind: 'built-in', name: 'postfix' },
      'mailman.mta.exim4.LMTP': { kind: 'built-in', name: 'exim4' },
      'mailman.mta.null.NullMTA': { kind: 'built-in', name: 'null' },
      './our.ts#OurMta': { kind: 'module', file: '/etc/x/our.ts', exportName: 'OurMta' },
      '/opt/our.ts#M': { kind: 'module', file: '/opt/our.ts', exportName: 'M' },
      constructor: 'WRONG',
      'our.mta.Thing': 'WRONG',
      '': 'WRONG',
    },
  ],
  [
    'mail servers',
    codeNames(mailServers),
    {
      'mailman.mta.postfix.LMTP': [{ kind: 'built-in', name: 'postfix' }],
      'postfix exim4': [
        { kind: 'built-in', name: 'postfix' },
        { kind: 'built-in', name: 'exim4' },
      ],
      'postfix, ./our.ts#M,\npostfix': [
        { kind: 'built-in', name: 'postfix' },
        { kind: 'module', file: '/etc/x/our.ts', exportName: 'M' },
      ],
      './our own.ts#M': [{ kind: 'module', file: '/etc/x/our own.ts', exportName: 'M' }],
      'postfix exim5': 'WRONG',
      ' , ': 'WRONG',
      '': 'WRONG',
    },
  ],
  [
    'command',
    command,
    {
      '': [],
      'sudo -n  postfix reload': ['sudo', '-n', 'postfix', 'reload'],
      '"/opt/my postfix/bin" \'-c x\' ""': ['/opt/my postfix/bin', '-c x', ''],
      '$(id); `id`': ['$(id);', '`id`'],
      'say "x': 'WRONG',
    },
  ],
  [
    'deliverer',
    codeName(deliverers),
    {
      'mailman.mta.deliver.deliver': { kind: 'built-in', name: 'deliver' },
      'mailman.mta.bulk.BulkDelivery': 'WRONG',
    },
  ],
  [
    'configuration',
    configurationName,
    {
      changeme: { kind: 'none' },
      'python:mailman.config.postfix': { kind: 'built-in', name: 'postfix' },
      'p.cfg': { kind: 'file', path: '/etc/x/p.cfg' },
      'python:ours.cfg': 'WRONG',
    },
  ],
]
for (const [name, type, rows] of table) {
  for (const [text, expected] of Object.entries(rows)) {
    test(`${name}: ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () =>
      deepEqual(parse(type, text), expected))
  }
}

test('a file that is not trusted names neither code nor relative configuration', () => {
  const distrusted = { directory: '/etc/x', distrust: 'others can write it' }
  const known = (type: ValueType<unknown>, text: string) => 'value' in type.parse(text, distrusted)
  deepEqual(
    [
      known(codeName(mailServers), './a.ts#A'),
      known(codeNames(mailServers), 'postfix ./a.ts#A'),
      known(command, 'postfix reload'),
      known(codeName(mailServers), '/a.ts#A'),
      known(configurationName, 'p.cfg'),
    ],
    [false, false, false, false, false],
  )
  deepEqual([known(codeName(mailServers), 'postfix'), known(configurationName, '/etc/p.cfg')], [true, true])
})

test('sums of durations add up', () => {
  const count = fc.nat(999)
  fc.assert(
    fc.property(count, count, count, count, count, (w, d, h, m, s) => {
      equal(parse(duration, `${w}w${d}d${h}h${m}m${s}s`), ((((w * 7 + d) * 24 + h) * 60 + m) * 60 + s) * 1000)
    }),
  )
})

test('no text makes a type throw', () => {
  fc.assert(fc.property(fc.string(), (text) => table.forEach(([, type]) => void type.parse(text, origin))))
})

test('every default of the schema is a value of its type', () => {
  for (const section of [...Object.values(sections), ...Object.values(families), paths]) {
    for (const [name, key] of Object.entries(section.keys)) {
      equal('value' in key.type.parse(key.standard, origin), true, `${section.title}.${name}`)
    }
  }
})

for (const [address, loopback, wildcard] of [
  ['localhost', true, false],
  ['127.9.9.9', true, false],
  ['::1', true, false],
  ['0.0.0.0', false, true],
  ['::', false, true],
  ['0:0:0:0:0:0:0:0', false, true],
  ['192.0.2.1', false, false],
  ['127.example.org', false, false],
] as const)
  test(`${address} is ${loopback ? '' : 'not '}loopback and ${wildcard ? '' : 'not '}a wildcard`, () => {
    deepEqual([isLoopback(address), isWildcard(address)], [loopback, wildcard])
  })
