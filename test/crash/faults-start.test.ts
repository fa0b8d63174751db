// A start that cannot be: refused in words that say what is wrong, where, and what to do, with exit code 1, and
// nothing is changed. Needs root, to play other users and to bind what belongs to them.
import { equal, match, ok, rejects } from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { before, test } from 'node:test'
import { handIn, post } from '../support/hand-in.ts'
import { freePort, freshSite, type Site } from '../support/server.ts'

before(() => ok(process.geteuid?.() === 0, 'these tests play other users: run them as root'))

const nobody = 65534
const tea = 'tea@lists.example.test'
/** Root without the right to pass over owners and modes: as good as any other user. */
const asAnyUser = ['setpriv', '--bounding-set=-dac_override,-dac_read_search']
const database = (site: Site): string => join(site.varDir, 'posthorn.db')

interface Refusal {
  readonly title: string
  /** Spoils the site, which has a list and no server. */
  readonly spoil: (site: Site) => unknown
  readonly before?: readonly string[]
  readonly words: RegExp
}

const refusals: readonly Refusal[] = [
  {
    title: 'the data directory of another user',
    spoil: ({ varDir }) => {
      chmodSync(varDir, 0o700)
      chownSync(varDir, nobody, nobody)
    },
    before: asAnyUser,
    words:
      /var belongs to nobody, so the server should not run as root: .*'runuser -u nobody -- posthorn start'/,
  },
  {
    title: 'a data directory without the right to write',
    spoil: ({ varDir }) => chmodSync(varDir, 0o500),
    before: asAnyUser,
    words: /var cannot be written by root, to whom it belongs: its mode forbids it; chmod u\+rwX .*var/,
  },
  {
    title: 'a data directory whose database is gone',
    spoil: (site) => rmSync(database(site)),
    words: /posthorn\.db is not there, though lists were kept in it before; .*'posthorn restore'/,
  },
  {
    title: 'a database of another user',
    spoil: (site) => {
      chmodSync(database(site), 0o600)
      chownSync(database(site), nobody, nobody)
    },
    before: asAnyUser,
    words: /posthorn\.db can(not|not be) .*(owner|belongs)/,
  },
  {
    title: 'a file where a directory should be',
    spoil: ({ varDir }) => {
      rmSync(join(varDir, 'messages'), { recursive: true })
      writeFileSync(join(varDir, 'messages'), '')
    },
    words: /messages cannot be a directory: a file is in its way/,
  },
  {
    title: 'a database whose first page was overwritten',
    spoil: (site) => overwrite(database(site), 0, 4096),
    words: /posthorn\.db is damaged or no database .*restore a backup/,
  },
  {
    title: 'a database that lost its end',
    spoil: (site) => {
      const bytes = readFileSync(database(site))
      writeFileSync(database(site), bytes.subarray(0, 5000))
    },
    words: /posthorn\.db is damaged or no database .*restore a backup/,
  },
  {
    title: 'a database whose page of versions was overwritten',
    spoil: (site) => overwritePageOf(database(site), 'schema'),
    words: /posthorn\.db is damaged or no database .*restore a backup/,
  },
  {
    title: 'a database of a newer release',
    spoil: (site) => {
      const db = new DatabaseSync(database(site))
      db.exec('insert into schema (version, min_reader) values (9999, 9999)')
      db.close()
    },
    words:
      /was written by a newer Posthorn \(it needs schema 9999, this one knows \d+\); install that version again/,
  },
]

for (const { title, spoil, before, words } of refusals)
  test(`refused in words: ${title}`, async () => {
    await using site = await freshSite({ relayPort: 1 })
    await site.must(['create', tea])
    await spoil(site)
    const { code, err } = await site.refusedStart(before === undefined ? {} : { before })
    match(err, words)
    equal(code, 1)
    ok(!/^\s+at /m.test(err), `words, no stack: ${err}`)
  })

test('a second server on the same directory is refused and told the pid of the first, which goes on', async () => {
  await using site = await freshSite({ relayPort: 1 })
  await site.must(['create', tea])
  const first = await site.start()
  const { code, err } = await site.refusedStart()
  match(err, new RegExp(`var is in use by process ${first.pid} \\(server\\)`))
  equal(code, 1)
  const second = await site.posthorn(['start'])
  match(second.err, new RegExp(`already running \\(pid ${first.pid}\\)`))
  equal(second.code, 1)
  const { recipients } = await handIn({ port: first.lmtpPort, from: '', to: [tea] })
  match(recipients[0] ?? '', /^250 /)
  equal(await first.stop(), 0)
})

