import { deepEqual, equal, fail, match, rejects } from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { parseRule, type SinkOptions } from '../../test/mta-lab/sink.mjs'
import {
  address,
  brief,
  deliverAll,
  onLines,
  opened,
  relayAt,
  type Told,
  transaction,
  withServer,
  withSink,
} from '../../test/support/smtp-client.ts'
import { Manners, openConnection, type SmtpConnection, standardTimeouts } from './client.ts'

const refuse = (...patterns: string[]) => patterns.map((pattern) => parseRule(pattern, 550))
const three = [transaction(1), transaction(2), transaction(3)]
const two = { recipients: [address('ann@example.org'), address('bob@example.org')] }

// Each row: what the sink does, what is sent, what the caller hears, what the sink took. Both with and without PIPELINING.
const rows: {
  title: string
  sink: Partial<SinkOptions>
  send: typeof three
  hears: string[]
  took: number
  behind?: string[]
}[] = [
  { title: 'all taken', sink: {}, send: three, hears: Array(3).fill('250 250 250 kept'), took: 3 },
  {
    title: 'one recipient of two refused',
    sink: { rejectRcpt: refuse('bob@example.org=551 moved') },
    send: [transaction(1, two)],
    hears: ['250 250,551 250 kept'],
    took: 1,
  },
  {
    title: 'a recipient deferred, the next transaction untouched',
    sink: { rejectRcpt: refuse('ann1@example.org=451') },
    send: three,
    hears: ['250 451 - kept', '250 250 250 kept', '250 250 250 kept'],
    took: 2,
  },
  {
    title: 'MAIL refused: no word about recipients',
    sink: { rejectFrom: refuse('tea-bounces+2@lists.example.org') },
    send: three,
    hears: ['250 250 250 kept', '550 - - kept', '250 250 250 kept'],
    took: 2,
  },
  {
    title: 'the end of data refused',
    sink: { rejectData: refuse('ann2@example.org=554 no tea') },
    send: three,
    hears: ['250 250 250 kept', '250 250 554 kept', '250 250 250 kept'],
    took: 2,
  },
  {
    title: 'too many recipients',
    sink: { maxRcpt: 1 },
    send: [transaction(1, two)],
    hears: ['250 250,452 250 kept'],
    took: 1,
  },
  {
    title: 'a message above SIZE',
    sink: { size: 1000 },
    send: [transaction(1, { size: 2000 }), transaction(2)],
    hears: ['552 - - kept', '250 250 250 kept'],
    took: 1,
  },
  {
    title: '421 after so many messages',
    sink: { maxMessages: 1 },
    send: three,
    hears: ['250 250 250 kept', '421 - - before-dot'],
    took: 1,
  },
  {
    title: 'dropped after the dot: in doubt',
    sink: { dropAfterData: 1 },
    send: three,
    hears: ['250 250 - after-dot'],
    behind: ['- - - before-dot'],
    took: 1,
  },
]
for (const pipelining of [true, false]) {
  for (const { title, sink: options, send, hears, took, behind = [] } of rows) {
    test(`${pipelining ? 'pipelined' : 'in lockstep'}: ${title}`, () =>
      withSink({ ...options, pipelining }, async (sink) => {
        const connection = await opened(relayAt(sink.port))
        const told = await deliverAll(connection, send)
        deepEqual(told.map(brief), pipelining ? [...hears, ...behind] : hears)
        deepEqual(tags(told), tags(told).toSorted())
        const ended = hears.some((words) => !words.endsWith('kept'))
        equal(connection.reusable, !ended)
        equal(connection.loss !== null, ended)
        equal(sink.stats().messages, took)
        await connection.quit()
      }))
  }
}

const tags = (told: readonly Told[]): number[] => told.map(({ tag }) => tag)

async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((turn) => setImmediate(turn))
}

test('dropped in the middle of the data: nothing is in doubt while the dot is held', () =>
  withSink({ dropMidData: 1 }, async (sink) => {
    const connection = await opened(relayAt(sink.port))
    const told = await deliverAll(connection, three, {
      beforeDot: () => until(() => connection.loss !== null),
    }).catch((error: unknown) => error)
    deepEqual(Array.isArray(told) ? told.map(brief) : told, ['250 250 - before-dot'])
    equal(sink.stats().messages, 0)
  }))

