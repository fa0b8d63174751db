// Upgrade and downgrade: the previous commit's Posthorn and this one take turns on one data directory, with a list, its
// members, a held post and copies that wait for the relay. The other one goes on, or refuses with words and changes nothing.
import { equal, match, ok } from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Sink } from '../mta-lab/sink.mjs'
import { handIn, post } from '../support/hand-in.ts'
import { eventually, freePort, freshSite, type Ran, run, type Site } from '../support/server.ts'

const root = new URL('../..', import.meta.url).pathname
const tea = 'tea@lists.example.test'
const [ann, ben, stranger] = ['ann@one.example.test', 'ben@two.example.test', 'eve@three.example.test']
const now = join(root, 'bin/posthorn')
let previous = ''

const commit = (await run(['git', '-C', root, 'rev-parse', '--verify', '--quiet', 'HEAD~1'])).out.trim()

before(async () => {
  if (commit === '') return
  previous = mkdtempSync(join(tmpdir(), 'posthorn-previous-'))
  const unpacked = await run([
    'sh',
    '-c',
    'git -C "$1" archive "$2" | tar -x -C "$3"',
    'sh',
    root,
    commit,
    previous,
  ])
  equal(unpacked.code, 0, unpacked.err)
  ok(existsSync(join(previous, 'bin/posthorn')), 'the previous commit has a program')
  symlinkSync(join(root, 'node_modules'), join(previous, 'node_modules'))
})
after(() => previous === '' || rmSync(previous, { recursive: true, force: true }))

/** One version's command line on the site. */
const by =
  (site: Site, program: string) =>
  (...argv: string[]): Promise<Ran> =>
    run([program, '-C', site.configFile, ...argv])

async function must(ran: Promise<Ran>): Promise<string> {
  const { code, out, err } = await ran
  equal(code, 0, err + out)
  return out
}

const ways = [
  {
    title: 'upgrade: what the previous commit wrote goes on here',
    first: () => previousProgram(),
    second: () => now,
  },
  {
    title: 'downgrade: what this commit wrote goes on with the previous one, or is refused with words',
    first: () => now,
    second: () => previousProgram(),
  },
]

// A copy of the tree without its history has no previous commit: there test/databases.test.ts alone speaks.
for (const { title, first, second } of commit === '' ? [] : ways)
  test(title, async () => {
    const copies: string[] = []
    await using sink = await silentRelay(copies)
    const lmtpPort = await freePort()
    await using site = await freshSite({ relayPort: sink.port, lmtpPort })
    const older = by(site, first())
    await must(older('start'))
    await must(older('create', tea))
    for (const member of [ann, ben])
      await must(
        run([
          'sh',
          '-c',
          'echo "$1" | "$2" -C "$3" addmembers - "$4"',
          'sh',
          member,
          first(),
          site.configFile,
          tea,
        ]),
      )
    const send = async (from: string, id: string): Promise<void> => {
      const { end } = await handIn({ port: lmtpPort, from, to: [tea], message: post(from, tea, id) })
      match(end[0] ?? '', /^250 /)
    }
    await send(ann, 'waits')
    await send(stranger, 'held')
    for (const id of ['waits', 'held'])
      await eventually(
        `${id} to be judged`,
        async () => (await older('trace', `<${id}@client.example.test>`)).code === 0,
      )
    await must(older('stop'))

    const newer = by(site, second())
    const started = await newer('start')
    if (started.code !== 0) {
      match(
        started.err,
        /was written by a newer Posthorn .*; install that version again, or restore a backup/,
      )
      await must(older('start'))
    }
    const here = started.code === 0 ? newer : older
    try {
      equal((await must(here('members', tea))).trim(), `${ann}\n${ben}`)
      match(await must(here('trace', '<held@client.example.test>')), /held/)
      sink.o.greeting = 0
      await send(ben, 'new')
      await eventually('the copies that waited and the new ones', () =>
        [ann, ben].every((to) => copies.includes(`${to} waits`) && copies.includes(`${to} new`)),
      )
    } finally {
      await must(here('stop'))
    }
  })

const previousProgram = (): string => join(previous, 'bin/posthorn')

/** A relay that takes nothing until its greeting is set to 0. */
async function silentRelay(copies: string[]): Promise<Sink & AsyncDisposable> {
  const sink = new Sink({ port: 0, keep: true, greeting: 421 })
  sink.o.onMessage = ({ messages }, _id, body) => {
    const id = /^Message-ID: <([^@]*)@/im.exec(body.toString('latin1'))?.[1] ?? ''
    for (const to of messages.at(-1)?.to ?? []) copies.push(`${to} ${id}`)
  }
  await sink.listen()
  return Object.assign(sink, { [Symbol.asyncDispose]: () => sink.close() })
}
