import { deepEqual, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { EmailAddress, EnvelopeSender } from '../../mail/address.ts'
import { handOver, type Patience } from './hand-over.ts'

const envelope = {
  sender: 'ann@example.com' as EnvelopeSender,
  recipient: 'tea@lists.example.org' as EmailAddress,
}
const message = {
  pieces: [Buffer.from('Subject: x\r\n\r\nhello\r\n'), Buffer.from('.\r\n')],
  eightBit: false,
}
const patience: Patience = { connect: 5000, reply: 5000, dot: 5000 }

/** What the server says at each step, whole replies; null: nothing, ever; 'close': hangs up. */
type Script = readonly (string | null)[]
const friendly: Script = [
  '220-lists.example.org\r\n220 LMTP\r\n',
  '250-lists.example.org\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n',
  '250 sender\r\n',
  '250 recipient\r\n',
  '354 go ahead\r\n',
  '250-queued\r\n250 as 17\r\n',
]
const at = (step: number, reply: string | null): Script =>
  friendly.map((usual, i) => (i === step ? reply : usual))

/** A server that says what stands in the script, one octet in a packet where `trickles`. */
async function server(script: Script, trickles = false) {
  const heard: string[] = []
  let orderly = false
  const sockets = new Set<Socket>()
  const listening = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    void talk(socket)
  }).listen(0, '127.0.0.1')
  const say = async (socket: Socket, reply: string | null | undefined): Promise<void> => {
    if (reply === 'close') socket.destroy()
    else if (typeof reply === 'string') {
      for (const piece of trickles ? reply : [reply]) {
        await new Promise((resolve) => socket.write(piece, resolve))
        if (trickles) await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }
  const talk = async (socket: Socket): Promise<void> => {
    socket.on('error', () => undefined)
    const left = [...script]
    let inMessage = false
    await say(socket, left.shift())
    for await (const line of createInterface({ input: socket })) {
      heard.push(line)
      if (line === 'QUIT') {
        orderly = true
        socket.end('221 bye\r\n')
      } else if (inMessage && line !== '.') continue
      else {
        inMessage = line === 'DATA'
        await say(socket, left.shift())
      }
    }
  }
  await once(listening, 'listening')
  const { port } = listening.address() as AddressInfo
  return {
    place: { host: '127.0.0.1', port },
    heard,
    orderly: () => orderly,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy()
      listening.close()
    },
  }
}

for (const trickles of [false, true]) {
  test(`a message is delivered${trickles ? ', though each reply comes in single octets' : ''}`, async () => {
    using there = await server(friendly, trickles)
    deepEqual(await handOver(there.place, envelope, message, patience), {
      kind: 'delivered',
      words: '250 queued as 17',
    })
    equal(there.orderly(), true)
    deepEqual(there.heard, [
      'LHLO localhost',
      'MAIL FROM:<ann@example.com>',
      'RCPT TO:<tea@lists.example.org>',
      'DATA',
      'Subject: x',
      '',
      'hello',
      '.',
      'QUIT',
    ])
  })
}

for (const { title, script, kind, words } of [
  {
    title: 'a greeting of 554',
    script: at(0, '554 5.7.1 not you\r\n'),
    kind: 'later',
    words: /greeting: 554/,
  },
  { title: '500 to LHLO', script: at(1, '500 what\r\n'), kind: 'later', words: /LHLO: 500 what/ },
  { title: '451 to MAIL', script: at(2, '451 later\r\n'), kind: 'later', words: /MAIL: 451/ },
  { title: '550 to MAIL', script: at(2, '550 no\r\n'), kind: 'later', words: /MAIL: 550/ },
  { title: '451 to RCPT', script: at(3, '451 later\r\n'), kind: 'later', words: /RCPT tea@.*: 451/ },
  {
    title: '550 to RCPT',
    script: at(3, '550 5.1.1 no\r\n'),
    kind: 'unknown',
    words: /RCPT tea@.*: 550 5.1.1 no/,
  },
  { title: '250 to DATA', script: at(4, '250 ok\r\n'), kind: 'later', words: /DATA: 250/ },
  { title: '554 to DATA', script: at(4, '554 no\r\n'), kind: 'never', words: /DATA: 554/ },
  { title: '452 after the dot', script: at(5, '452 full\r\n'), kind: 'later', words: /end of data: 452/ },
  {
    title: '552 after the dot',
    script: at(5, '552-too\r\n552 big\r\n'),
    kind: 'never',
    words: /552 too big/,
  },
  { title: '421 after the dot', script: at(5, '421 going\r\n'), kind: 'later', words: /421/ },
  { title: 'an end without a reply', script: at(5, 'close'), kind: 'later', words: /closed the connection/ },
  {
    title: 'half of a reply, and the end',
    script: at(5, '250-queued\r\n250 a'),
    kind: 'later',
    words: /no answer/,
  },
  { title: 'silence', script: at(3, null), kind: 'later', words: /RCPT .*: no answer in 0\.2 s/ },
  {
    title: 'a reply too many',
    script: at(2, '250 ok\r\n250 ok\r\n'),
    kind: 'later',
    words: /unexpected 250 ok/,
  },
  { title: 'no reply at all', script: at(3, 'hello there\r\n'), kind: 'later', words: /no SMTP reply/ },
]) {
  test(`${title}: ${kind}`, async () => {
    using there = await server(script)
    const outcome = await handOver(there.place, envelope, message, { connect: 5000, reply: 200, dot: 200 })
    equal(outcome.kind, kind)
    match(outcome.words, words)
  })
}

test('nobody listens: later', async () => {
  const { place, [Symbol.dispose]: close } = await server(friendly)
  close()
  const outcome = await handOver(place, envelope, message, patience)
  equal(outcome.kind, 'later')
  match(outcome.words, /cannot reach the LMTP server at 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
})

test('8BITMIME and SMTPUTF8 are asked for where they are needed and offered', async () => {
  using there = await server(friendly)
  const utf8 = { ...envelope, sender: 'zoë@example.com' as EnvelopeSender }
  await handOver(there.place, utf8, { ...message, eightBit: true }, patience)
  equal(there.heard[1], 'MAIL FROM:<zoë@example.com> BODY=8BITMIME SMTPUTF8')
  using plain = await server(at(1, '250 lists.example.org\r\n'))
  await handOver(plain.place, { ...envelope, sender: '<>' }, { ...message, eightBit: true }, patience)
  equal(plain.heard[1], 'MAIL FROM:<>')
})