for (const [stage, hears] of [
  ['mail', '- - - before-dot'],
  ['rcpt', '250 - - before-dot'],
  ['data', '250 250 - before-dot'],
  ['dot', '250 250 - after-dot'],
] as const) {
  test(`a server that falls silent at ${stage} is given up`, () =>
    withSink({ mute: [stage] }, async (sink) => {
      const timeouts = { ...standardTimeouts, [stage]: 40, quit: 40 }
      const connection = await opened(relayAt(sink.port, { timeouts }))
      const [first] = await deliverAll(connection, three)
      equal(first && brief(first), hears)
      match(connection.loss?.words ?? '', /nothing came for 0.04 s while waiting for the answer to/)
    }))
}

test('QUIT is not waited for long', () =>
  withSink({ mute: ['quit'] }, async (sink) => {
    const connection = await opened(relayAt(sink.port, { timeouts: { ...standardTimeouts, quit: 40 } }))
    await connection.quit()
    equal(connection.reusable, false)
  }))

test('every byte of a body arrives, from small pieces and from large ones', async () => {
  const line = Buffer.from(`${'tea and biscuits '.repeat(4)}\r\n`)
  const small = Array.from({ length: 300 }, () => line)
  const large = Buffer.concat(Array.from({ length: 20_000 }, () => line))
  const pieces = [...small, large, line, Buffer.alloc(0), large.subarray(0, line.length * 700), ...small]
  const taken: Buffer[] = []
  await withSink({ onMessage: (_sink, _id, body) => taken.push(body) }, async (sink) => {
    const connection = await opened(relayAt(sink.port))
    const told = await deliverAll(connection, [
      transaction(1, { pieces }),
      transaction(2),
      transaction(3, { pieces }),
    ])
    deepEqual(told.map(brief), Array(3).fill('250 250 250 kept'))
    await connection.quit()
  })
  equal(taken[0]?.equals(Buffer.concat(pieces)), true)
  equal(taken[2]?.equals(Buffer.concat(pieces)), true)
  equal(taken[1]?.toString(), 'Subject: tea\r\n\r\nAt five.\r\n')
})

test('the envelope says SIZE, BODY, SMTPUTF8 and XVERP only where they are offered, and domains go as A-labels', async () => {
  const send = transaction(1, {
    from: '<>',
    recipients: [address('ann@bücher.example')],
    eightBit: true,
    smtpUtf8: true,
  })
  await withSink({ xverp: true, strict: true }, async (sink) => {
    const connection = await opened(relayAt(sink.port))
    await deliverAll(connection, [
      send,
      transaction(2, { xverp: '+=', recipients: [address('jürgen@bücher.example')], smtpUtf8: true }),
    ])
    const [first, second] = sink.messages
    deepEqual(first?.fromParams, { SIZE: '26', BODY: '8BITMIME', SMTPUTF8: true })
    deepEqual(first?.to, ['ann@xn--bcher-kva.example'])
    deepEqual(second?.fromParams, { SIZE: '26', SMTPUTF8: true, XVERP: '+=' })
    deepEqual(second?.to, ['jürgen@bücher.example'])
    connection.destroy()
  })
  await withSink({ noSize: true, eightbit: false, smtputf8: false }, async (sink) => {
    const connection = await opened(relayAt(sink.port))
    deepEqual((await deliverAll(connection, [send])).map(brief), ['250 250 250 kept'])
    deepEqual(sink.messages[0]?.fromParams, {})
    connection.destroy()
  })
})

test('1,000 recipients pass while the server answers each of them slowly, in packets of a byte', async () => {
  const recipients = Array.from({ length: 1000 }, (_, i) =>
    address(`member${i}@${'a'.repeat(60)}.example.org`),
  )
  let bodies = 0
  await withServer(
    (socket) => {
      const say = (text: string): void => {
        for (const byte of Buffer.from(text)) socket.write(Uint8Array.of(byte))
      }
      say('220 hi\r\n')
      onLines(socket, (line) => {
        if (line.startsWith('EHLO')) say('250-x\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES\r\n')
        else if (line.startsWith('RCPT'))
          say(line.includes('7@') ? '550-5.1.1 no\r\n550 5.1.1 such\r\n' : '250 2.1.5 ok\r\n')
        else if (line === 'DATA') say('354 go\r\n')
        else if (line === '.') {
          bodies += 1
          say('250 2.0.0 taken\r\n')
        } else if (line.startsWith('MAIL')) say('250 2.1.0 ok\r\n')
      })
    },
    async (port) => {
      const connection = await opened(relayAt(port))
      const [told] = await deliverAll(connection, [transaction(1, { recipients })])
      equal(told?.result.end?.code, 250)
      told?.result.recipients.forEach((reply, i) => {
        equal(reply?.enhanced, i % 10 === 7 ? '5.1.1' : '2.1.5')
      })
      equal(bodies, 1)
      connection.destroy()
    },
  )
})

