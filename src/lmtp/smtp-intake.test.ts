import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { type Client, type FreshDoor, freshDoor, speak } from '../../test/support/fresh-door.ts'
import { systemClock } from '../base/clock.ts'
import { createList, listBySpec, removeList } from '../store/units/lists.ts'

const post = 'From: ann@example.com\r\nSubject: tea\r\nMessage-ID: <1@example.com>\r\n\r\nhello\r\n'

/** A door of both dialects, with the lists tea and milk. */
async function bothDoors(): Promise<FreshDoor> {
  const door = await freshDoor({
    listen: [
      { host: '127.0.0.1', port: 0, dialect: 'smtp' },
      { host: '127.0.0.1', port: 0 },
    ],
  })
  await door.fresh.store.commit(createList, {
    name: 'milk',
    mailHost: 'lists.example.org',
    settings: {},
    createDomain: false,
    now: systemClock.now(),
  })
  return door
}

async function opened(door: FreshDoor, hello = 'EHLO client.example.org', lines = 7): Promise<Client> {
  const client = await speak(door.address)
  match(await client.line(), /^220 lists\.example\.org ESMTP/)
  client.say(hello)
  await client.lines(lines)
  return client
}

async function remove(door: FreshDoor, spec: string): Promise<void> {
  const list = door.fresh.store.read(listBySpec, { spec })
  if (list !== null) await door.fresh.store.commit(removeList, { list: list.no })
}

const both = [
  'MAIL FROM:<ann@example.com>',
  'RCPT TO:<tea@lists.example.org>',
  'RCPT TO:<milk@lists.example.org>',
]

for (const { hello, lines } of [
  { hello: 'EHLO client.example.org', lines: 7 },
  { hello: 'HELO client.example.org', lines: 1 },
]) {
  test(`after ${hello.slice(0, 4)} a post to two lists has one reply, and two items`, async () => {
    await using door = await bothDoors()
    const client = await opened(door, hello, lines)
    client.say(...both, 'DATA')
    match((await client.lines(4)).at(-1) ?? '', /^354/)
    client.write(`${post}.\r\n`)
    match(await client.line(), /^250 2\.6\.0 queued/)
    client.say('NOOP')
    equal(await client.line(), '250 2.0.0 OK')
    deepEqual(
      door.items().map(({ envelope }) => envelope.recipient),
      ['tea@lists.example.org', 'milk@lists.example.org'],
    )
  })
}

test('an unknown list is 550 at RCPT, and the others get the post', async () => {
  await using door = await bothDoors()
  const client = await opened(door)
  client.say('MAIL FROM:<>', 'RCPT TO:<coffee@lists.example.org>', 'RCPT TO:<tea@lists.example.org>', 'DATA')
  deepEqual(
    (await client.lines(4)).map((line) => line.slice(0, 3)),
    ['250', '550', '250', '354'],
  )
  client.write(`${post}.\r\n`)
  match(await client.line(), /^250 2\.6\.0/)
  equal(door.items().length, 1)
})

test('LHLO is not understood here, and EHLO not at the other door', async () => {
  await using door = await bothDoors()
  const smtp = await speak(door.address)
  await smtp.line()
  smtp.say('LHLO client.example.org')
  match(await smtp.line(), /^500 .*this is SMTP: say EHLO/)
  const lmtp = await speak({
    host: '127.0.0.1',
    port: Number(door.door.addresses[1]?.split(':').at(-1)),
  })
  match(await lmtp.line(), /^220 lists\.example\.org LMTP/)
  lmtp.say('EHLO client.example.org')
  match(await lmtp.line(), /^500 .*this is LMTP: say LHLO/)
})

test('where one of two lists is removed before the dot nothing is queued, and the next attempt tells which', async () => {
  await using door = await bothDoors()
  const client = await opened(door)
  client.say(...both, 'DATA')
  await client.lines(4)
  await remove(door, 'milk@lists.example.org')
  client.write(`${post}.\r\n`)
  match(await client.line(), /^451 4\.3\.0 a list was removed/)
  deepEqual(door.items(), [])
  deepEqual(door.receptions(), { confirmed: 0, unconfirmed: 0 })
  client.say(...both, 'DATA')
  match((await client.lines(4))[2] ?? '', /^550 5\.1\.1/)
  client.write(`${post}.\r\n`)
  match(await client.line(), /^250 2\.6\.0/)
  equal(door.items().length, 1)
})

test('where the only list is removed before the dot the answer is 550', async () => {
  await using door = await bothDoors()
  const client = await opened(door)
  client.say('MAIL FROM:<ann@example.com>', 'RCPT TO:<milk@lists.example.org>', 'DATA')
  await client.lines(3)
  await remove(door, 'milk@lists.example.org')
  client.write(`${post}.\r\n`)
  match(await client.line(), /^550 5\.1\.1/)
  equal(door.door.status().refusedMessages, 1)
})

test('what was taken and not heard is a repeat, even when one of its lists has gone since', async () => {
  await using door = await bothDoors()
  const lost = await opened(door)
  lost.say(...both, 'DATA')
  await lost.lines(4)
  lost.write(`${post}.\r\n`)
  match(await lost.line(), /^250 2\.6\.0 queued as/)
  lost.socket.resetAndDestroy()
  const again = await opened(door)
  again.say(...both, 'DATA')
  await again.lines(4)
  await remove(door, 'milk@lists.example.org')
  again.write(`${post}.\r\n`)
  match(await again.line(), /^250 2\.6\.0 queued before/)
})
