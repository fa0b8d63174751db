// What a server goes through: stopped in the middle, a list removed under its mail, a retry of the mail server, a
// large message. Law: nothing is lost, nothing comes twice.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { EmailAddress } from '../src/mail/address.ts'
import { listBySpec } from '../src/store/units/lists.ts'
import { acceptMessage } from '../src/store/units/reception.ts'
import { handIn, post } from './support/hand-in.ts'
import { eventually } from './support/server.ts'
import { type ServerHere, serverHere } from './support/server-here.ts'

const tea = 'tea@lists.example.test'
const members = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}@one.example.test`)
const [ann = ''] = members(1)
const milk = 'milk@lists.example.test'
const idOf = (id: string): string => `<${id}@client.example.test>`
const emptyQueue = (server: ServerHere): Promise<boolean> =>
  eventually('an empty queue', async () => /"lanes":\[\]/.test(await server.posthorn(['queue', '--json'])))

for (const mode of ['bulk', 'individual'])
  test(`${mode}: an orderly stop in the middle of a fan-out loses and repeats nothing`, async () => {
    const sections = { bulk: { mode }, mta: { max_recipients: 10 } }
    // So slow that the stop comes long before the last copy, on any machine; then the relay is quick again.
    await using server = await serverHere({ sections, sink: { delays: { dot: 400 } } })
    const all = members(300)
    await server.list(tea, all)
    await server.post(ann, tea, 'long')
    await server.arrived(3, () => true)
    await server.stop()
    server.world.o.delays.dot = 0
    const before = server.copies.flatMap(({ to }) => to).length
    ok(before < all.length, `${before} copies were out before the stop`)
    await server.restart()
    await eventually('all copies', () => server.copies.flatMap(({ to }) => to).length >= all.length)
    await server.stop()
    deepEqual(server.copies.flatMap(({ to }) => to).sort(), all.sort())
  })

test('posts of one list leave in the order in which they were accepted', async () => {
  await using server = await serverHere({ sections: { bulk: { connections: 1 } } })
  await server.list(tea, [ann])
  await server.posthorn(['set', tea, 'subject_prefix=[%d] '])
  const ids = Array.from({ length: 25 }, (_, i) => `n${i}`)
  for (const id of ids) await server.post(ann, tea, id)
  const copies = await server.arrived(ids.length, () => true)
  deepEqual(
    copies.map(({ text }) => /^Subject: (.*)\r$/m.exec(text)?.[1]),
    ids.map((id, i) => `[${i + 1}] tea ${id}`),
  )
})

test('a list that is removed under its mail takes it along, judged or not; other lists go on', async () => {
  await using server = await serverHere({ sink: { greeting: 421 } })
  await server.list(tea, members(2))
  await server.list(milk, members(2))
  await server.post(ann, tea, 'judged')
  await eventually('the post to be judged', () =>
    server.posthorn(['trace', idOf('judged')]).catch(() => null),
  )
  // Whatever was made ready by then, those who are gone when the relay comes up get nothing.
  await eventually('the relay to turn us away', () => server.world.stats().connections > 0)
  await queueUnseen(server, 'waiting')
  await server.posthorn(['remove', tea])
  match((await server.post(ann, tea, 'late')).recipients[0] ?? '', /^550 5\.1\.1 /)
  server.world.o.greeting = 0
  await server.post(ann, milk, 'other') // wakes those who judge
  await server.arrived(2, ({ text }) => text.includes(idOf('other')))
  await emptyQueue(server)
  equal(server.copies.length, 2)
})

/** A post for the list as the door commits it, but nobody is told that it is there. */
async function queueUnseen({ services: { store, clock } }: ServerHere, id: string): Promise<void> {
  const list = store.read(listBySpec, { spec: tea })
  ok(list)
  const bytes = Buffer.from(post(ann, tea, id))
  const digest = hash('sha256', bytes, 'buffer')
  const envelope = { sender: ann as EmailAddress, recipient: tea, purpose: 'post', extension: null } as const
  await store.commit(acceptMessage, {
    hash: digest,
    size: bytes.length,
    body: { bytes },
    transactionHash: digest,
    recipients: [{ to: { list: list.no, purpose: 'post', extension: null }, envelope }],
    now: clock.now(),
    mayRepeat: true,
  })
}

test('a message of 1 MB goes through the spool, byte for byte', async () => {
  await using server = await serverHere()
  await server.list(tea, [ann])
  await server.posthorn(['set', tea, 'max_message_size=0'])
  const body = `${'0123456789 tea '.repeat(4)}\n`.repeat(17_000)
  const { end } = await server.post(ann, tea, 'large', { body })
  match(end[0] ?? '', /^250 /)
  const spool = join(server.services.config.paths.varDir, 'messages')
  ok(readdirSync(spool).length > 0)
  const [copy] = await server.arrived(1, () => true)
  equal(copy?.text.slice(copy.text.indexOf('\r\n\r\n') + 4), body.replaceAll('\n', '\r\n'))
})

test('a transaction whose answer was never heard comes again and is still one post', async () => {
  await using server = await serverHere()
  await server.list(tea, [ann])
  const again = { port: server.lmtpPort, from: ann, to: [tea], message: post(ann, tea, 'twice') }
  await handIn({ ...again, hangUp: true })
  await server.arrived(1, () => true)
  const { end } = await handIn(again)
  match(end[0] ?? '', /^250 2\.6\.0 queued before/)
  // This time it was heard: the third is meant.
  match((await handIn(again)).end[0] ?? '', /^250 2\.6\.0 queued as 2$/)
  await server.arrived(2, () => true)
  await eventually('an empty queue', async () =>
    /"lanes":\[\]/.test(await server.posthorn(['queue', '--json'])),
  )
  equal(server.copies.length, 2)
})