/** A server that answers what `answers` says per verb, else 250; notes what it heard. */
async function withScript(
  answers: Readonly<Record<string, string>>,
  use: (port: number, heard: string[]) => Promise<void>,
): Promise<void> {
  const heard: string[] = []
  await withServer(
    (socket) => {
      socket.write('220 hi\r\n')
      onLines(socket, (line) => {
        heard.push(line)
        const verb = line.split(/[ :]/)[0] ?? ''
        if (verb === 'EHLO') socket.write('250-x\r\n250 PIPELINING\r\n')
        else if (answers[line] !== undefined) socket.write(answers[line])
        else if (/^(MAIL|RCPT|DATA|RSET|QUIT|\.)$/.test(verb))
          socket.write(answers[verb] ?? (verb === 'DATA' ? '354 go\r\n' : '250 ok\r\n'))
      })
    },
    (port) => use(port, heard),
  )
}

const verbs = (heard: readonly string[]): string => heard.map((line) => line.split(/[ :]/)[0]).join(' ')

test('a go-ahead after every recipient was refused is answered by a lone dot, without a body', () =>
  withScript({ RCPT: '550 no\r\n', '.': '554 nobody\r\n' }, async (port, heard) => {
    const connection = await opened(relayAt(port))
    const asked: number[] = []
    const told: Told[] = []
    const left = [transaction(1), transaction(2)]
    await connection.deliver(() => left.shift() ?? null, {
      beforeDot: ({ tag }) => void asked.push(tag),
      done: ({ tag }, result) => void told.push({ tag, result }),
    })
    deepEqual(told.map(brief), ['250 550 - kept', '250 550 - kept'])
    deepEqual(asked, [])
    equal(verbs(heard), 'EHLO MAIL RCPT DATA . MAIL RCPT DATA .')
    connection.destroy()
  }))

test('RSET clears a transaction whose DATA was refused, also for the next delivery', () =>
  withScript({ DATA: '451 later\r\n' }, async (port, heard) => {
    const connection = await opened(relayAt(port))
    deepEqual(
      (await deliverAll(connection, [transaction(1), transaction(2)])).map(brief),
      Array(2).fill('250 250 451 kept'),
    )
    await deliverAll(connection, [transaction(3)])
    equal(verbs(heard), 'EHLO MAIL RCPT DATA RSET MAIL RCPT DATA RSET MAIL RCPT DATA')
    connection.destroy()
  }))

for (const { title, answers, hears } of [
  { title: '421 to MAIL', answers: { MAIL: '421 bye\r\n' }, hears: '421 -,- - before-dot' },
  {
    title: '421 to the second RCPT',
    answers: { 'RCPT TO:<bob@example.org>': '421 bye\r\n' },
    hears: '250 250,421 - before-dot',
  },
  { title: '421 to DATA', answers: { DATA: '421 bye\r\n' }, hears: '250 250,250 421 before-dot' },
  { title: '421 to the dot is its answer', answers: { '.': '421 bye\r\n' }, hears: '250 250,250 421 kept' },
  {
    title: 'a 250 to DATA never counts as taken',
    answers: { DATA: '250 ok\r\n' },
    hears: '250 250,250 - before-dot',
  },
  { title: 'a 354 to RCPT', answers: { RCPT: '354 go\r\n' }, hears: '250 -,- - before-dot' },
  { title: 'garbage after the dot', answers: { '.': 'well done\r\n' }, hears: '250 250,250 - after-dot' },
  {
    title: 'two replies to one command',
    answers: { DATA: '354 go\r\n552 too big\r\n' },
    hears: '250 250,250 552 before-dot',
  },
]) {
  test(`the connection ends: ${title}`, () =>
    withScript(answers as Readonly<Record<string, string>>, async (port) => {
      const connection = await opened(relayAt(port))
      // The dot is held a turn, so that whatever comes behind the go-ahead is there before it.
      const beforeDot = () => until(() => connection.loss !== null || !title.startsWith('two replies'))
      const [first] = await deliverAll(connection, [transaction(1, two)], { beforeDot })
      equal(first && brief(first), hears)
      equal(connection.reusable, false)
      match(connection.loss?.words ?? '', new RegExp(`^127.0.0.1:${port}: `))
    }))
}

