import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Client, type FreshDoor, freshDoor, greet, speak } from '../../test/support/fresh-door.ts'
import { Unavailable } from '../base/unavailable.ts'
import { listBySpec, removeList } from '../store/units/lists.ts'

const post = 'From: ann@example.com\r\nSubject: tea\r\nMessage-ID: <1@example.com>\r\n\r\nhello\r\n'

test('a post goes in over TCP and is queued with its bytes', async () => {
  await using door = await freshDoor()
  const client = await speak(door.address)
  equal(await client.line(), '220 lists.example.org LMTP Posthorn')
  await greet(client)
  client.say('MAIL FROM:<Ann@Example.COM>', 'RCPT TO:<Tea+x@LISTS.example.org>', 'DATA')
  equal(await client.line(), '250 2.1.0 sender OK')
  equal(await client.line(), '250 2.1.5 recipient OK')
  equal(await client.line(), '354 end the message with <CR><LF>.<CR><LF>')
  client.write(`${post}..dot\r\n.\r\n`)
  match(await client.line(), /^250 2\.6\.0 queued as \d+$/)
  const [item, ...more] = door.items()
  deepEqual(more, [])
  equal(item?.lane, 'in')
  equal(item?.bytes.toString(), `${post}.dot\r\n`)
  deepEqual(item?.envelope, {
    sender: 'Ann@example.com',
    recipient: 'Tea+x@LISTS.example.org',
    purpose: 'post',
    extension: 'x',
  })
  deepEqual(door.queued, [['in']])
  client.say('QUIT')
  equal(await client.line(), '221 2.0.0 bye')
  equal(await client.end(), 'end')
})

const envelope = ['MAIL FROM:<ann@example.com>', 'RCPT TO:<tea@lists.example.org>'] as const

async function opened(door: FreshDoor): Promise<Client> {
  const client = await speak(door.address)
  await client.line()
  await greet(client)
  return client
}

/** One post by DATA; what the recipients hear. */
async function send(
  client: Client,
  message: string | Uint8Array,
  lines: readonly string[] = envelope,
): Promise<readonly string[]> {
  client.say(...lines, 'DATA')
  const before = await client.lines(lines.length + 1)
  match(before.at(-1) ?? '', /^354 /)
  client.write(message)
  client.write('.\r\n')
  return await client.lines(before.filter((line) => line.startsWith('250 2.1.5')).length)
}

for (const { title, rcpt, lane, want } of [
  { title: 'names without case', rcpt: 'TEA@lists.example.org', lane: 'in', want: /^250/ },
  { title: 'the owners', rcpt: 'tea-owner@lists.example.org', lane: 'in', want: /^250/ },
  { title: 'bounces', rcpt: 'tea-bounces+ann=x.test@lists.example.org', lane: 'bounce', want: /^250/ },
  { title: 'an order', rcpt: 'Tea-Confirm+TOKEN@lists.example.org', lane: 'command', want: /^250/ },
  { title: 'quotes', rcpt: '"tea"@lists.example.org', lane: 'in', want: /^250/ },
  { title: 'a route', rcpt: '@relay.test:tea@lists.example.org', lane: 'in', want: /^250/ },
  { title: 'a list that is not', rcpt: 'milk@lists.example.org', lane: null, want: /^550 5\.1\.1/ },
  { title: 'a domain that is not ours', rcpt: 'tea@example.com', lane: null, want: /^550 5\.1\.1/ },
  { title: 'an unknown tail', rcpt: 'tea-admin@lists.example.org', lane: null, want: /^550 5\.1\.1/ },
  { title: 'no address', rcpt: 'tea@', lane: null, want: /^501 5\.1\.3/ },
] as const) {
  test(`RCPT: ${title}`, async () => {
    await using door = await freshDoor()
    const client = await opened(door)
    client.say('MAIL FROM:<>', `RCPT TO:<${rcpt}>`)
    match((await client.lines(2))[1] ?? '', want)
    if (lane === null) return
    client.say('DATA')
    await client.line()
    client.write(`${post}.\r\n`)
    match(await client.line(), /^250 2\.6\.0/)
    const [item] = door.items()
    equal(item?.lane, lane)
    equal(item?.envelope.sender, '<>')
    equal(item?.envelope.recipient, rcpt.replace('@relay.test:', ''))
  })
}

test('each RCPT has its reply, but the same one twice is one item', async () => {
  await using door = await freshDoor()
  const client = await opened(door)
  const replies = await send(client, post, [
    'MAIL FROM:<ann@example.com>',
    'RCPT TO:<tea@lists.example.org>',
    'RCPT TO:<milk@lists.example.org>',
    'RCPT TO:<tea-owner@lists.example.org>',
    'RCPT TO:<TEA@lists.example.org>',
  ])
  equal(replies.length, 3)
  equal(replies[0], replies[2])
  notEqual(replies[0], replies[1])
  equal(door.items().length, 2)
  const accepted = door.logged.find(({ event }) => event === 'lmtp.accepted')
  equal(accepted?.fields.client, '127.0.0.1')
  equal(accepted?.fields.size, post.length)
  deepEqual(accepted?.fields.refused, ['milk@lists.example.org: 550 5.1.1 no such list'])
})

