import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { freshDoor, greet, speak } from './door-at-test.ts'

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
