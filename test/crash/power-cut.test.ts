// The power goes, at places spread over a recorded run: intake of small and large posts, fan-out, publication. From
// what a disk may then hold, the server starts, and everything that had its 250 is there and is delivered.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { LmtpClient, makePost } from '../support/crash-client.ts'
import { judgeLog, type Taken, type WatchedSink, watchedSink } from '../support/crash-judgement.ts'
import { mulberry32 } from '../support/crash-plan.ts'
import { checkDatabase, untilAllIsOut } from '../support/crash-queue.ts'
import { startServer } from '../support/crash-server.ts'
import { copySite, posthorn, prepareSite, removeSite, type Site, siteOver } from '../support/crash-site.ts'
import { unpublished } from '../support/crash-tables.ts'
import { Disk, type Unsynced } from '../support/power-cut/disk.ts'
import { compileShim, type Entry, readJournal, recording } from '../support/power-cut/journal.ts'
import { readStory, type Story, syncedBetween } from '../support/power-cut/story.ts'

const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)
const cuts = Number(process.env.CRASH_CUTS ?? 60)
const only = process.env.CRASH_CUT === undefined ? null : Number(process.env.CRASH_CUT)
const atATime = 2
const patience = 30_000
const largeSize = 300 * 1024
/** Every third post is large: it goes to a file of its own. */
const posts = Array.from({ length: 15 }, (_, i) => makePost(i + 1, i % 3 === 2 ? largeSize : 0))

interface Recorded {
  readonly entries: readonly Entry[]
  readonly story: Story
  /** The run's log at the sink. */
  readonly taken: ReadonlyMap<number, Taken>
  /** The data directory before and after the run. */
  readonly before: Site
  readonly after: Site
}

let directory = ''
let recorded: Recorded

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'posthorn-power-'))
  recorded = await record(await compileShim(directory))
})
after(async () => {
  await rm(directory, { recursive: true, force: true })
  await removeSite(recorded.before)
  await removeSite(recorded.after)
})

/** One run, nothing cut: posts over two connections, lists created meanwhile, all delivered; then it is killed. */
async function record(shim: string): Promise<Recorded> {
  const before = await prepareSite({
    mode: 'individual',
    members: 40,
    inDoubt: 20,
    publishes: true,
    maxPostSize: 1000,
  })
  const sink = await watchedSink()
  const site = await copySite(before, sink.sink.port)
  const journal = join(directory, 'journal')
  const server = await startServer(site, { env: recording(shim, journal, site.varDir) })
  try {
    await handInAll(server.lmtpPort, site)
    await untilAllIsOut(site, patience)
  } finally {
    server.kill()
    await server.gone
    await sink.nextBoot()
    await sink.sink.close()
  }
  const entries = await readJournal(journal)
  const taken = new Map(sink.taken.map((one) => [one.id, one]))
  return { entries, story: readStory(entries), taken, before, after: site }
}

/** Over two connections, while two lists are created. */
async function handInAll(port: number, site: Site): Promise<void> {
  const shares = [0, 1].map((rest) => posts.filter(({ no }) => no % 2 === rest))
  const handing = shares.map(async (share) => {
    const client = await LmtpClient.open(port)
    for (const post of share) ok(await client?.post(post), `post ${post.no} got no 250`)
    client?.close()
  })
  await posthorn(site, 'create', 'coffee@lists.example.org')
  await posthorn(site, 'create', 'milk@lists.example.net')
  await Promise.all(handing)
}

test('the journal misses nothing: replayed, it gives the data directory that the run left', async () => {
  const { entries, after: site } = recorded
  const disk = await diskBefore()
  for (const entry of entries) disk.replay(entry)
  const found = (await readdir(site.varDir, { recursive: true, withFileTypes: true }))
    .filter((one) => one.isFile() && !one.name.endsWith('-shm'))
    .map((one) => join(one.parentPath, one.name))
  deepEqual(disk.paths().toSorted(), found.toSorted())
  for (const path of found) ok(disk.read(path)?.equals(await readFile(path)), `${path} differs`)
})

test('between the last octet of a post and its 250 the log is synced, and for a large post its file and its directory', () => {
  const { entries, story, after: site } = recorded
  equal(story.promises.length, posts.length)
  for (const { post, lastReadAt, answeredAt } of story.promises) {
    const synced = syncedBetween(entries, lastReadAt, answeredAt)
    ok(synced.has(join(site.varDir, 'posthorn.db-wal')), `post ${post}: the log was not synced`)
    if (post % 3 !== 0) continue
    const spool = join(site.varDir, 'messages')
    ok(
      [...synced].some((path) => path.startsWith(spool) && path.endsWith('.tmp')),
      `post ${post}: its file was not synced`,
    )
    ok(
      [...synced].some((path) => /^\/..\/..$/.test(path.slice(spool.length))),
      `post ${post}: the directory of its file was not synced`,
    )
  }
})

