import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { type Environment, readCall, readEnvelope } from './envelope.ts'

const local = { host: '127.0.0.1', port: 8024 }

for (const { title, argv, want } of [
  { title: 'port and parts', argv: ['8024', '1'], want: { place: local, localPartIn: 'EXT' } },
  {
    title: 'a host comes third, as in Mailman',
    argv: ['8024', '2', 'lists.example.org'],
    want: { place: { host: 'lists.example.org', port: 8024 }, localPartIn: 'EXT2' },
  },
  { title: 'no part is cut off', argv: ['8024', '0'], want: { place: local, localPartIn: 'LOCAL' } },
  {
    title: 'what .qmail-default matched',
    argv: ['8024', 'default'],
    want: { place: local, localPartIn: 'DEFAULT' },
  },
  {
    title: 'a UNIX socket',
    argv: ['--unix', '/run/lmtp.sock', '4'],
    want: { place: { path: '/run/lmtp.sock' }, localPartIn: 'EXT4' },
  },
  {
    title: 'addresses given',
    argv: ['--sender=', '--recipient', 'tea@lists.example.org', '8024'],
    want: { place: local, localPartIn: 'EXT', sender: '', recipient: 'tea@lists.example.org' },
  },
]) {
  test(`called with ${title}`, () => {
    deepEqual(readCall(argv), { good: { sender: null, recipient: null, ...want } })
  })
}

for (const { argv, wrong } of [
  { argv: [], wrong: /PORT is ''/ },
  { argv: ['lmtp', '1'], wrong: /PORT is 'lmtp'/ },
  { argv: ['70000', '1'], wrong: /1 to 65535/ },
  { argv: ['8024'], wrong: /PARTS is missing/ },
  { argv: ['8024', '5'], wrong: /PARTS is '5'; accepted: 0 to 4, default/ },
  { argv: ['8024', 'constructor'], wrong: /PARTS is/ },
  { argv: ['8024', '1', 'host', 'more'], wrong: /too many words: more/ },
  { argv: ['--unix', '/run/lmtp.sock', '1', 'host'], wrong: /too many words: host/ },
  { argv: ['--unix'], wrong: /--unix needs a value/ },
  { argv: ['--verbose', '8024', '1'], wrong: /no such option: --verbose/ },
]) {
  test(`'${argv.join(' ')}' is told what is wrong`, () => {
    const read = readCall(argv)
    ok('wrong' in read)
    match(read.wrong, wrong)
  })
}

function envelope(environment: Environment, argv: readonly string[] = ['8024', '1']) {
  const call = readCall(argv)
  ok('good' in call)
  return readEnvelope(call.good, environment)
}

const usual = {
  LOCAL: 'mailman-tea',
  EXT: 'tea',
  EXT2: '',
  HOST: 'lists.example.org',
  SENDER: 'ann@example.com',
}

for (const { title, environment, want } of [
  { title: 'as they are', environment: {}, want: ['ann@example.com', 'tea@lists.example.org'] },
  {
    title: 'with extension and case kept',
    environment: { EXT: 'Tea-bounces+aB=c' },
    want: ['ann@example.com', 'Tea-bounces+aB=c@lists.example.org'],
  },
  { title: 'a bounce', environment: { SENDER: '' }, want: ['<>', 'tea@lists.example.org'] },
  { title: 'a double bounce', environment: { SENDER: '#@[]' }, want: ['<>', 'tea@lists.example.org'] },
  {
    title: 'a sender without a domain',
    environment: { SENDER: 'ann' },
    want: ['<>', 'tea@lists.example.org'],
  },
  {
    title: 'a sender that smuggles a command',
    environment: { SENDER: 'a@example.com>\r\nRCPT TO:<tea@lists.example.org' },
    want: ['<>', 'tea@lists.example.org'],
  },
  {
    title: 'quotes that qmail took away',
    environment: { SENDER: 'Ann "B\\C@example.com', EXT: 'two words' },
    want: ['"Ann \\"B\\\\C"@example.com', '"two words"@lists.example.org'],
  },
] as const) {
  test(`the addresses, ${title}`, () => {
    deepEqual(envelope({ ...usual, ...environment }), { good: { sender: want[0], recipient: want[1] } })
  })
}

for (const { title, environment, wrong } of [
  { title: 'no EXT', environment: { EXT: undefined }, wrong: /^EXT is not set/ },
  { title: 'no HOST', environment: { HOST: undefined }, wrong: /^HOST is not set/ },
  { title: 'no SENDER', environment: { SENDER: undefined }, wrong: /^SENDER is not set/ },
  { title: 'an empty EXT', environment: { EXT: '' }, wrong: /"@lists.example.org" \(from EXT and HOST\)/ },
  { title: 'a line end', environment: { EXT: 'tea\r\nDATA' }, wrong: /not an address/ },
]) {
  test(`an environment with ${title} is bad, and the words say so`, () => {
    const read = envelope({ ...usual, ...environment })
    ok('wrong' in read)
    match(read.wrong, wrong)
  })
}

test('addresses that are given need no environment', () => {
  const read = envelope({}, ['--recipient', '<tea@Lists.example.org>', '--sender', '<>', '8024'])
  ok('good' in read)
  equal(read.good.recipient, 'tea@lists.example.org')
  equal(read.good.sender, '<>')
})