test('a server that was killed does not keep the next one from starting', async () => {
  await using site = await freshSite({ relayPort: 1 })
  await (await site.start()).kill()
  equal(await (await site.start()).stop(), 0)
})

test('an LMTP port that another program has is named', async () => {
  const lmtpPort = await freePort()
  await using site = await freshSite({ relayPort: 1, lmtpPort })
  await using other = await freshSite({ relayPort: 1, lmtpPort })
  await site.start()
  const taken = new RegExp(`port ${lmtpPort} on 127\\.0\\.0\\.1 is taken by another program`)
  const { code, err } = await other.refusedStart()
  match(err, taken)
  equal(code, 1)
  // In the background too, the words come to whoever started it.
  const background = await other.posthorn(['start'])
  match(background.err, taken)
  equal(background.code, 1)
})

test('a log file of another user is refused in words', async () => {
  await using site = await freshSite({ relayPort: 1 })
  const directory = join(site.directory, 'var', 'logs')
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'posthorn.log')
  writeFileSync(path, '', { mode: 0o600 })
  chownSync(path, nobody, nobody)
  for (const command of ['start', 'lists']) {
    const { code, err } = await site.posthorn([command], '', asAnyUser)
    match(err, /^posthorn: .*posthorn\.log cannot be written by root; it belongs to nobody/)
    equal(code, 1, command)
  }
  equal(await (await site.start({ before: asAnyUser })).stop(), 0) // in the foreground it logs elsewhere
})

for (const { table, reply, answers } of [
  { table: 'sqlite_autoindex_domain_1', reply: 'at RCPT', answers: /^451 4\.3\.0 [^;]*$/ },
  { table: 'queue_item', reply: 'after the data', answers: /^250 [^;]*;451 4\.3\.0 [^;]*$/ },
])
  test(`a page of ${table} overwritten while no server ran: 451 ${reply}, never a refusal for good`, async () => {
    await using site = await freshSite({ relayPort: 1 })
    await site.must(['create', tea])
    overwritePageOf(database(site), table)
    const server = await site.start()
    const { recipients, end } = await handIn({
      port: server.lmtpPort,
      from: '',
      to: [tea],
      message: post('a@b.test', tea, '1'),
    })
    match([...recipients, ...end].join(';'), answers)
    const told = await site.posthorn(['status'])
    match(`${told.out}${told.err}`, /malformed/)
    equal(await server.stop(), 0)
  })

function overwrite(path: string, from: number, length: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(length, 0xa5), 0, length, from)
  closeSync(file)
}

function overwritePageOf(path: string, table: string): void {
  const db = new DatabaseSync(path)
  const { rootpage } = db.prepare('select rootpage from sqlite_schema where name = ?').get(table) ?? {}
  const { page_size: size } = db.prepare('pragma page_size').get() ?? {}
  db.close()
  overwrite(path, (Number(rootpage) - 1) * Number(size), Number(size))
}

test('what root restores belongs to the owner of the data directory, who can start the server on it', async () => {
  await using site = await freshSite({ relayPort: 9 })
  await site.list(tea, ['ann@one.example.test'])
  const backup = join(site.directory, 'backup')
  await site.must(['backup', backup])
  await using other = await freshSite({ relayPort: 9 })
  mkdirSync(other.varDir)
  chownSync(other.varDir, nobody, nobody)
  await other.must(['restore', backup])
  equal(statSync(database(other)).uid, nobody)
  equal(statSync(database(other)).mode & 0o777, 0o660)
  const asRoot = await other.posthorn(['start'])
  equal(asRoot.code, 1)
  match(
    asRoot.err,
    /var belongs to nobody, so the server should not run as root: .*runuser -u nobody -- posthorn start/,
  )
  await rejects(other.must(['restore', backup]), /is there; a restore never overwrites/)
  const server = await other.start({
    before: ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'],
  })
  equal(await server.stop(), 0)
})