test(`the power cut at ${cuts} places: nothing acknowledged is missing, and the database opens without complaint`, async (t) => {
  t.diagnostic(`seed ${seed}; ${recorded.entries.length} entries in the journal`)
  const disk = await diskBefore()
  const tables = new Map<string, Set<string>>()
  const failures: string[] = []
  const running = new Set<Promise<void>>()
  let replayed = 0
  for (const [index, { at, unsynced, why }] of chooseCuts().entries()) {
    for (; replayed < at; replayed++) {
      const entry = recorded.entries[replayed] as Entry
      disk.replay(entry)
      if (entry.kind === 'renamed') noteTable(tables, disk, entry.to)
    }
    if (only !== null && index !== only) continue
    while (running.size >= atATime) await Promise.race(running)
    const image = await mkdtemp(join(tmpdir(), 'posthorn-image-'))
    await disk.write(join(image, 'var'), unsynced)
    const known = new Map([...tables].map(([path, texts]) => [path, new Set(texts)]))
    const check = checkImage(image, at, known).then(async (wrong) => {
      running.delete(check)
      if (wrong.length === 0) return rm(image, { recursive: true, force: true })
      failures.push(
        `cut ${index} of seed ${seed}, after entry ${at} (${why}):\n  ${wrong.slice(0, 10).join('\n  ')}\n  data directory: ${image}\n  repeat: CRASH_SEED=${seed} CRASH_CUT=${index} npm run test:crash`,
      )
    })
    running.add(check)
  }
  await Promise.all(running)
  deepEqual(failures, [], failures.join('\n\n'))
})

const diskBefore = (): Promise<Disk> => Disk.of(recorded.before.varDir, recorded.after.varDir)

interface CutPlace {
  /** So many entries of the journal happened. */
  readonly at: number
  readonly unsynced: Unsynced
  readonly why: string
}

/** After each 250, where the promise is youngest; then around syncs, and anywhere. In the order of the journal. */
function chooseCuts(): readonly CutPlace[] {
  const { entries, story } = recorded
  const random = mulberry32(seed)
  const changes = entries.flatMap(({ kind }, at) => (kind === 'sent' || kind === 'received' ? [] : [at]))
  const syncs = entries.flatMap(({ kind }, at) => (kind === 'synced' ? [at] : []))
  const any = (from: readonly number[]): number => from[Math.floor(random() * from.length)] ?? 0
  const places: CutPlace[] = story.promises.map(({ post, answeredAt }) => ({
    at: answeredAt + 1,
    unsynced: 'none',
    why: `after the 250 of post ${post}, nothing unsynced kept`,
  }))
  while (places.length < cuts) {
    const n = places.length % 4
    const at = n === 0 ? any(syncs) : n === 1 ? any(syncs) + 1 : any(changes) + 1
    const some = n % 2 === 1
    places.push({
      at,
      unsynced: some ? () => random() < 0.5 : 'none',
      why: some ? 'some of the unsynced blocks kept' : 'nothing unsynced kept',
    })
  }
  return places.toSorted((a, b) => a.at - b.at)
}

/** Starts on the image and lets everything out; what is wrong with it, in words. */
async function checkImage(
  image: string,
  at: number,
  tables: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<readonly string[]> {
  const sink = await watchedSink({}, 1)
  const site = await siteOver(recorded.after.shape, image, sink.sink.port)
  const wrong = [...(await tornTables(site, tables))]
  try {
    const server = await startServer(site)
    const { aside } = await untilAllIsOut(site, patience).finally(() => server.kill())
    await server.gone
    if (aside > 0) wrong.push(`${aside} set aside for an operator:\n${server.lastWords()}`)
    const health = checkDatabase(site)
    if (health !== 'ok') wrong.push(`the database is damaged: ${health}`)
    wrong.push(...(await unpublished(site)))
  } catch (fault) {
    wrong.push(fault instanceof Error ? (fault.stack ?? fault.message) : String(fault))
  }
  wrong.push(...judge(at, sink))
  await sink.sink.close()
  return wrong
}

/** The log of the run as far as the server knew it before the cut, and then the log of the image. */
function judge(at: number, sink: WatchedSink): readonly string[] {
  const { story, taken, after: site } = recorded
  const known = story.taken.filter((one) => one.at < at).flatMap(({ id }) => taken.get(id) ?? [])
  const acknowledged = new Set(
    story.promises.filter(({ answeredAt }) => answeredAt < at).map(({ post }) => post),
  )
  const { members, inDoubt } = site.shape
  return judgeLog([...known, ...sink.taken], { acknowledged, members, inDoubt })
}

// ---- the mail server's tables ----

const isTable = (path: string): boolean => /\/data\/postfix_[a-z]+$/.test(path)

function noteTable(tables: Map<string, Set<string>>, disk: Disk, path: string): void {
  if (!isTable(path)) return
  const texts = tables.get(path.slice(recorded.after.varDir.length)) ?? new Set()
  texts.add(disk.read(path)?.toString('utf8') ?? '')
  tables.set(path.slice(recorded.after.varDir.length), texts)
}

/** A table is one that was in force before the cut, never a part of one. */
async function tornTables(
  { varDir }: Site,
  tables: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const name of await readdir(join(varDir, 'data'))) {
    const path = join('/data', name)
    if (!isTable(path)) continue
    const text = await readFile(join(varDir, path), 'utf8')
    const first = await readFile(join(recorded.before.varDir, path), 'utf8')
    if (text !== first && !tables.get(path)?.has(text))
      wrong.push(`${name} is torn: ${text.length} characters`)
  }
  return wrong
}
