import { deepEqual, equal } from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { ManualClock, systemClock } from '../base/clock.ts'
import { type ReadinessFacts, readiness } from './readiness.ts'

/** A door that says this to whoever comes, or nothing; the time of `use`. */
async function withDoor(greeting: string | null, use: (door: string) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    if (greeting !== null) socket.write(greeting)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use(`127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

const well: Omit<ReadinessFacts, 'door'> = {
  write: async () => undefined,
  disk: () => null,
  relay: async () => null,
}

for (const { title, greeting, facts, ready, lines } of [
  { title: 'all is well', greeting: '220 here LMTP\r\n', facts: {}, ready: true, lines: ['ok lmtp', 'ok store', 'ok disk'] },
  { title: 'the door lets this machine not in, but answers', greeting: '554 5.7.1 no\r\n', facts: {}, ready: true, lines: ['ok lmtp', 'ok store', 'ok disk'] },
  { title: 'the door is full', greeting: '421 4.3.2 too many\r\n', facts: {}, ready: false, lines: ['FAULT lmtp: it said 421 4.3.2 too many', 'ok store', 'ok disk'] },
  { title: 'the store takes no commit', greeting: '220 here LMTP\r\n', facts: { write: async () => Promise.reject(new Error('the disk is full')) }, ready: false, lines: ['ok lmtp', 'FAULT store: the disk is full', 'ok disk'] },
  { title: 'there is too little disk', greeting: '220 here LMTP\r\n', facts: { disk: () => '5 bytes are free' }, ready: false, lines: ['ok lmtp', 'ok store', 'FAULT disk: 5 bytes are free'] },
  { title: 'the relay is down, which is told and no more', greeting: '220 here LMTP\r\n', facts: { relay: async () => 'connection refused' }, ready: true, lines: ['ok lmtp', 'ok store', 'ok disk', 'note relay: connection refused; mail is taken and waits'] },
] satisfies readonly { title: string; greeting: string; facts: Partial<ReadinessFacts>; ready: boolean; lines: readonly string[] }[]) // biome-ignore format: a table
  test(`ready or not: ${title}`, async () => {
    await withDoor(greeting, async (door) => {
      deepEqual(await readiness(systemClock, { door, ...well, ...facts })(), { ready, lines })
    })
  })

test('a door that is not there is a fault with its words', async () => {
  let gone = ''
  await withDoor(null, async (door) => {
    gone = door
  })
  const { ready, lines } = await readiness(systemClock, { door: gone, ...well })()
  equal(ready, false)
  equal(lines[0], `FAULT lmtp: connect ECONNREFUSED ${gone}`)
})

test('many who ask within a second cost one look', async () => {
  const clock = new ManualClock()
  let writes = 0
  await withDoor('220 here LMTP\r\n', async (door) => {
    const write = async (): Promise<void> => {
      writes += 1
    }
    const ask = readiness(clock, { door, ...well, write })
    await Promise.all([ask(), ask(), ask()])
    await ask()
    equal(writes, 1)
    clock.advance(1001)
    await ask()
    equal(writes, 2)
  })
})
