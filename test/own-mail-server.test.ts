// The example of docs/own-mail-server.md, with the mail server that it was made for: a table is written and read, posts
// come in for the addresses in it, and each copy goes out by the site's own code. And each way of getting it wrong.
import { deepEqual, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { handIn, post } from './support/hand-in.ts'
import { eventually, freePort, freshSite, type Sections } from './support/server.ts'

const example = new URL('../examples/our-mta/', import.meta.url).pathname
const tea = 'tea@lists.example.test'
const members = ['ann@one.example.test', 'bob@two.example.test']

interface Letter {
  readonly from: string
  readonly to: readonly string[]
  readonly message: string
}

/** Carrier, as examples/our-mta/our-mta.ts describes it. */
async function carrier() {
  const letters: Letter[] = []
  const state = { isOpen: true, rereads: 0 }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (request.url === '/reread') {
      state.rereads += 1
      response.writeHead(state.isOpen ? 200 : 500).end()
    } else if (!state.isOpen) response.writeHead(503).end()
    else {
      const letter = JSON.parse(Buffer.concat(chunks).toString()) as Letter
      letters.push(letter)
      response.end(JSON.stringify({ replies: letter.to.map(() => '250 2.0.0 carried') }))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    letters,
    state,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A site with the example beside its configuration, as a person would put it there. */
async function ownSite(mta: Sections[string], files: Readonly<Record<string, string>>) {
  const site = await freshSite({
    relayPort: await freePort(),
    sections: { mta, bulk: { mode: 'individual' } },
  })
  copyFileSync(join(example, 'our-mta.ts'), join(site.directory, 'our-mta.ts'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(site.directory, name), text)
  return site
}

test('the example: a table for a mail server of the site, and mail in and out through it', async () => {
  await using mailServer = await carrier()
  const { url, letters, state } = mailServer
  const settings = readFileSync(join(example, 'carrier.cfg'), 'utf8').replaceAll(/http:.*/g, url)
  const text = readFileSync(join(example, 'posthorn.cfg'), 'utf8')
  const mta = Object.fromEntries(
    [...text.matchAll(/^(incoming|outgoing|configuration): (.*)$/gm)].map(([, key = '', value = '']) => [
      key,
      value,
    ]),
  )
  await using site = await ownSite(mta, { 'carrier.cfg': settings })
  await site.list(tea, members)
  const server = await site.start()
  match((await site.posthorn(['status'])).out, /our-mta\.ts#deliver/)
  const table = () => readFileSync(join(site.varDir, 'data', 'carrier_recipients'), 'utf8')
  match(table(), /^tea-owner@lists\.example\.test 127\.0\.0\.1:\d+$/m)
  await site.must(['create', 'milk@lists.example.test'])
  match(table(), /^milk@/m)
  await site.must(['remove', 'milk@lists.example.test'])
  equal(/^milk/m.test(table()), false)
  equal(state.rereads > 0, true)

  const handed = await handIn({
    port: server.lmtpPort,
    from: members[0] ?? '',
    to: [tea],
    message: post(members[0] ?? '', tea, 'one'),
  })
  match(handed.end[0] ?? '', /^250 /)
  await eventually('two copies', () => letters.length === 2)
  deepEqual(letters.flatMap(({ to }) => to).sort(), members)
  deepEqual(
    letters.map(({ from }) => from.replace(/\+.*@/, '+…@')),
    Array(2).fill('tea-bounces+…@lists.example.test'),
  )
  match(Buffer.from(letters[0]?.message ?? '', 'base64').toString(), /^List-Id: .*tea\.lists\.example\.test/m)

  // It closes: lists can be made, the fault is told, mail waits.
  state.isOpen = false
  const created = await site.posthorn(['create', 'milk@lists.example.test'])
  equal(created.code, 1)
  match(
    created.err,
    /has been created, but .*OurMta says 'Carrier at http:.* answered 500 to \/reread; see its log'/,
  )
  await handIn({
    port: server.lmtpPort,
    from: members[0] ?? '',
    to: [tea],
    message: post(members[0] ?? '', tea, 'two'),
  })
  const down = await server.logged('relay.down')
  match(String(down.words), /#deliver: Carrier at http:.* takes nothing now/)
  match(
    (await site.posthorn(['status'])).out,
    /TROUBLE: the mail server's tables are not up to date: .*answered 500 to \/reread/,
  )
  state.isOpen = true
  await eventually('two more copies', () => letters.length === 4)
  await site.must(['aliases'])
  equal(/tables are not up to date/.test((await site.posthorn(['status'])).out), false)
  equal(await server.stop(), 0)
})

test('the server does not start with code that it cannot use, and says why in one line', async () => {
  await using site = await ownSite({ outgoing: './x.mjs#a' }, { 'x.mjs': 'export const a = 1' })
  const { code, err } = await site.refusedStart()
  equal(code, 1)
  match(err, /\[mta\] outgoing: a of .*x\.mjs is no function; export async function deliver/)
})

test('without a server a list is made all the same, and its maker hears why the tables wait', async () => {
  await using site = await ownSite({ incoming: './none.ts#OurMta' }, {})
  const { code, out, err } = await site.posthorn(['create', tea])
  equal(code, 1)
  match(out, /^Created mailing list: tea@/)
  match(err, /tea@lists\.example\.test has been created, but .*there is no file .*none\.ts/)
  await site.must(['lists'])
  const aliases = await site.posthorn(['aliases', '-d', site.directory])
  equal(aliases.code, 1)
  match(aliases.err, /could not be made: \[mta\] incoming: there is no file/)
})
