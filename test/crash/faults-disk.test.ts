// A disk that is full, or closed for writing, on a small file system of the test's own. Law: no mail that was
// answered with 250 is lost, what cannot be kept is refused for now, and room is all it takes to go on.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { Sink } from '../mta-lab/sink.mjs'
import { handIn, post } from '../support/hand-in.ts'
import { eventually, freePort, freshSite, type Sections, type Site } from '../support/server.ts'

before(() => ok(process.geteuid?.() === 0, 'these tests mount a file system: run them as root'))

const MiB = 1024 * 1024
const tea = 'tea@lists.example.test'
const members = ['ann@one.example.test', 'bob@two.example.test']
const [ann = ''] = members

interface SmallDisk extends AsyncDisposable {
  readonly site: Site
  readonly world: Sink
  /** Fills the disk but for so many bytes. */
  fill(leave: number): void
  /** Takes away what `fill` put there. */
  makeRoom(): void
}

async function smallDisk(bytes: number, sections: Sections): Promise<SmallDisk> {
  await using ending = new AsyncDisposableStack()
  const world = await new Sink({ port: 0, keep: true }).listen()
  ending.defer(() => world.close())
  const mountPoint = execFileSync('mktemp', ['-d', '/tmp/posthorn-disk-XXXXXX'], { encoding: 'utf8' }).trim()
  ending.defer(() => rmSync(mountPoint, { recursive: true }))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'posthorn', mountPoint])
  // A server that was just stopped may still be on its way out of the process table.
  ending.defer(async () => {
    await eventually('the disk to be free', () => spawnSync('umount', [mountPoint]).status === 0)
  })
  const varDir = join(mountPoint, 'var')
  const lmtpPort = await freePort()
  const site = ending.use(await freshSite({ relayPort: world.port, lmtpPort, varDir, sections }))
  await site.list(tea, members)
  await site.must(['set', tea, 'max_message_size=0'])
  const ballast = join(mountPoint, 'ballast')
  const kept = ending.move()
  return {
    site,
    world,
    fill: (leave) => {
      const { bavail, bsize } = statfsSync(mountPoint)
      appendFileSync(ballast, Buffer.alloc(Math.max(bavail * bsize - leave, 0)))
    },
    makeRoom: () => rmSync(ballast),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

test('below the reserve mail is refused with 452 and the queue drains; with room again all goes on', async () => {
  await using disk = await smallDisk(48 * MiB, { store: { reserve: '16 MiB' } })
  const { site, world } = disk
  world.o.greeting = 421
  const server = await site.start()
  const put = (id: string) =>
    handIn({ port: server.lmtpPort, from: ann, to: [tea], message: post(ann, tea, id) })
  match((await put('before')).end[0] ?? '', /^250 /)
  await server.logged('relay.down')

  disk.fill(15 * MiB)
  const { free, reserve } = await server.logged('disk.low')
  equal(reserve, 16 * MiB)
  ok(Number(free) < 16 * MiB)
  match((await put('low')).recipients[0] ?? '', /^452 4\.3\.1 /)
  const status = await site.posthorn(['status'])
  match(status.out, /TROUBLE: only 1\d(\.\d)? Mi?B of disk are free/)
  equal(status.code, 1)
  world.o.greeting = 0
  await world.waitFor(1, 30_000)

  disk.makeRoom()
  await server.logged('disk.enough')
  match((await put('after')).end[0] ?? '', /^250 /)
  await world.waitFor(2, 30_000)
  equal(await server.stop(), 0)
})

test('filled to the last byte while posts come in: nothing acknowledged is lost, and nobody has to restart it', async () => {
  await using disk = await smallDisk(12 * MiB, { store: { reserve: '0' }, bulk: { mode: 'individual' } })
  const { site, world } = disk
  const letters: string[] = []
  world.o.onMessage = (_sink, _id, body) => letters.push(body.toString('latin1'))
  // In the background, so that the log is a file on the same disk.
  await site.must(['start'])
  try {
    const { lmtpPort, pid } = await running(site)
    const acknowledged: string[] = []
    let refused = 0
    let sent = 0
    const put = async (size: number): Promise<boolean> => {
      sent += 1
      const message = post(ann, tea, `n${sent}`, { body: `${'tea '.repeat(15)}\n`.repeat(size / 61) })
      const { recipients, end } = await handIn({ port: lmtpPort, from: ann, to: [tea], message })
      const answer = end[0] ?? recipients[0] ?? ''
      match(answer, /^(250|451 4\.3\.0|452 4\.3\.1) /)
      if (answer.startsWith('250')) acknowledged.push(`n${sent}`)
      else refused += 1
      return answer.startsWith('250')
    }
    for (let i = 0; i < 5; i += 1) await put(20_000)
    disk.fill(MiB)
    while (refused < 5) await put(20_000)
    disk.fill(0) // what SQLite gave back
    for (let i = 0; i < 5; i += 1) await put(20_000)
    equal(await put(600_000), false)
    equal((await running(site)).pid, pid)

    disk.makeRoom()
    await eventually('a post to be taken again', () => put(20_000))
    equal(await put(600_000), true)
    for (const id of acknowledged)
      await eventually(
        `both copies of ${id}`,
        () => letters.filter((text) => text.includes(`Message-ID: <${id}@`)).length >= members.length,
        60_000,
      )
    // Each once: nothing was in doubt.
    for (const id of acknowledged)
      equal(letters.filter((text) => text.includes(`Message-ID: <${id}@`)).length, members.length, id)
    equal((await running(site)).pid, pid)
    const log = readFileSync(join(site.varDir, 'logs', 'posthorn.log'), 'utf8')
      .trimEnd()
      .split('\n')
    const events = log.map((line) => (JSON.parse(line) as { event: string }).event)
    ok(events.includes('log.lost'), 'the log says that lines are missing')
  } finally {
    await site.must(['stop'])
  }
})

test('a full disk, or one that is closed for writing, is told at the start', async () => {
  for (const { spoil, words } of [
    { spoil: (disk: SmallDisk) => disk.fill(0), words: /: the disk is full; free some space/ },
    {
      spoil: ({ site }: SmallDisk) =>
        void execFileSync('mount', ['-o', 'remount,ro', join(site.varDir, '..')]),
      words: /is on a read-only file system; mount it for writing/,
    },
  ]) {
    await using disk = await smallDisk(4 * MiB, {})
    spoil(disk)
    const { code, err } = await disk.site.refusedStart()
    match(err, words)
    ok(!/^\s+at /m.test(err), err)
    equal(code, 1)
  }
})

test('a restore that a full disk stops is told without a stack, leaves nothing, and is made when there is room', async () => {
  await using disk = await smallDisk(4 * MiB, {})
  const { site } = disk
  const backup = join(site.directory, 'backup')
  await site.must(['backup', backup])
  rmSync(site.varDir, { recursive: true })
  mkdirSync(site.varDir)
  disk.fill(160 * 1024)
  const { code, err } = await site.posthorn(['restore', backup])
  equal(code, 1)
  match(
    err,
    /^posthorn: nothing was restored into .*var: the disk is full; free some space, and restore again\n$/,
  )
  deepEqual(
    readdirSync(site.varDir).filter((name) => name.startsWith('posthorn.db')),
    [],
  )
  disk.makeRoom()
  await site.must(['restore', backup])
  match(await site.must(['members', '-c', tea]), new RegExp(`^${members.length}$`, 'm'))
})

test('a folder that is closed for writing while the server runs costs only what needs it, and is told', async () => {
  const world = await new Sink({ port: 0, keep: true }).listen()
  await using ending = new AsyncDisposableStack()
  ending.defer(() => world.close())
  const site = ending.use(await freshSite({ relayPort: world.port }))
  await site.list(tea, members)
  await site.must(['set', tea, 'max_message_size=0'])
  const server = await site.start({ before: ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] })
  const put = (size: number) => {
    const message = post(ann, tea, `s${size}`, { body: 'tea\n'.repeat(size / 4) })
    return handIn({ port: server.lmtpPort, from: ann, to: [tea], message })
  }
  const folders = ['messages', 'lists'].map((name) => join(site.varDir, name))
  for (const folder of folders) chmodSync(folder, 0o500)
  match((await put(300_000)).end[0] ?? '', /^451 4\.3\.0 /)
  match((await put(4000)).end[0] ?? '', /^250 /)
  await world.waitFor(1, 30_000)
  const made = await site.posthorn(['create', 'milk@lists.example.test'])
  match(`${made.out}${made.err}`, /lists.*(EACCES|cannot be written|permission)/i)
  const told = await site.posthorn(['status'])
  match(told.out, /TROUBLE: the mail server's tables are not up to date/)
  for (const folder of folders) chmodSync(folder, 0o700)
  match((await put(300_004)).end[0] ?? '', /^250 /)
  await site.must(['aliases'])
  equal((await site.posthorn(['status'])).code, 0)
  equal(await server.stop(), 0)
})

async function running(site: Site): Promise<{ pid: number; lmtpPort: number }> {
  const { pid } = JSON.parse((await site.posthorn(['status', '--json'])).out) as { pid: number }
  const lmtpPort = Number(/^lmtp_port: (\d+)$/m.exec(readFileSync(site.configFile, 'utf8'))?.[1])
  return { pid, lmtpPort }
}
