import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ListDirectory } from '../model/mail-server.ts'
import { type PostfixSettings, postfix } from './postfix.ts'
import { withPublicationLock } from './publication-lock.ts'

const lists = (...listNames: string[]): ListDirectory => ({
  domains: [{ mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames }],
})
const aliased: ListDirectory = {
  domains: [{ mailHost: 'example.org', aliasDomain: 'x.example.org', listOnly: false, listNames: ['tea'] }],
}

function fresh(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-postfix-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const settingsIn = (directory: string, more: Partial<PostfixSettings> = {}): PostfixSettings => ({
  directory,
  lmtpHost: '127.0.0.1',
  lmtpPort: 8024,
  postmapCommand: '/usr/sbin/postmap',
  tableType: 'texthash',
  compatible: false,
  ...more,
})

/** A program that stands where postmap should be; `body` is what it does, `$1` its argument. */
function program(directory: string, body: string): string {
  const path = join(directory, 'postmap-of-the-test')
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o755)
  return path
}

/** What a postmap that works comes to. */
const compiles = 'f=$(echo "$1" | cut -c6-); cp "$f" "$f.db"'

const changedOf = (files: readonly { path: string; changed: boolean }[]) =>
  files.filter(({ changed }) => changed).map(({ path }) => path.slice(path.lastIndexOf('/') + 1))

test('tables are written when their content changes, and left alone when it does not', async (t) => {
  const directory = fresh(t)
  const server = postfix(settingsIn(directory))
  deepEqual(changedOf(await server.publish(lists())), ['postfix_routes', 'postfix_lmtp', 'postfix_domains'])
  const routes = statSync(join(directory, 'postfix_routes'))
  deepEqual(changedOf(await server.publish(lists())), [])
  deepEqual(changedOf(await server.publish(lists('tea'))), ['postfix_lmtp'])
  deepEqual(changedOf(await postfix(settingsIn(directory)).publish(lists('tea'))), [])
  equal(statSync(join(directory, 'postfix_routes')).ino, routes.ino)
  equal(routes.mode & 0o777, 0o644)
  match(readFileSync(join(directory, 'postfix_lmtp'), 'utf8'), /^tea-owner@lists\.example\.org {2,}lmtp:/m)
})

test('a table that someone edited or removed is put right', async (t) => {
  const directory = fresh(t)
  const server = postfix(settingsIn(directory))
  await server.publish(lists('tea'))
  writeFileSync(join(directory, 'postfix_lmtp'), 'tea@lists.example.org error:no\n')
  rmSync(join(directory, 'postfix_domains'))
  deepEqual(changedOf(await server.publish(lists('tea'))), ['postfix_lmtp', 'postfix_domains'])
  match(readFileSync(join(directory, 'postfix_lmtp'), 'utf8'), /lmtp:\[127\.0\.0\.1\]:8024/)
})

test('postfix_vmap appears with the first alias domain, and is emptied rather than removed after the last list', async (t) => {
  const directory = fresh(t)
  const server = postfix(settingsIn(directory))
  await server.publish(lists('tea'))
  equal(readdirSync(directory).includes('postfix_vmap'), false)
  await server.publish({ domains: aliased.domains.map((domain) => ({ ...domain, listNames: [] })) })
  match(readFileSync(join(directory, 'postfix_vmap'), 'utf8'), /^(#.*\n|\n)*$/)
  await server.publish(aliased)
  match(readFileSync(join(directory, 'postfix_vmap'), 'utf8'), /^tea@example\.org +tea@x\.example\.org$/m)
  deepEqual(changedOf(await server.publish(lists('tea'))).includes('postfix_vmap'), true)
  match(readFileSync(join(directory, 'postfix_vmap'), 'utf8'), /^(#.*\n|\n)*$/)
})

test('compiled tables come into force with their texts, and a missing one is made again', async (t) => {
  const directory = fresh(t)
  const command = program(directory, compiles)
  const server = postfix(settingsIn(directory, { postmapCommand: command, tableType: 'hash' }))
  await server.publish(lists('tea'))
  const read = (name: string) => readFileSync(join(directory, name), 'utf8')
  equal(read('postfix_lmtp.db'), read('postfix_lmtp'))
  rmSync(join(directory, 'postfix_lmtp.db'))
  deepEqual(changedOf(await server.publish(lists('tea'))), ['postfix_lmtp'])
  equal(read('postfix_lmtp.db'), read('postfix_lmtp'))
  deepEqual(
    readdirSync(directory).filter((name) => name.includes('.new')),
    [],
  )
})

for (const { title, body, words, timeLimit = 30_000 } of [
  {
    title: 'fails for one table',
    body: `case $1 in *domains*) echo "postmap: fatal: no space left" >&2; exit 75;; esac; ${compiles}`,
    words:
      /failed with exit status 75, saying 'postmap: fatal: no space left'; .*stay as they were; .*posthorn aliases/,
  },
  { title: 'writes nothing', body: 'exit 0', words: /status 0 but wrote no .*\.db/ },
  { title: 'hangs', body: 'exec sleep 60', words: /was ended after 0\.05 s/, timeLimit: 50 },
  { title: 'is killed', body: 'kill -TERM $$', words: /was ended by SIGTERM/ },
])
  test(`nothing changes when postmap ${title}`, async (t) => {
    const directory = fresh(t)
    const works = program(directory, compiles)
    await postfix(settingsIn(directory, { postmapCommand: works, tableType: 'hash' })).publish(lists('tea'))
    const before = snapshot(directory)
    const command = program(directory, body)
    const settings = settingsIn(directory, {
      postmapCommand: command,
      tableType: 'hash',
      postmapTimeLimit: timeLimit,
    })
    await rejects(postfix(settings).publish(aliased), { name: 'Unavailable', message: words })
    deepEqual(snapshot(directory), before)
  })

test('a postmap that is not there is named, with what to do', async (t) => {
  const settings = settingsIn(fresh(t), { postmapCommand: '/nowhere/postmap -v', tableType: 'hash' })
  const words = /'\/nowhere\/postmap -v hash:.*is no program here; .*install Postfix, or set postmap_command/
  await rejects(postfix(settings).publish(lists()), { name: 'Unavailable', message: words })
})

test('a directory that is not there is named', async () => {
  const settings = settingsIn('/nowhere/data')
  await rejects(postfix(settings).publish(lists()), { name: 'Unavailable', message: /\/nowhere\/data/ })
})

test('publications wait for each other, and give up with words', async (t) => {
  const lock = join(fresh(t), 'postfix.lock')
  const { promise: end, resolve: finish } = Promise.withResolvers<void>()
  const { promise: started, resolve: start } = Promise.withResolvers<void>()
  const order: string[] = []
  const first = withPublicationLock(lock, async () => {
    start()
    await end
    order.push('first')
  })
  await started
  const late = withPublicationLock(lock, async () => undefined, { pause: 1, tries: 2 })
  await rejects(late, { name: 'Unavailable', message: /locked by another process/ })
  const second = withPublicationLock(lock, async () => order.push('second'), { pause: 1, tries: 10_000 })
  finish()
  await Promise.all([first, second])
  deepEqual(order, ['first', 'second'])
})

function snapshot(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter((name) => name.startsWith('postfix_'))
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}
