// The relay misbehaves under a whole server. Law: the door goes on taking mail, nothing is lost, no copy is sent
// twice unless its transaction was cut after the final dot, and no member is scored for it.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs, Sink } from '../mta-lab/sink.mjs'
import { handIn, post } from '../support/hand-in.ts'
import { eventually, freshSite, type Sections, type Server, type Site } from '../support/server.ts'

const tea = 'tea@lists.example.test'
const members = Array.from({ length: 6 }, (_, i) => `m${i}@one.example.test`)
const [ann = ''] = members
const shiftedClock = new URL('../support/shifted-clock.mjs', import.meta.url).pathname
const aMinute = 61_000 // until the first retry
const aDay = 86_400_000

interface Running extends AsyncDisposable {
  readonly site: Site
  readonly server: Server
  readonly world: Sink
  /** Hands in a post and remembers that it must arrive. */
  post(id: string): Promise<void>
  /** Sets the sink's words, over those it was made with. */
  relay(...words: readonly string[]): void
  /** All posts have come to all members; how many copies came more than once. */
  settled(): Promise<number>
  bounces(): readonly string[]
  /** Puts the server's clock off the right time. */
  clock(milliseconds: number): void
}

async function running(words: readonly string[], sections: Sections = {}): Promise<Running> {
  await using ending = new AsyncDisposableStack()
  const copies = new Map<string, number>()
  const world = new Sink({ ...parseArgs(words), keep: true })
  world.o.onMessage = (sink, _id, body) => {
    const id = /^Message-ID: <([^@]+)@/m.exec(body.toString('latin1'))?.[1]
    for (const to of sink.messages.at(-1)?.to ?? [])
      copies.set(`${id} ${to}`, (copies.get(`${id} ${to}`) ?? 0) + 1)
  }
  await world.listen()
  ending.defer(() => world.close())
  const site = ending.use(await freshSite({ relayPort: world.port, sections }))
  await site.list(tea, members)
  const clockFile = join(site.directory, 'clock')
  const clock = (milliseconds: number): void => writeFileSync(clockFile, String(milliseconds))
  clock(0)
  const server = await site.start({
    environment: { NODE_OPTIONS: `--import ${shiftedClock}`, POSTHORN_TEST_CLOCK: clockFile },
  })
  const wanted: string[] = []
  const kept = ending.move()
  return {
    site,
    server,
    world,
    post: async (id) => {
      const { end } = await handIn({
        port: server.lmtpPort,
        from: ann,
        to: [tea],
        message: post(ann, tea, id),
      })
      match(end[0] ?? '', /^250 /)
      wanted.push(...members.map((to) => `${id} ${to}`))
    },
    relay: (...more) => void Object.assign(world.o, parseArgs(more, world.o)),
    settled: async () => {
      await eventually('every copy of every post', () => wanted.every((copy) => copies.has(copy)), 60_000)
      return [...copies.values()].filter((times) => times > 1).length
    },
    bounces: () => {
      const db = new DatabaseSync(join(site.varDir, 'posthorn.db'), { readOnly: true })
      const rows = db.prepare('select address from bounce_event').all()
      db.close()
      return rows.map(({ address }) => String(address))
    },
    clock,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

for (const mode of ['bulk', 'individual']) {
  const bulk = { mode }

  test(`${mode}: a wrong password pauses delivery and is told; once it is mended there, all arrives`, async () => {
    const mta = { smtp_user: 'list', smtp_pass: 'wrong' }
    await using it = await running(['--auth', 'list:right', '--require-auth'], { mta, bulk })
    await it.post('one')
    const { words } = await it.server.logged('relay.down')
    match(String(words), /535/)
    await it.post('two')
    const told = await it.site.posthorn(['status'])
    equal(told.code, 1)
    match(told.out, /TROUBLE: the relay takes no mail: .*535/)
    equal(it.world.messages.length, 0)
    it.relay('--auth', 'list:wrong')
    equal(await it.settled(), 0)
    deepEqual(it.bounces(), [])
    await eventually('the relay to count as up', async () => (await it.site.posthorn(['status'])).code === 0)
  })

  test(`${mode}: a relay that is gone for five seconds costs time only, the door stays open`, async () => {
    await using it = await running([], { bulk })
    await it.post('before')
    await it.settled()
    const { port } = it.world
    await it.world.close()
    const end = performance.now() + 5000
    for (let i = 0; performance.now() < end; i += 1) {
      await it.post(`meanwhile${i}`)
      await pause(250)
    }
    it.world.o.port = port
    await it.world.listen()
    await it.post('after')
    equal(await it.settled(), 0)
    deepEqual(it.bounces(), [])
  })

  test(`${mode}: a slow relay gets each copy once`, async () => {
    await using it = await running(['--delay-dot', '300', '--delay-rcpt', '20'], { bulk })
    for (let i = 0; i < 5; i += 1) await it.post(`slow${i}`)
    equal(await it.settled(), 0)
  })

  for (const { title, words, most } of [
    { title: 'in the middle of the data', words: ['--drop-mid-data-times', '2'], most: 0 },
    {
      title: 'after the final dot, before its answer',
      words: ['--drop-after-data-times', '2'],
      most: mode === 'bulk' ? 2 * members.length : 2,
    },
  ])
    test(`${mode}: connections cut ${title} are tried again, and at most what was in doubt comes twice`, async () => {
      await using it = await running(words, { bulk })
      for (let i = 0; i < 5; i += 1) await it.post(`cut${i}`)
      // All of these small messages had left us, so they are in doubt and wait for their retry.
      await it.server.logged('delivery.page', ({ doubt }) => doubt !== undefined)
      await eventually('two cuts', () => it.world.stats().dropped === 2)
      it.clock(aMinute)
      await it.post('after')
      ok((await it.settled()) <= most)
      deepEqual(it.bounces(), [])
    })

  for (const { title, shift } of [
    { title: 'a minute later', shift: aMinute },
    { title: 'when the clock was set back by a day', shift: -aDay },
    { title: 'when the clock was set forward by a day', shift: aDay },
  ])
    test(`${mode}: what was greylisted is tried again ${title}, and later posts arrive too`, async () => {
      await using it = await running(['--greylist-tries', '1'], { bulk })
      await it.post('grey')
      await it.server.logged('delivery.page', ({ deferred }) => deferred === members.length)
      equal(it.world.messages.length, 0)
      it.clock(shift)
      await it.post('later')
      equal(await it.settled(), 0)
      await it.post('last')
      equal(await it.settled(), 0)
      deepEqual(it.bounces(), [])
    })

  test(`${mode}: 421 to every third message of a connection costs nothing but connections`, async () => {
    await using it = await running(['--max-messages', '2'], { bulk })
    for (let i = 0; i < 8; i += 1) await it.post(`many${i}`)
    equal(await it.settled(), 0)
    ok(it.world.stats().maxMessagesPerConnection <= 2)
  })
}