test('the next envelope leaves in the same write as the final dot', async () => {
  const packets: string[] = []
  await withServer(
    (socket) => {
      socket.write('220 hi\r\n')
      socket.on('data', (chunk) => {
        const text = chunk.toString()
        packets.push(text)
        if (text.startsWith('EHLO')) socket.write('250-x\r\n250 PIPELINING\r\n')
        else
          socket.write(
            `${text.includes('\r\n.\r\n') ? '250 taken\r\n' : ''}${text.endsWith('DATA\r\n') ? '250 ok\r\n250 ok\r\n354 go\r\n' : ''}`,
          )
      })
    },
    async (port) => {
      const connection = await opened(relayAt(port))
      deepEqual((await deliverAll(connection, three)).map(brief), Array(3).fill('250 250 250 kept'))
      connection.destroy()
    },
  )
  equal(packets.length, 5) // EHLO; MAIL 1; body 1 and MAIL 2; body 2 and MAIL 3; body 3
  match(
    packets[2] ?? '',
    /^Subject: tea[\s\S]*\r\n\.\r\nMAIL FROM:<tea-bounces\+2@.*\r\nRCPT TO:<ann2@.*\r\nDATA\r\n$/,
  )
})

test('a server that throws away what leaves with a dot is asked again after each answer, on every later connection', async () => {
  const packets: string[] = []
  await withServer(
    (socket) => {
      socket.write('220 hi\r\n')
      socket.on('data', (chunk) => {
        const text = chunk.toString()
        packets.push(text)
        const dot = text.indexOf('\r\n.\r\n')
        if (text.startsWith('EHLO')) socket.write('250-x\r\n250 PIPELINING\r\n')
        else if (dot < 0) socket.write('250 ok\r\n250 ok\r\n354 go\r\n')
        else
          socket.write(
            `250 taken\r\n${'503 out of order\r\n'.repeat(text.slice(dot + 5).split('\n').length - 1)}`,
          )
      })
    },
    async (port) => {
      const manners = new Manners()
      const open = async (): Promise<SmtpConnection> => {
        const result = await openConnection(relayAt(port), undefined, manners)
        return 'connection' in result ? result.connection : fail(result.trouble.words)
      }
      const first = await open()
      deepEqual((await deliverAll(first, three)).map(brief), ['250 250 250 kept', '- - - before-dot'])
      match(first.loss?.words ?? '', /takes no command that leaves with the final dot: 503 out of order$/)
      packets.length = 0
      const second = await open()
      deepEqual((await deliverAll(second, three)).map(brief), Array(3).fill('250 250 250 kept'))
      second.destroy()
    },
  )
  equal(packets.filter((packet) => packet.endsWith('\r\n.\r\n')).length, 3)
})

test('a server that dies of an envelope behind a dot leaves one copy in doubt, and never again', async () => {
  await withServer(
    (socket) => {
      socket.write('220 hi\r\n')
      socket.on('data', (chunk) => {
        const text = chunk.toString()
        if (text.startsWith('EHLO')) socket.write('250-x\r\n250 PIPELINING\r\n')
        else if (text.startsWith('MAIL')) socket.write('250 ok\r\n250 ok\r\n354 go\r\n')
        else if (text.endsWith('\r\n.\r\n')) socket.write('250 taken\r\n')
        else socket.destroy()
      })
    },
    async (port) => {
      const manners = new Manners()
      const told: string[] = []
      for (let left = 3; left > 0; left -= 1) {
        const result = await openConnection(relayAt(port), undefined, manners)
        if ('trouble' in result) fail(result.trouble.words)
        told.push(...(await deliverAll(result.connection, three)).map(brief))
        result.connection.destroy()
      }
      const all = Array(3).fill('250 250 250 kept')
      deepEqual(told, ['250 250 - after-dot', '- - - before-dot', ...all, ...all])
    },
  )
})

test('an envelope for many recipients waits for the answer to the dot before it', async () => {
  const seen: string[] = []
  const many = { recipients: Array.from({ length: 21 }, (_, at) => address(`ann${at}@example.org`)) }
  await withServer(
    (socket) => {
      socket.write('220 hi\r\n')
      onLines(socket, (line) => {
        seen.push(line)
        if (line.startsWith('EHLO')) socket.write('250-x\r\n250 PIPELINING\r\n')
        else if (line === 'DATA') socket.write('354 go\r\n')
        else if (/^(MAIL|RCPT) /.test(line)) socket.write('250 ok\r\n')
        // Whatever came with the dot is there by now.
        else if (line === '.') setImmediate(() => seen.push('answered') && socket.write('250 taken\r\n'))
      })
    },
    async (port) => {
      const connection = await opened(relayAt(port))
      const told = await deliverAll(connection, [transaction(1), transaction(2, many)])
      deepEqual(
        told.map(({ result }) => result.end?.code),
        [250, 250],
      )
      connection.destroy()
    },
  )
  match(seen.join('\n'), /\n\.\nanswered\nMAIL FROM:<tea-bounces\+2@/)
})

