// The server dies at each named step of a post's way, of a bulk subscription and of a publication (design §8). The
// shim of the power-cut test ends it at an event of its own system calls, so the product has no hook for this.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import type { SinkOptions } from '../mta-lab/sink.mjs'
import { LmtpClient, makePost, type StopAt } from '../support/crash-client.ts'
import { countRepeats, judgeLog, type WatchedSink, watchedSink } from '../support/crash-judgement.ts'
import { type Progress, progressOf } from '../support/crash-ledger.ts'
import { countMembers, untilAllIsOut, untilMembers } from '../support/crash-queue.ts'
import { type HowToStart, type Server, startServer } from '../support/crash-server.ts'
import {
  copySite,
  listAddress,
  memberFile,
  posthorn,
  prepareSite,
  removeSite,
  type Site,
} from '../support/crash-site.ts'
import { unpublished } from '../support/crash-tables.ts'
import { compileShim, recording } from '../support/power-cut/journal.ts'

const patience = 20_000
const large = 300 * 1024
const [individual, bulk] = [
  { mode: 'individual', members: 30, inDoubt: 10, publishes: true, maxPostSize: 1000 },
  { mode: 'bulk', members: 1200, inDoubt: 500 },
] as const
const prepared = { individual: null as Site | null, bulk: null as Site | null }
let directory = ''
let shim = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'posthorn-steps-'))
  shim = await compileShim(directory)
  prepared.individual = await warm(await prepareSite(individual))
  prepared.bulk = await warm(await prepareSite(bulk))
})
after(async () => {
  await rm(directory, { recursive: true, force: true })
  for (const site of Object.values(prepared)) if (site !== null) await removeSite(site)
})

// A test that failed in the middle leaves a server or a sink: they would keep this process from ending.
const servers = new Set<Server>()
const sinks = new Set<WatchedSink>()
afterEach(async () => {
  for (const server of servers) server.kill()
  for (const { gone } of servers) await gone
  for (const { sink } of sinks) await sink.close()
  servers.clear()
  sinks.clear()
})

async function start(site: Site, how: HowToStart = {}): Promise<Server> {
  const server = await startServer(site, how)
  servers.add(server)
  return server
}

/** A site that has delivered once: what only a first delivery commits is behind it. */
async function warm(site: Site): Promise<Site> {
  const sink = await watchedSink()
  const used = await copySite(site, sink.sink.port)
  const server = await startServer(used)
  await (await LmtpClient.open(server.lmtpPort))?.post(makePost(99))
  await untilAllIsOut(used, patience)
  server.kill()
  await server.gone
  await sink.nextBoot()
  await sink.sink.close()
  await removeSite(site)
  return used
}

interface Step {
  readonly step: string
  /** Events at the last of which the server dies, as shim.c says. */
  readonly events?: readonly string[]
  /** The client falls silent there, and then the server is killed. */
  readonly client?: StopAt
  /** Killed as soon as the sink has taken one message. */
  readonly sinkTook?: true
  /** Killed when the log says this. */
  readonly log?: string
  readonly sink?: Partial<SinkOptions>
  readonly mode?: 'bulk'
  readonly size?: number
  /** The client got its 250. */
  readonly answered: boolean
  /** How far the post had come in the store. */
  readonly left: readonly Progress[]
}

const received = 'after received <post-1@'
const log = 'posthorn.db-wal'
const steps: readonly Step[] = [
  { step: 'in the middle of the data', client: 'mid-data', answered: false, left: ['nothing'] },
  { step: 'after the data, before the dot', client: 'before-dot', answered: false, left: ['nothing'] },
  {
    step: 'after the dot, before the commit',
    events: [received, `before written ${log}`],
    answered: false,
    left: ['nothing'],
  },
  {
    step: 'a large post: its file is written and has no name yet',
    events: [received, 'before renamed /messages/'],
    size: large,
    answered: false,
    left: ['nothing'],
  },
  {
    step: 'a large post: its file has its name, nothing is committed',
    events: [received, 'after renamed /messages/', `before written ${log}`],
    size: large,
    answered: false,
    left: ['nothing'],
  },
  {
    step: 'in the commit, before its sync',
    events: [received, `before synced ${log}`],
    answered: false,
    left: ['queued'],
  },
  {
    step: 'after the commit, before the 250',
    events: [received, 'before sent 250 2.6.0'],
    answered: false,
    left: ['queued'],
  },
  {
    step: 'a large post: after the commit, before the 250',
    events: [received, 'before sent 250 2.6.0'],
    size: large,
    answered: false,
    left: ['queued'],
  },
  {
    step: 'after the 250',
    events: [received, 'after sent 250 2.6.0'],
    answered: true,
    left: ['queued', 'claimed'],
  },
  {
    step: 'after the claim, before the work',
    events: [received, `after synced ${log}`, `after synced ${log}`],
    answered: true,
    left: ['claimed'],
  },
  {
    step: 'in judging',
    events: [received, 'after sent 250 2.6.0', 'after opened /messages/'],
    size: large,
    answered: true,
    left: ['claimed'],
  },
  {
    step: "after the judgement's commit",
    events: [received, `after synced ${log}`, `after synced ${log}`, `after synced ${log}`],
    answered: true,
    left: ['accepted'],
  },
  {
    step: 'after the freeze, before the first MAIL',
    events: [received, 'before sent MAIL FROM'],
    answered: true,
    left: ['frozen'],
  },
  {
    step: 'between RCPT and DATA',
    events: [received, 'before sent DATA\r\n'],
    sink: { pipelining: false },
    answered: true,
    left: ['frozen'],
  },
  {
    step: 'after the final dot, before the reply',
    sinkTook: true,
    sink: { mute: ['dot'] },
    answered: true,
    left: ['frozen'],
  },
  {
    step: "after the reply, before the result's commit",
    events: [received, 'after received taken as', `before written ${log}`],
    answered: true,
    left: ['frozen'],
  },
  {
    step: "after the result's commit",
    // What was learnt of the relay by the first envelope behind a dot is committed before.
    events: [received, 'after received taken as', `after synced ${log}`, `after synced ${log}`],
    answered: true,
    left: ['recorded', 'done'],
  },
  {
    step: 'at the end of a page, another one follows',
    log: '"delivery.page"',
    mode: 'bulk',
    answered: true,
    left: ['recorded'],
  },
]

