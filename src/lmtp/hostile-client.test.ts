// Clients that push, cut and vanish: whatever they do, what they were told is true, and nobody's message is taken twice.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { type FreshDoor, freshDoor } from '../../test/support/fresh-door.ts'

const envelope = 'MAIL FROM:<ann@example.com>\r\nRCPT TO:<tea@lists.example.org>\r\n'
const message = (id: string): string =>
  `Message-ID: <${id}@example.com>\r\nSubject: tea\r\n\r\n.hot\r\nand dry\r\n`

/** One message, in one of the ways in which it may be sent. */
function sent(id: string, way: number): string {
  const text = message(id)
  if (way % 3 === 0) return `${envelope}DATA\r\n${text.replace(/^\./gm, '..')}.\r\n`
  if (way % 3 === 1) return `${envelope}BDAT ${text.length} LAST\r\n${text}`
  const cut = 1 + (way % 60) // between CR and LF too
  const chunks = [text.slice(0, cut), text.slice(cut)].map((part) => `BDAT ${part.length}\r\n${part}`)
  return `${envelope}${chunks.join('')}BDAT 0 LAST\r\n`
}

const smtpDoor = (): Promise<FreshDoor> =>
  freshDoor({ listen: [{ host: '127.0.0.1', port: 0, dialect: 'smtp' }], maxConnections: 1000 })

/** How often each message was stored. */
function stored(door: FreshDoor): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const { bytes } of door.items()) {
    const id = /^Message-ID: <(.*)@/.exec(bytes.toString('latin1'))?.[1] ?? ''
    equal(bytes.toString('latin1'), message(id))
    times.set(id, (times.get(id) ?? 0) + 1)
  }
  return times
}

async function all(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

for (const { title, piece } of [
  { title: 'in one write', piece: Number.POSITIVE_INFINITY },
  { title: 'eleven octets at a time', piece: 11 },
]) {
  test(`two hundred transactions without waiting, ${title}: each is taken once and whole`, async () => {
    await using door = await smtpDoor()
    const ids = Array.from({ length: 200 }, (_, at) => `m${at}`)
    const text = `EHLO client.example.org\r\n${ids.map(sent).join('')}QUIT\r\n`
    const socket = connect(door.address).setNoDelay(true)
    const said = all(socket)
    for (let at = 0; at < text.length; at += piece) socket.write(text.slice(at, at + piece))
    const queued = (await said).match(/^250 2\.6\.0 queued/gm) ?? []
    equal(queued.length, ids.length)
    deepEqual([...stored(door).keys()].sort(), [...ids].sort())
    ok([...stored(door).values()].every((times) => times === 1))
  })
}

test('clients that vanish anywhere: what was answered with 250 is stored once, what was not at most once', async () => {
  await using door = await smtpDoor()
  const answered = new Set<string>()
  const visit = async (id: string, at: number): Promise<void> => {
    const socket = connect(door.address).on('error', () => undefined)
    const gone = once(socket, 'close')
    let heard = ''
    socket.on('data', (chunk) => {
      heard += String(chunk)
      if (/^250 2\.6\.0 queued/m.test(heard)) answered.add(id)
      // By now the server is somewhere in what it was sent.
      if (heard.length > at) socket.resetAndDestroy()
    })
    const text = `EHLO client.example.org\r\n${sent(id, at)}`
    socket.write(text.slice(0, 60 + at))
    if (60 + at < text.length) socket.end()
    else socket.write('QUIT\r\n')
    await gone
  }
  const visits = Array.from({ length: 300 }, (_, at) => visit(`v${at}`, at))
  await Promise.all(visits)
  await door.door.close(5000)
  const times = stored(door)
  ok(answered.size > 20 && answered.size < 300, `${answered.size} were answered`)
  deepEqual(
    [...answered].filter((id) => times.get(id) !== 1),
    [],
  )
  deepEqual(
    [...times].filter(([, count]) => count !== 1),
    [],
  )
})

test('storms of commands cost an answer each, and leave the door open', async () => {
  await using door = await smtpDoor()
  for (const { storm, count } of [
    { storm: 'RSET\r\n', count: 100_000 },
    { storm: 'RCPT TO:<nosuch@lists.example.org>\r\n', count: 20_000 },
    { storm: 'BDAT 1\r\nx', count: 50_000 },
  ]) {
    const socket = connect(door.address)
    const said = all(socket)
    socket.end(`EHLO client.example.org\r\n${envelope}${storm.repeat(count)}QUIT\r\n`)
    const lines = (await said).split('\r\n').slice(0, -1)
    equal(lines.length, 1 + 7 + 2 + count + 1)
    ok(lines.at(-1)?.startsWith('221'))
  }
  equal(door.items().length, 0)
})