test('a next() that is not ready does not delay the dot, and is served when it is', () =>
  withSink({}, async (sink) => {
    const connection = await opened(relayAt(sink.port))
    const told: string[] = []
    let calls = 0
    await connection.deliver<number>(
      () => {
        calls += 1
        if (calls === 1) return transaction(1)
        if (calls === 3) return null
        return sink.waitFor(1).then(() => transaction(2)) // only the dot of the first can set this free
      },
      { done: (_, result) => void told.push(`${result.end?.code}`) },
    )
    deepEqual(told, ['250', '250'])
    await connection.quit()
  }))

test('an owed transaction is reported when the connection is cut meanwhile', () =>
  withSink({}, async (sink) => {
    const connection = await opened(relayAt(sink.port))
    const owed = Promise.withResolvers<ReturnType<typeof transaction>>()
    const told: string[] = []
    const delivery = connection.deliver(() => owed.promise, {
      done: ({ tag }, result) => void told.push(brief({ tag, result })),
    })
    connection.destroy()
    owed.resolve(transaction(1))
    await delivery
    deepEqual(told, ['- - - before-dot'])
    equal(connection.reusable, false)
    await connection.deliver(() => Promise.reject(new Error('asked a dead connection')), {
      done: () => undefined,
    })
  }))

test('a ledger that fails before the dot keeps the dot from leaving', () =>
  withSink({}, async (sink) => {
    const told: string[] = []
    for (const beforeDot of [
      () => Promise.reject(new Error('disk full')),
      () => {
        throw new Error('disk full')
      },
    ]) {
      const connection = await opened(relayAt(sink.port))
      const left = [transaction(1), transaction(2)]
      const done = (_: unknown, result: Told['result']): void => void told.push(brief({ tag: 0, result }))
      await rejects(
        connection.deliver(() => left.shift() ?? null, { beforeDot, done }),
        /disk full/,
      )
    }
    deepEqual(told, Array(2).fill('250 250 - before-dot'))
    equal(sink.stats().messages, 0)
  }))

test('a fault of the caller ends the taking, not what is under way', () =>
  withSink({}, async (sink) => {
    const faults: [() => ReturnType<typeof transaction>, RegExp][] = [
      [() => transaction(2, { recipients: [] }), /at least one recipient/],
      [() => transaction(2, { pieces: [Buffer.from('no line end')] }), /ends with CRLF/],
      [() => transaction(2, { recipients: [address('jürgen@example.org')] }), /needs SMTPUTF8/],
      [() => transaction(2, { xverp: '+=' }), /XVERP/],
    ]
    for (const [second, words] of faults) {
      const connection = await opened(relayAt(sink.port))
      const told: string[] = []
      const left = [transaction(1), second(), transaction(3)]
      await rejects(
        connection.deliver(() => left.shift() ?? null, {
          done: ({ tag }, { lost }) => void told.push(`${tag} ${lost}`),
        }),
        words,
      )
      deepEqual(told, ['1 null', '2 before-dot'])
      deepEqual((await deliverAll(connection, [transaction(4)])).map(brief), ['250 250 250 kept'])
      await connection.quit()
    }
    const connection = await opened(relayAt(sink.port))
    let calls = 0
    const next = (): ReturnType<typeof transaction> => {
      calls += 1
      if (calls === 2) throw new Error('no page')
      return transaction(calls)
    }
    await rejects(connection.deliver(next, { done: () => undefined }), /no page/)
    equal(connection.reusable, true)
    await connection.quit()
  }))

test('a 421 to a resting connection makes it unusable, with words', async () => {
  const server = Promise.withResolvers<Socket>()
  await withServer(
    (socket) => {
      server.resolve(socket)
      socket.write('220 hi\r\n')
      onLines(socket, () => socket.write('250 x\r\n'))
    },
    async (port) => {
      const connection = await opened(relayAt(port))
      const socket = await server.promise
      socket.end('421 4.4.2 idle too long\r\n')
      await until(() => !connection.reusable)
      match(connection.loss?.words ?? '', /idle too long/)
      await connection.quit()
    },
  )
})