for (const step of steps)
  test(`killed ${step.step}: nothing is lost, and only recipients in doubt are repeated`, async () => {
    const sink = await watchedSink(step.sink)
    sinks.add(sink)
    const site = await copySite(prepared[step.mode ?? 'individual'] as Site, sink.sink.port)
    const answered = await dieAt(step, site, sink)
    equal(answered, step.answered, 'whether the client got its 250')
    const left = await progressOf(site, 1)
    ok(step.left.includes(left), `the post was ${left}, not ${step.left.join(' or ')}`)

    sink.sink.o.mute = []
    const server = await start(site)
    if (!answered) await (await LmtpClient.open(server.lmtpPort))?.post(postOf(step)) // as a mail server does
    const { aside } = await untilAllIsOut(site, patience).finally(() => server.kill())
    await server.gone
    await sink.nextBoot()
    equal(aside, 0)
    const { members, inDoubt } = site.shape
    deepEqual(judgeLog(sink.taken, { acknowledged: new Set([1]), members, inDoubt }), [])
    ok(countRepeats(sink.taken) <= inDoubt)
    await removeSite(site)
  })

const postOf = ({ size = 0 }: Step) => makePost(1, size)

/** Whether the client had its 250 when the server died at the step. */
async function dieAt(step: Step, site: Site, sink: WatchedSink): Promise<boolean> {
  let server: Server | null = null
  const kill = (): void => server?.kill()
  if (step.sinkTook) sink.onTaken = kill
  server = await start(site, {
    ...(step.events === undefined ? {} : { env: dyingAt(site, step.events) }),
    onLine: (line) => {
      if (step.log !== undefined && line.includes(step.log)) kill()
    },
  })
  const client = await LmtpClient.open(server.lmtpPort)
  let answered = false
  if (step.client === undefined) answered = (await client?.post(postOf(step))) ?? false
  else {
    await client?.postUpTo(postOf(step), step.client)
    kill()
  }
  await soon(server, step.step)
  client?.close()
  sink.onTaken = () => undefined
  await sink.nextBoot()
  return answered
}

const dyingAt = (site: Site, events: readonly string[]): Record<string, string> =>
  recording(shim, join(site.directory, 'journal'), site.varDir, events)

/** The server is gone by itself; throws when the step never comes. */
async function soon(server: Server, step: string): Promise<void> {
  const timer = setTimeout(() => server.kill(), patience)
  const from = performance.now()
  await server.gone
  clearTimeout(timer)
  if (performance.now() - from >= patience)
    throw new Error(`the step never came: ${step}\n${server.lastWords()}`)
}

test('killed during a bulk subscription: whole batches are in, and running it again adds the rest', async () => {
  const site = await copySite(prepared.individual as Site, 1)
  const server = await start(site)
  const before = countMembers(site)
  const file = await memberFile(site, 10_001, 60_000)
  const failed = posthorn(site, 'addmembers', '-W', file, listAddress).then(
    () => false,
    () => true,
  )
  await untilMembers(site, before + 1000, patience)
  server.kill()
  await server.gone
  ok(await failed, 'the command must not claim success')
  const added = countMembers(site) - before
  ok(added >= 1000 && added < 50_000, `${added} were added before the kill`)
  equal(added % 500, 0)
  const again = await start(site)
  await posthorn(site, 'addmembers', '-W', file, listAddress)
  equal(countMembers(site), before + 50_000)
  again.kill()
  await again.gone
  await removeSite(site)
})

for (const { step, events } of [
  { step: 'before the first table is in place', events: ['before renamed /data/postfix_'] },
  { step: 'between two tables', events: ['after renamed /data/postfix_'] },
  {
    step: 'after the last table, before it is noted',
    events: ['after renamed /data/postfix_domains', `before written ${log}`],
  },
])
  test(`killed during a publication, ${step}: the next start publishes`, async () => {
    const site = await copySite(prepared.individual as Site, 1)
    const server = await start(site, { env: dyingAt(site, events) })
    const failed = posthorn(site, 'create', 'coffee@lists.example.net').then(
      () => false,
      () => true,
    )
    await soon(server, step)
    ok(await failed, 'the command must not claim success')
    for (const name of ['postfix_lmtp', 'postfix_domains'])
      ok((await readFile(join(site.varDir, 'data', name), 'utf8')).endsWith('\n'), `${name} is torn`)
    const again = await start(site)
    deepEqual(await unpublished(site), [])
    ok((await readFile(join(site.varDir, 'data', 'postfix_lmtp'), 'utf8')).includes('/^coffee('))
    again.kill()
    await again.gone
    await removeSite(site)
  })
