// Backup and restore by the real command line: made under mail, proved, put in place, and nothing leaves unasked.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseArgs, Sink } from '../mta-lab/sink.mjs'
import { handIn, post } from '../support/hand-in.ts'
import { eventually, freshSite, type Server, type Site } from '../support/server.ts'

const tea = 'tea@lists.example.test'
const [ann, ben] = ['ann@one.example.test', 'ben@two.example.test']

interface World extends AsyncDisposable {
  readonly sink: Sink
  /** `recipient subject`, in the order in which they came. */
  readonly copies: readonly string[]
}

async function world(): Promise<World> {
  const copies: string[] = []
  const sink = new Sink({ port: 0, keep: true })
  sink.o.onMessage = ({ messages }, _id, body) => {
    const subject = /^Subject: (.*)\r$/m.exec(body.toString('latin1'))?.[1] ?? ''
    for (const to of messages.at(-1)?.to ?? []) copies.push(`${to} ${subject}`)
  }
  await sink.listen()
  return { sink, copies, [Symbol.asyncDispose]: () => sink.close() }
}

const send = async (server: Server, id: string, body?: string): Promise<void> => {
  const more = body === undefined ? {} : { body }
  const { end } = await handIn({
    port: server.lmtpPort,
    from: ann,
    to: [tea],
    message: post(ann, tea, id, more),
  })
  match(end[0] ?? '', /^250 /)
}

/** A site with a list whose second member is turned away for now: his copies of `small` and `large` wait. */
async function waitingSite(out: World): Promise<{ site: Site; server: Server }> {
  const site = await freshSite({ relayPort: out.sink.port })
  const server = await site.start()
  await site.list(tea, [ann, ben])
  await site.must(['set', tea, 'max_message_size=0'])
  out.sink.o.rejectRcpt = parseArgs(['--defer-rcpt', ben]).rejectRcpt
  await send(server, 'small')
  await send(server, 'large', 'a line of a large message\n'.repeat(20_000))
  await eventually('the copies of the first member', () => out.copies.length === 2)
  return { site, server }
}

test('a backup is made under mail, proved, restored; delivery then waits, and --drop sends only what is new', async () => {
  await using out = await world()
  const { site, server } = await waitingSite(out)
  await using _site = site
  const directory = join(site.directory, 'backup')
  match(
    await site.must(['backup', directory]),
    /^Backup in .*: 1 list, 2 memberships, \d kept messages, \d files, /,
  )
  equal(statSync(directory).mode & 0o777, 0o700)
  await send(server, 'after the backup') // goes on
  match(await site.must(['backup', '--verify', directory]), /is sound: 1 list, 2 memberships/)
  await server.stop()

  await using other = await freshSite({ relayPort: out.sink.port })
  const words = await other.must(['restore', directory])
  match(words, /posthorn delivery resume --drop/)
  out.sink.o.rejectRcpt = []
  const before = out.copies.length
  const restored = await other.start()
  const status = await other.posthorn(['status'])
  equal(status.code, 1)
  match(
    status.out,
    /TROUBLE: delivery is paused since .*: restored from a backup of .*Z; 'posthorn delivery resume'/,
  )
  await send(restored, 'new')
  await eventually(
    'the new post to be judged',
    async () => (await other.posthorn(['trace', '<new@client.example.test>'])).code === 0,
  )
  equal(out.copies.length, before)
  match(
    await other.must(['delivery', 'resume', '--drop']),
    /^2 posts and letters of the backup will not be sent\n/,
  )
  await eventually('the new copies', () => out.copies.length === before + 2)
  deepEqual(out.copies.slice(before).sort(), [`${ann} [Tea] tea new`, `${ben} [Tea] tea new`].sort())
  equal((await other.posthorn(['status'])).code, 0)
})

test('after a restore, resume without --drop sends what waited, the large message byte for byte too', async () => {
  await using out = await world()
  const { site, server } = await waitingSite(out)
  await using _site = site
  const directory = join(site.directory, 'backup')
  await site.must(['backup', directory])
  await server.kill()
  out.sink.o.rejectRcpt = []
  const before = out.copies.length
  await using other = await freshSite({ relayPort: out.sink.port })
  await other.must(['restore', directory])
  await other.start()
  match(await other.must(['delivery', 'resume']), /Delivery goes on; 2 waiting/)
  await eventually('the copies that waited', () => out.copies.length === before + 2)
  deepEqual(out.copies.slice(before).sort(), [`${ben} [Tea] tea large`, `${ben} [Tea] tea small`])
})

test('a backup without a server takes the lock itself; a second one into the same place is refused', async () => {
  await using out = await world()
  await using site = await freshSite({ relayPort: out.sink.port })
  await site.list(tea, [ann])
  const directory = join(site.directory, 'backup')
  mkdirSync(directory)
  await site.must(['backup', directory])
  const again = await site.posthorn(['backup', directory])
  equal(again.code, 1)
  match(again.err, /is not empty; each backup goes into a new directory/)
  const nowhere = await site.posthorn(['backup', join(site.directory, 'no', 'such')])
  equal(nowhere.code, 1)
  match(nowhere.err, /does not exist; make it first/)
})