test('a retry after a lost answer is not a second post; the same text on purpose is', async () => {
  await using door = await freshDoor()
  const lost = await opened(door)
  match((await send(lost, post))[0] ?? '', /queued as/)
  lost.socket.resetAndDestroy()
  const retry = await opened(door)
  match((await send(retry, post))[0] ?? '', /^250 2\.6\.0 queued before/)
  equal(door.items().length, 1)
  match((await send(retry, post))[0] ?? '', /queued as/)
  match((await send(retry, post))[0] ?? '', /queued as/)
  equal(door.items().length, 3)
  equal(door.door.status().repeats, 1)
})

for (const { title, leave, confirmed } of [
  { title: 'QUIT', leave: (client: Client) => client.say('QUIT'), confirmed: 1 },
  { title: 'an orderly close', leave: (client: Client) => void client.socket.end(), confirmed: 1 },
  { title: 'a reset', leave: (client: Client) => void client.socket.resetAndDestroy(), confirmed: 0 },
]) {
  test(`${title} ${confirmed === 1 ? 'confirms' : 'does not confirm'} what was taken`, async () => {
    await using door = await freshDoor()
    const client = await opened(door)
    await send(client, post)
    leave(client)
    await new Promise((resolve) => client.socket.once('close', resolve))
    await door.door.close(1000)
    deepEqual(door.receptions(), { confirmed, unconfirmed: 1 - confirmed })
  })
}

