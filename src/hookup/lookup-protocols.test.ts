import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Answer,
  longestRequest,
  readsocket,
  socketmap,
  type Taken,
  tcpTable,
} from './lookup-protocols.ts'

const said = (taken: Taken | null) =>
  taken === null
    ? null
    : 'broken' in taken
      ? { broken: taken.broken.toString() }
      : 'refusal' in taken
        ? { used: taken.used, refusal: taken.refusal.toString() }
        : taken

const tea = 'tea@lists.example.org'

for (const { protocol, text, ended = false, want } of [
  {
    protocol: socketmap,
    text: `32:recipients ${tea},5:and m`,
    want: { used: 36, question: { map: 'recipients', key: tea } },
  },
  { protocol: socketmap, text: `32:recipients ${tea}`, want: null },
  { protocol: socketmap, text: '3', want: null },
  { protocol: socketmap, text: '', want: null },
  { protocol: socketmap, text: '3:a b,', want: { used: 6, question: { map: 'a', key: 'b' } } },
  { protocol: socketmap, text: '2:a ,', want: { used: 5, question: { map: 'a', key: '' } } },
  { protocol: socketmap, text: '5:a b c,', want: { used: 8, question: { map: 'a', key: 'b c' } } },
  { protocol: socketmap, text: '4:a \xc3\xa9,', want: { used: 7, question: { map: 'a', key: 'é' } } },
  { protocol: socketmap, text: '1:a,', want: { used: 4, refusal: '32:PERM a request is NAME SPACE KEY,' } },
  { protocol: socketmap, text: '3:a b;', want: { broken: '25:PERM this is no netstring,' } },
  { protocol: socketmap, text: '03:a b,', want: { broken: '25:PERM this is no netstring,' } },
  { protocol: socketmap, text: 'get tea', want: { broken: '25:PERM this is no netstring,' } },
  { protocol: socketmap, text: '999999', want: { broken: '25:PERM this is no netstring,' } },
  { protocol: socketmap, text: '4097:a', want: { broken: '38:PERM a request has 4096 octets at most,' } },
  {
    protocol: tcpTable,
    text: `get ${tea}\nget m`,
    want: { used: 26, question: { map: 'recipients', key: tea } },
  },
  { protocol: tcpTable, text: `get ${tea}`, want: null },
  {
    protocol: tcpTable,
    text: 'get a%20b%25\r\n',
    want: { used: 14, question: { map: 'recipients', key: 'a b%' } },
  },
  { protocol: tcpTable, text: 'get %C3%A9\n', want: { used: 11, question: { map: 'recipients', key: 'é' } } },
  ...['put a b\n', 'get\n', 'get \n', 'get a b\n', 'get a%2\n', '\n'].map((text) => ({
    protocol: tcpTable,
    text,
    want: {
      used: text.length,
      refusal: '400 a%20request%20is:%20get%20SPACE%20key,%20with%20%25XX%20for%20odd%20characters\n',
    },
  })),
  {
    protocol: tcpTable,
    text: 'a'.repeat(longestRequest + 1),
    want: { broken: '400 a%20line%20has%204096%20octets%20at%20most\n' },
  },
  { protocol: readsocket, text: `${tea}\n`, want: { used: 22, question: { map: 'recipients', key: tea } } },
  { protocol: readsocket, text: tea, want: null },
  {
    protocol: readsocket,
    text: tea,
    ended: true,
    want: { used: 21, question: { map: 'recipients', key: tea } },
  },
  { protocol: readsocket, text: '', ended: true, want: null },
  {
    protocol: readsocket,
    text: 'domains lists.example.org\r\n',
    want: { used: 27, question: { map: 'domains', key: 'lists.example.org' } },
  },
  {
    protocol: readsocket,
    text: '"a b"@example.org\n',
    want: { used: 18, question: { map: 'recipients', key: '"a b"@example.org' } },
  },
  { protocol: readsocket, text: 'a'.repeat(longestRequest + 1), want: { broken: 'no' } },
]) {
  test(`${protocol.name}: ${JSON.stringify(text.slice(0, 40))}${ended ? ', and the end' : ''}`, () => {
    deepEqual(said(protocol.take(Buffer.from(text, 'latin1'), ended)), want)
  })
}

const answers: readonly { readonly answer: Answer; readonly words: readonly [string, string, string] }[] = [
  { answer: { kind: 'found', value: 'post' }, words: ['7:OK post,', '200 post\n', 'yes'] },
  { answer: { kind: 'not-found' }, words: ['9:NOTFOUND ,', '500 not%20found\n', 'no'] },
  { answer: { kind: 'later', words: 'a b' }, words: ['8:TEMP a b,', '400 a%20b\n', 'later'] },
  {
    answer: { kind: 'no-such-map' },
    words: ['50:PERM no such map; there are recipients and domains,', '400 no%20such%20map\n', 'later'],
  },
]
for (const { answer, words } of answers) {
  test(`${answer.kind} in the three languages`, () => {
    deepEqual(
      [socketmap, tcpTable, readsocket].map((protocol) => protocol.format(answer).toString()),
      words,
    )
  })
}

test('any map and key come out of a netstring as they went in, and never from less than all of it', () => {
  const map = fc.string({ minLength: 1 }).filter((text) => !text.includes(' '))
  fc.assert(
    fc.property(map, fc.string({ unit: 'grapheme' }), fc.nat(), (name, key, cut) => {
      const text = `${name} ${key}`
      const octets = Buffer.from(`${Buffer.byteLength(text)}:${text},`)
      deepEqual(socketmap.take(octets, false), { used: octets.length, question: { map: name, key } })
      equal(socketmap.take(octets.subarray(0, cut % octets.length), false), null)
    }),
  )
})

test('whatever comes, something is used or nothing is held beyond the bound', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(socketmap, tcpTable, readsocket),
      fc.uint8Array({ maxLength: 6000 }),
      (protocol, bytes) => {
        const taken = protocol.take(Buffer.from(bytes), false)
        if (taken === null) ok(bytes.length <= longestRequest + 10)
        else if (!('broken' in taken)) ok(taken.used > 0 && taken.used <= bytes.length)
      },
    ),
  )
})
