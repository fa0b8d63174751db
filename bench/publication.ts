// What a new list costs the mail server's tables: wall clock and CPU seconds of Posthorn and of the programs it starts
// (postmap), with many lists in many domains, for each kind of table. The figures of docs/performance.md, section Tables.
//
//   node --disable-warning=ExperimentalWarning bench/publication.ts [--lists 10000] [--domains 50] [--creations 20] [KIND …]
//
// KIND: hash, btree, texthash, regexp, exim4, sendmail, opensmtpd, courier, lookup (nothing is written, the mail server
// asks). Those of compiled tables need Postfix's postmap.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startWriterThread } from '../src/app/writer-thread.ts'
import { instant } from '../src/base/clock.ts'
import { silentLog as log } from '../src/base/log.ts'
import { type MailServerSettings, mailServerFor } from '../src/hookup/mail-servers.ts'
import type { TableType } from '../src/hookup/postmap.ts'
import { publishPending } from '../src/hookup/publisher.ts'
import type { MailServer } from '../src/model/mail-server.ts'
import { openStore, type Store } from '../src/store/store.ts'
import { createList, removeList } from '../src/store/units/lists.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lists: { type: 'string', default: '10000' },
    domains: { type: 'string', default: '50' },
    creations: { type: 'string', default: '20' },
  },
})
const [lists, domains, creations] = [values.lists, values.domains, values.creations].map(Number) as [
  number,
  number,
  number,
]
const all = ['lookup', 'exim4', 'hash', 'regexp', 'texthash', 'sendmail', 'opensmtpd', 'courier']
const kinds = positionals.length > 0 ? positionals : all

interface Cost {
  readonly wall: number
  /** CPU milliseconds of this process with its threads, and of programs that it started and that have ended. */
  readonly own: number
  readonly children: number
}

const ticksPerSecond = 100 // of /proc, on Linux everywhere

function childMilliseconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[13]) + Number(fields[14])) * 1000) / ticksPerSecond
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const [cpu, children, start] = [process.cpuUsage(), childMilliseconds(), performance.now()]
  await work()
  const wall = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  return { wall, own: (user + system) / 1000, children: childMilliseconds() - children }
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
const mean = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length

const directory = mkdtempSync(join(tmpdir(), 'posthorn-publication-'))
const path = join(directory, 'posthorn.db')
const writer = await startWriterThread(path)
const port = writer.port()
const store = openStore(port, path)
try {
  await fill(store)
  console.log(`${lists} lists in ${domains} domains; one list created, ${creations} times; milliseconds`)
  console.log('| kind | first time, wall | create: wall median (most) | CPU of Posthorn | CPU of programs |')
  console.log('|---|---|---|---|---|')
  for (const kind of kinds) await measure(kind)
} finally {
  store.close()
  port.close()
  await writer.close()
  rmSync(directory, { recursive: true, force: true })
}

async function fill(store: Store): Promise<void> {
  for (let done = 0; done < lists; done += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, lists - done) }, (_, i) =>
        create(store, `list${done + i}`, (done + i) % domains),
      ),
    )
}

function create(store: Store, name: string, domain: number) {
  const mailHost = `lists${domain}.example.org`
  return store.commit(createList, { name, mailHost, settings: {}, createDomain: true, now: instant(1) })
}

async function measure(kind: string): Promise<void> {
  const maps = join(directory, kind)
  mkdirSync(maps)
  const servers = serversFor(kind, maps)
  const first = await costOf(() => publish(servers))
  const costs: Cost[] = []
  for (let i = 0; i < creations; i++) {
    const made: Awaited<ReturnType<typeof create>>[] = []
    const cost = await costOf(async () => {
      made.push(await create(store, `new${i}`, (i * 7) % domains))
      await publish(servers)
    })
    costs.push(cost)
    for (const each of made) if (each.kind === 'created') await store.commit(removeList, { list: each.list })
    await publish(servers)
  }
  const of = (what: keyof Cost) => costs.map((cost) => cost[what])
  const numbers = [median(of('wall')), Math.max(...of('wall')), mean(of('own')), mean(of('children'))]
  const [wall, most, own, children] = numbers.map((n) => n.toFixed(0))
  console.log(`| ${kind} | ${first.wall.toFixed(0)} | ${wall} (${most}) | ${own} | ${children} |`)
}

async function publish(servers: readonly MailServer[]): Promise<void> {
  const outcome = await publishPending({ store, log }, servers)
  if (outcome.kind === 'failed') throw new Error(outcome.fault)
}

function serversFor(kind: string, maps: string): readonly MailServer[] {
  const lists = join(directory, 'lists')
  const common = { directory: maps, lmtpHost: '127.0.0.1', lmtpPort: 8024, reloadCommand: [] }
  const markers: MailServerSettings = { name: 'null', lists }
  const both = (settings: MailServerSettings) => [mailServerFor(markers), mailServerFor(settings)]
  switch (kind) {
    case 'lookup':
      return [mailServerFor(markers)]
    case 'exim4':
      return [mailServerFor({ name: 'exim4', lists, ...common })]
    case 'sendmail':
      return both({ name: 'sendmail', ...common })
    case 'opensmtpd':
      return both({ name: 'opensmtpd', delimiter: '+', ...common })
    case 'courier': {
      const home = join(maps, 'home')
      mkdirSync(home)
      return both({ name: 'courier', command: 'posthorn-qmail --sysexits', homeOf: () => home, ...common })
    }
    default: {
      const boot = join(directory, 'boot')
      mkdirSync(boot, { recursive: true })
      writeFileSync(join(boot, 'main.cf'), 'compatibility_level = 3.6\n')
      const postmapCommand = `/usr/sbin/postmap -c ${boot}`
      const tableType = kind as TableType
      return both({ name: 'postfix', postfix: { ...common, postmapCommand, tableType, compatible: false } })
    }
  }
}