test('an ordinary pause holds copies back, over a restart too, and knows no --drop', async () => {
  await using out = await world()
  await using site = await freshSite({ relayPort: out.sink.port })
  const server = await site.start()
  await site.list(tea, [ann])
  match(await site.must(['delivery', 'pause', '--reason', 'new relay']), /Delivery is paused/)
  await send(server, 'one')
  await server.stop()
  const next = await site.start()
  await send(next, 'two')
  match(await site.must(['delivery']), /Delivery is paused since .* UTC \(.*\): new relay/)
  const dropping = await site.posthorn(['delivery', 'resume', '--drop'])
  equal(dropping.code, 2)
  match(dropping.err, /--drop is for the pause that a restore makes/)
  equal(out.copies.length, 0)
  await site.must(['delivery', 'resume'])
  await eventually('both', () => out.copies.length === 2)
})

async function soundBackup(t: TestContext): Promise<{ site: Site; directory: string }> {
  const out = await world()
  const { site, server } = await waitingSite(out)
  t.after(async () => {
    await site[Symbol.asyncDispose]()
    await out[Symbol.asyncDispose]()
  })
  const directory = join(site.directory, 'backup')
  await site.must(['backup', directory])
  await server.kill()
  return { site, directory }
}

test('what is wrong with a backup is said, and nothing is restored from it', async (t) => {
  const { site, directory } = await soundBackup(t)
  const manifest = join(directory, 'manifest.json')
  const large = join(directory, 'messages', ...only(directory, 'messages'))
  const kept = {
    manifest: readFileSync(manifest),
    large: readFileSync(large),
    db: readFileSync(join(directory, 'posthorn.db')),
  }
  const mend = (): void => {
    writeFileSync(manifest, kept.manifest)
    writeFileSync(large, kept.large)
    writeFileSync(join(directory, 'posthorn.db'), kept.db)
  }
  const parsed = JSON.parse(kept.manifest.toString('utf8')) as {
    rows: Record<string, number>
    files: { path: string }[]
  }
  for (const { breaks, says } of [
    {
      breaks: () => rmSync(manifest),
      says: /is no backup, or one that did not come to its end: it has no manifest\.json/,
    },
    {
      breaks: () => writeFileSync(manifest, '{"format":2}'),
      says: /is damaged, or was written by a newer Posthorn/,
    },
    { breaks: () => rmSync(large), says: /messages\/.* is missing/ },
    { breaks: () => appendFileSync(large, 'x'), says: /messages\/.* has \d+ bytes instead of \d+/ },
    {
      breaks: () => writeFileSync(large, Buffer.from(kept.large).fill(0x78, 0, 10)),
      says: /messages\/.* was changed/,
    },
    {
      breaks: () => writeFileSync(join(directory, 'posthorn.db'), kept.db.subarray(0, 4096)),
      says: /posthorn\.db has 4096 bytes/,
    },
    {
      breaks: () =>
        writeFileSync(manifest, JSON.stringify({ ...parsed, rows: { ...parsed.rows, member: 7 } })),
      says: /table member has 2 rows instead of 7/,
    },
    {
      breaks: () =>
        writeFileSync(
          manifest,
          JSON.stringify({ ...parsed, files: [{ path: '../../etc/passwd', size: 1, sha256: '' }] }),
        ),
      says: /is damaged/,
    },
  ]) {
    breaks()
    const { code, err } = await site.posthorn(['backup', '--verify', directory])
    equal(code, 1, err)
    match(err, says)
    mend()
  }
  rmSync(large)
  await using other = await freshSite({ relayPort: 9 })
  const refused = await other.posthorn(['restore', directory])
  equal(refused.code, 1)
  match(refused.err, /is missing/)
  ok(!readdirSync(other.varDir).includes('posthorn.db'))
})

test('a restore never overwrites, and not while a server runs', async (t) => {
  const { site, directory } = await soundBackup(t)
  const there = await site.posthorn(['restore', directory])
  equal(there.code, 1)
  match(there.err, /posthorn\.db is there; a restore never overwrites: move it and .*messages away first/)
  await using other = await freshSite({ relayPort: 9 })
  await other.start()
  const running = await other.posthorn(['restore', directory])
  equal(running.code, 1)
  match(running.err, /is in use by process \d+ \(server\); 'posthorn stop' first/)
})

// Folders with one entry each, down to the file.
function only(directory: string, ...path: string[]): string[] {
  const [name = ''] = readdirSync(join(directory, ...path))
  const below = [...path, name]
  return statSync(join(directory, ...below)).isDirectory() ? only(directory, ...below) : below.slice(1)
}
