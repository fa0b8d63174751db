// The mail server's tables cannot be written or compiled: postmap is missing, the disk is full, or closed for writing.
// Law: the list is there all the same, whoever made it is told, so does `status`, what is in force stays whole, and the
// server tries again by itself until the fault is gone.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { eventually, freePort, freshSite, type Server, type Site } from '../support/server.ts'

before(() => ok(process.geteuid?.() === 0, 'these tests mount a file system: run them as root'))

interface Tables extends AsyncDisposable {
  readonly site: Site
  readonly server: Server
  /** Where the tables are: a small disk of their own. */
  readonly directory: string
  /** Takes all its room, and gives it back. */
  fill(): void
  makeRoom(): void
  remount(how: 'ro' | 'rw'): void
}

/** A running server with the list tea@lists.example.test. */
async function tables(settings: (directory: string) => string): Promise<Tables> {
  await using ending = new AsyncDisposableStack()
  const directory = execFileSync('mktemp', ['-d', '/tmp/posthorn-tables-XXXXXX'], { encoding: 'utf8' }).trim()
  ending.defer(() => rmSync(directory, { recursive: true }))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=755', 'posthorn', directory])
  ending.defer(async () => {
    await eventually('the disk to be free', () => spawnSync('umount', [directory]).status === 0)
  })
  const site = ending.use(
    await freshSite({
      relayPort: await freePort(),
      sections: {
        mta: { incoming: 'postfix sendmail', configuration: './mta.cfg' },
        'paths.here': { data_dir: directory },
      },
    }),
  )
  writeFileSync(join(site.directory, 'mta.cfg'), settings(site.directory))
  await site.must(['create', 'tea@lists.example.test'])
  const server = await site.start()
  const kept = ending.move()
  const ballast = join(directory, 'ballast')
  return {
    site,
    server,
    directory,
    fill: () => {
      const { bavail, bsize } = statfsSync(directory)
      appendFileSync(ballast, Buffer.alloc(bavail * bsize))
    },
    makeRoom: () => rmSync(ballast),
    remount: (how) => execFileSync('mount', ['-o', `remount,${how}`, directory]),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** All tables with their content, and whatever else lies about. */
const contentOf = (directory: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(directory)
      .filter((name) => /^(postfix|sendmail)_/.test(name))
      .sort()
      .map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
  )

/** A stand-in for postmap, which can be taken away and put back. */
const compiling = '#!/bin/sh\nf=$(echo "$1" | cut -c6-)\ncp "$f" "$f.db"\n'
const withPostmap = (directory: string): string => {
  writeFileSync(join(directory, 'postmap'), compiling)
  chmodSync(join(directory, 'postmap'), 0o755)
  return `[postfix]\npostmap_command: ${join(directory, 'postmap')}\n`
}

// Each waits for the server's own next try, so they wait together.
describe('publication', { concurrency: true }, () => {
  for (const { title, settings, spoil, mend, told } of [
    {
      title: 'postmap is not there',
      settings: withPostmap,
      spoil: ({ site }: Tables) => rmSync(join(site.directory, 'postmap')),
      mend: ({ site }: Tables) => void withPostmap(site.directory),
      told: /postmap hash:.*postfix_lmtp\.new' is no program here; the tables in force stay as they were; install Postfix, or set postmap_command/,
    },
    {
      title: 'postmap fails',
      settings: withPostmap,
      spoil: ({ site }: Tables) =>
        writeFileSync(join(site.directory, 'postmap'), '#!/bin/sh\necho "fatal: no" >&2\nexit 1\n'),
      mend: ({ site }: Tables) => void withPostmap(site.directory),
      told: /failed with exit status 1, saying 'fatal: no'; the tables in force stay as they were/,
    },
    {
      title: 'the disk is full',
      settings: () => '[postfix]\ntransport_file_type: texthash\nreload_command: /bin/true\n',
      spoil: (all: Tables) => all.fill(),
      mend: (all: Tables) => all.makeRoom(),
      told: /postfix\S* cannot be (locked|written) \(.*(ENOSPC|disk is full).*\); check free space/,
    },
    {
      title: 'the disk is closed for writing',
      settings: () => '[postfix]\ntransport_file_type: texthash\nreload_command: /bin/true\n',
      spoil: (all: Tables) => all.remount('ro'),
      mend: (all: Tables) => all.remount('rw'),
      told: /postfix\S* cannot be (locked|opened|written) \(.*read-?only.*\); check free space, and owner/,
    },
  ])
    test(`${title}: the list is made, its maker and status are told, the tables stay; then all is made good`, async () => {
      await using all = await tables(settings)
      const { site, server, directory } = all
      const before = contentOf(directory)
      ok(before.postfix_lmtp?.includes('tea@'))
      spoil(all)
      const { code, out, err } = await site.posthorn(['create', 'milk@lists.example.test'])
      equal(code, 1)
      match(out, /Created mailing list: milk@/)
      match(err, told)
      match(
        err,
        /milk@lists\.example\.test has been created, but the mail server's tables are not up to date/,
      )
      const status = await site.posthorn(['status'])
      equal(status.code, 1)
      match(status.out, told)
      const after = contentOf(directory)
      const postfixOnly = (tables: Readonly<Record<string, string>>) =>
        Object.entries(tables).filter(([name]) => name.startsWith('postfix_'))
      deepEqual(postfixOnly(after), postfixOnly(before))

      mend(all)
      const { generation } = await server.logged('publication.failed')
      await server.logged('publication.done', (line) => line.generation === generation, 60_000)
      const healthy = await site.posthorn(['status'])
      equal(healthy.code, 0, healthy.out)
      const good = contentOf(directory)
      for (const name of ['postfix_lmtp', 'sendmail_lists'])
        ok(good[name]?.includes('milk@lists.example.test'), name)
      ok(!existsSync(join(directory, 'postfix.reread')))
      equal(await server.stop(), 0)
    })
})
