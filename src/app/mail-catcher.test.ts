import { deepEqual, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { type CaughtCopy, openMailCatcher } from './mail-catcher.ts'

async function catching(): Promise<{
  readonly caught: readonly CaughtCopy[]
  /** Everything in one write (RFC 2920, RFC 3030); all that was answered. */
  send(mail: string, recipient: string, message: string): Promise<string>
  [Symbol.asyncDispose](): Promise<void>
}> {
  const caught: CaughtCopy[] = []
  const catcher = await openMailCatcher(systemClock, (copy) => caught.push(copy))
  return {
    caught,
    send: async (mail, recipient, message) => {
      const socket = connect(catcher.port, '127.0.0.1')
      const size = Buffer.byteLength(message)
      socket.write(
        `EHLO localhost\r\nMAIL FROM:${mail}\r\nRCPT TO:<${recipient}>\r\nBDAT ${size} LAST\r\n${message}QUIT\r\n`,
      )
      return text(socket)
    },
    [Symbol.asyncDispose]: () => catcher.close(),
  }
}

test('the catcher offers what a modern mail server does, and shows what came', async () => {
  await using bench = await catching()
  const said = await bench.send(
    '<tea-bounces+1@lists.example.test>',
    'ann@example.org',
    'Subject: =?utf-8?q?gr=C3=BCner_Tee?=\r\nContent-Type: text/plain; charset=utf-8\r\n' +
      'Content-Transfer-Encoding: quoted-printable\r\n\r\nS=C3=BC=C3=9F\r\n\r\ntwo\r\nthree\r\nfour\r\nfive\r\n',
  )
  for (const keyword of ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'CHUNKING'])
    match(said, new RegExp(`^250[ -]${keyword}\\r$`, 'm'))
  match(said, /^250 2\.0\.0 caught as 1\r$/m)
  deepEqual(bench.caught, [
    {
      number: 1,
      sender: 'tea-bounces+1@lists.example.test',
      recipients: ['ann@example.org'],
      subject: 'grüner Tee',
      lines: ['Süß', 'two', 'three', 'four'],
    },
  ])
})

test('the text of a letter in several parts is shown, and an address in letters of its own', async () => {
  await using bench = await catching()
  await bench.send(
    '<> SMTPUTF8 BODY=8BITMIME',
    'zoë@example.org',
    'Subject: parts\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n' +
      '--x\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--x\r\n\r\nyes\r\n--x--\r\n',
  )
  const [copy] = bench.caught
  equal(copy?.sender, '<>')
  deepEqual(copy?.recipients, ['zoë@example.org'])
  deepEqual(copy?.lines, ['yes'])
})

test('nothing that came by mail steers the terminal', async () => {
  await using bench = await catching()
  await bench.send(
    '<ann@example.org>',
    'ben@example.net',
    `Subject: a\u001b]0;title\u0007b\r\n\r\n\u001b[2Jgone\r\n${'x'.repeat(300)}\r\n`,
  )
  deepEqual(bench.caught[0]?.subject, 'a ]0;title b')
  deepEqual(bench.caught[0]?.lines, [' [2Jgone', `${'x'.repeat(100)} …`])
})

test('closing cuts who is still connected', async () => {
  const catcher = await openMailCatcher(systemClock, () => undefined)
  const socket = connect(catcher.port, '127.0.0.1')
  await once(socket, 'data')
  const closed = once(socket, 'close')
  await catcher.close()
  await closed
})
