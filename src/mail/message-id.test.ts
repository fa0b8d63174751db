import { equal, notEqual } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { Headers } from './headers.ts'
import { parseMessage } from './message.ts'
import { madeMessageId, messageIdHash, messageIdOf, repairMessageId } from './message-id.ts'

for (const { id, hash } of [
  { id: '<m1@example.net>', hash: 'BV4JPQSSS6F34IMHGSIXWKCNV55APMJF' },
  { id: 'm1@example.net', hash: 'BV4JPQSSS6F34IMHGSIXWKCNV55APMJF' },
  { id: '  m1@example.net ', hash: 'BV4JPQSSS6F34IMHGSIXWKCNV55APMJF' },
  { id: '', hash: '3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ' },
  { id: '<golden-plain-footer-1@example.net>', hash: 'WWDKWDVGGOGYGN7EO35TRMIVRLYEXEGK' },
])
  test(`the hash of ${JSON.stringify(id)} is the one archives know`, () => equal(messageIdHash(id), hash))

for (const [field, id] of [
  ['Message-ID: <a@example.org>', '<a@example.org>'],
  ['message-id:\r\n <a@example.org>\r\nMessage-ID: <b@example.org>', '<a@example.org>'],
  ['Message-ID:', ''],
  ['X: y', null],
] as const)
  test(`messageIdOf ${JSON.stringify(field)} is ${id}`, () => {
    equal(messageIdOf(Headers.of(parseMessage(Buffer.from(`${field}\r\n\r\n`)))), id)
  })

for (const [id, repaired] of [
  ['<[x@example.org]>', '<x@example.org>'],
  ['[x@example.org]', '<x@example.org>'],
  ['<x@example.org>', '<x@example.org>'],
  ['<x@[192.0.2.1]>', '<x@[192.0.2.1]>'],
  ['', ''],
] as const)
  test(`repairMessageId turns ${id} into ${repaired}`, () => equal(repairMessageId(id), repaired))

test('a made id is the same for the same message, and another for another', () => {
  const id = madeMessageId(Buffer.from('text'), 'ann@example.org', 'lists.example.org')
  equal(id, madeMessageId(new Uint8Array(Buffer.from('text')), 'ann@example.org', 'lists.example.org'))
  equal(/^<[a-z2-7]{32}\.posthorn@lists\.example\.org>$/.test(id), true)
  notEqual(id, madeMessageId(Buffer.from('text'), 'bob@example.org', 'lists.example.org'))
  notEqual(id, madeMessageId(Buffer.from('text.'), 'ann@example.org', 'lists.example.org'))
})