test('a large message lies in a file that is named in its row', async () => {
  await using door = await freshDoor()
  const client = await opened(door)
  const message = Buffer.from(`Subject: x\r\n\r\n${'0123456789\r\n'.repeat(50_000)}`)
  match((await send(client, message))[0] ?? '', /^250 2\.6\.0/)
  const [item] = door.items()
  match(item?.file ?? '', /^[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{64}-[a-z2-7]+$/)
  ok(readFileSync(join(door.fresh.directory, 'messages', item?.file ?? '')).equals(message))
  equal(door.door.status().bytesInFlight, 0)
})

test('a large message that cannot be written is 451 for each', async () => {
  await using door = await freshDoor({ spool: '/dev/null/messages' })
  const client = await opened(door)
  const replies = await send(client, `${'a\r\n'.repeat(100_000)}`, [
    ...envelope,
    'RCPT TO:<tea-owner@lists.example.org>',
  ])
  deepEqual(
    replies.map((line) => line.slice(0, 9)),
    ['451 4.3.0', '451 4.3.0'],
  )
  ok(door.logged.some(({ event }) => event === 'lmtp.message-fault'))
})

test('a store that is down is 451, at RCPT and at the end, and the client may go on', async () => {
  let down: 'read' | 'commit' | null = null
  await using door = await freshDoor({}, (store) => ({
    close: () => store.close(),
    read: (unit, args) => {
      if (down === 'read') throw new Unavailable('the disk is gone')
      return store.read(unit, args)
    },
    commit: (unit, args) =>
      down === 'commit' ? Promise.reject(new Unavailable('the disk is gone')) : store.commit(unit, args),
  }))
  const client = await opened(door)
  down = 'read'
  client.say(...envelope, 'RSET')
  match((await client.lines(3))[1] ?? '', /^451 4\.3\.0/)
  down = 'commit'
  match((await send(client, post))[0] ?? '', /^451 4\.3\.0/)
  equal(door.items().length, 0)
  down = null
  match((await send(client, post))[0] ?? '', /^250 2\.6\.0/)
})

test('a list that is removed after its RCPT is 550, and the others are queued', async () => {
  await using door = await freshDoor()
  const client = await opened(door)
  client.say(...envelope, 'DATA')
  await client.lines(3)
  const list = door.fresh.store.read(listBySpec, { spec: 'tea@lists.example.org' })
  ok(list !== null)
  await door.fresh.store.commit(removeList, { list: list.no })
  client.write(`${post}.\r\n`)
  match(await client.line(), /^550 5\.1\.1/)
  deepEqual(door.queued, [])
})

test('a full disk is 452 for lists that are known', async () => {
  await using door = await freshDoor({ diskHasRoom: () => false })
  const client = await opened(door)
  client.say(...envelope, 'RCPT TO:<milk@lists.example.org>')
  const replies = await client.lines(3)
  match(replies[1] ?? '', /^452 4\.3\.1/)
  match(replies[2] ?? '', /^550 5\.1\.1/)
})

test('a database that is gone is 451 for every recipient: what is stored now would be lost', async () => {
  await using door = await freshDoor({ databaseIsThere: () => false })
  const client = await opened(door)
  client.say(...envelope, 'RCPT TO:<milk@lists.example.org>')
  const replies = await client.lines(3)
  match(replies[1] ?? '', /^451 4\.3\.0/)
  match(replies[2] ?? '', /^451 4\.3\.0/)
})

test('who is not allowed hears where that is set', async () => {
  await using door = await freshDoor({ allow: (address) => address !== '127.0.0.1' })
  const client = await speak(door.address)
  match(await client.line(), /^554 5\.7\.1 127\.0\.0\.1 .*\[lmtp\] allow/)
  equal(await client.line(), 'end')
})

test('one connection too many is told to come later', async () => {
  await using door = await freshDoor({ maxConnections: 2 })
  await opened(door)
  await opened(door)
  const third = await speak(door.address)
  match(await third.line(), /^421 4\.3\.2/)
  equal(await third.end(), 'end')
  equal(door.door.status().turnedAway, 1)
})

test('a silent client is told so and let go, also in the middle of a message', async () => {
  await using door = await freshDoor({ idleTimeout: 60 })
  const silent = await opened(door)
  match(await silent.line(), /^421 4\.4\.2/)
  equal(await silent.end(), 'end')
  const half = await opened(door)
  half.say(...envelope, 'DATA')
  half.write('half a mess')
  match((await half.lines(4))[3] ?? '', /^421 4\.4\.2/)
  equal(door.items().length, 0)
  equal(door.door.status().bytesInFlight, 0)
})

test('a thousand idle connections leave the door open', async () => {
  await using door = await freshDoor({ maxConnections: 2000 })
  const crowd = await Promise.all(Array.from({ length: 1000 }, () => speak(door.address)))
  await Promise.all(crowd.map((client) => client.line()))
  equal(door.door.status().connections, 1000)
  match((await send(await opened(door), post))[0] ?? '', /^250/)
  for (const client of crowd) client.socket.destroy()
})

test('a client that closes its half still hears the answers', async () => {
  await using door = await freshDoor()
  const client = await speak(door.address)
  client.socket.end(
    `LHLO c\r\n${envelope.map((line) => `${line}\r\n`).join('')}BDAT ${post.length} LAST\r\n${post}QUIT\r\n`,
  )
  const lines = await client.rest()
  match(lines.at(-2) ?? '', /^250 2\.6\.0/)
  match(lines.at(-1) ?? '', /^221/)
  equal(door.items().length, 1)
})

test('messages beyond the room wait their turn, and 451 comes when it takes too long', async () => {
  await using door = await freshDoor({ maxMessageSize: 1000, maxInFlight: 1000, patience: 50 })
  const [first, second] = [await opened(door), await opened(door)]
  first.say(...envelope, 'DATA')
  await first.lines(3)
  first.write(`${'a'.repeat(990)}`)
  first.write('aaaaaaaaaa')
  while (door.door.status().bytesInFlight < 1000) await new Promise((resolve) => setImmediate(resolve))
  second.say(...envelope, 'DATA')
  match((await second.lines(3))[2] ?? '', /^451 4\.3\.2/)
  second.say(...envelope, 'DATA', 'NOOP')
  first.say('', '.')
  match(await first.line(), /^552/)
  match((await second.lines(3))[2] ?? '', /^354/)
})

test('closing waits for the message that is coming in, and sends the others away', async () => {
  await using door = await freshDoor()
  const [idle, half] = [await opened(door), await opened(door)]
  half.say(...envelope, 'DATA')
  await half.lines(3)
  half.write('Subject: x\r\n')
  const closed = door.door.close(5000)
  match(await idle.line(), /^421 4\.3\.2/)
  equal(await idle.end(), 'end')
  idle.socket.end()
  half.write('\r\nlast\r\n.\r\n')
  match(await half.line(), /^250 2\.6\.0/)
  match(await half.line(), /^421 4\.3\.2/)
  half.socket.end()
  await closed
  equal(door.items().length, 1)
})

test('a message that never ends is cut off when the grace is over', async () => {
  await using door = await freshDoor()
  const half = await opened(door)
  half.say(...envelope, 'DATA')
  await half.lines(3)
  await door.door.close(20)
  equal(door.items().length, 0)
})

test('octets that come one by one cost no more than their number', async () => {
  await using door = await freshDoor()
  const client = await opened(door)
  client.say(...envelope, 'DATA')
  await client.lines(3)
  const message = Buffer.from(`Subject: x\r\n\r\n${'.....\r\n'.repeat(300)}.\r\n`)
  for (const byte of message) client.write(Buffer.of(byte))
  match(await client.line(), /^250 2\.6\.0/)
  equal(door.items()[0]?.bytes.toString(), `Subject: x\r\n\r\n${'....\r\n'.repeat(300)}`)
})
