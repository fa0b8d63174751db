// The tables as the real postmap(1) compiles and asks them. Needs Debian's postfix:
// `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type PostfixSettings, postfix } from '../../src/hookup/postfix.ts'
import type { ListDirectory } from '../../src/model/mail-server.ts'

const program = '/usr/sbin/postmap'

interface Bench {
  readonly maps: string
  readonly settings: PostfixSettings
  /** What Postfix gets for a key: null when there is no answer. */
  ask(table: string, key: string): string | null
}

function bench(t: TestContext, tableType: PostfixSettings['tableType'] = 'hash'): Bench {
  ok(existsSync(program), `${program} is missing: run 'test/mta-lab/lab.sh install postfix-hash' as root`)
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-postmap-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const [boot, maps] = [join(directory, 'boot'), join(directory, 'maps')]
  for (const path of [boot, maps]) mkdirSync(path)
  writeFileSync(join(boot, 'main.cf'), 'compatibility_level = 3.6\n')
  const settings: PostfixSettings = {
    directory: maps,
    lmtpHost: '127.0.0.1',
    lmtpPort: 18124,
    postmapCommand: `${program} -c ${boot}`,
    tableType,
    compatible: false,
  }
  return {
    maps,
    settings,
    ask: (table, key) => {
      const asked = spawnSync(program, ['-c', boot, '-q', key, `${tableType}:${join(maps, table)}`], {
        encoding: 'utf8',
      })
      equal(asked.stderr, '')
      return asked.status === 0 ? asked.stdout.trim() : null
    },
  }
}

const domain = (mailHost: string, listNames: readonly string[], aliasDomain: string | null = null) => ({
  mailHost,
  aliasDomain,
  listOnly: mailHost.startsWith('lists.'),
  listNames,
})
const directory: ListDirectory = {
  domains: [
    domain('example.com', ['ant']),
    domain('lists.example.net', ['bee.keepers']),
    domain('lists.example.com', []),
    domain('example.org', ['cow'], 'x.example.org'),
  ],
}
const lmtp = 'lmtp:[127.0.0.1]:18124'

test('compiled tables answer Postfix as Mailman’s did', async (t) => {
  const { settings, ask } = bench(t)
  await postfix(settings).publish(directory)
  for (const [table, key, answer] of [
    ['postfix_lmtp', 'ant@example.com', lmtp],
    ['postfix_lmtp', 'ANT@EXAMPLE.COM', lmtp],
    ['postfix_lmtp', 'ant-bounces+x=y.z@example.com', null],
    ['postfix_lmtp', 'cow@x.example.org', lmtp],
    ['postfix_lmtp', 'lists.example.net', null],
    ['postfix_vmap', 'cow-bounces@example.org', 'cow-bounces@x.example.org'],
    ['postfix_domains', 'x.example.org', 'example.org'],
    ['postfix_domains', 'lists.example.com', 'lists.example.com'],
    ['postfix_routes', 'lists.example.net', lmtp],
    ['postfix_routes', 'lists.example.com', lmtp],
    ['postfix_routes', 'example.com', null],
  ] as const)
    equal(ask(table, key), answer, `${table}: ${key}`)
})

test('tables of regular expressions keep an extension through the alias domain', async (t) => {
  const { settings, ask } = bench(t, 'regexp')
  await postfix(settings).publish(directory)
  for (const [table, key, answer] of [
    ['postfix_lmtp', 'ant@example.com', lmtp],
    ['postfix_lmtp', 'ant-bounces+x=y.z@example.com', lmtp],
    ['postfix_lmtp', 'ant-join+z@example.com', lmtp],
    ['postfix_lmtp', 'antXexample.com', null],
    ['postfix_lmtp', 'beeXkeepers@lists.example.net', null],
    ['postfix_vmap', 'cow@example.org', 'cow@x.example.org'],
    ['postfix_vmap', 'cow-bounces+a=b@example.org', 'cow-bounces+a=b@x.example.org'],
    ['postfix_domains', 'x.example.org', 'example.org'],
    ['postfix_routes', 'any.one@lists.example.net', lmtp],
    ['postfix_routes', 'any.one@example.com', null],
  ] as const)
    equal(ask(table, key), answer, `${table}: ${key}`)
})

test('a table that changes is replaced, not written into, so that Postfix notices', async (t) => {
  const { maps, settings, ask } = bench(t)
  const server = postfix(settings)
  await server.publish(directory)
  const before = statSync(join(maps, 'postfix_lmtp.db'))
  const routes = statSync(join(maps, 'postfix_routes.db'))
  const [first, ...others] = directory.domains
  ok(first)
  await server.publish({ domains: [{ ...first, listNames: ['ant', 'zoo'] }, ...others] })
  equal(ask('postfix_lmtp', 'zoo-request@example.com'), lmtp)
  const after = statSync(join(maps, 'postfix_lmtp.db'))
  ok(after.ino !== before.ino)
  equal(after.mode & 0o777, 0o644)
  equal(statSync(join(maps, 'postfix_routes.db')).ino, routes.ino)
  await server.publish({ domains: [] })
  equal(ask('postfix_lmtp', 'zoo-request@example.com'), null)
  equal(ask('postfix_vmap', 'cow@example.org'), null)
})

test('when the last table cannot be compiled, all tables go on answering as before', async (t) => {
  const { maps, settings, ask } = bench(t)
  await postfix(settings).publish(directory)
  const files = () => readdirSync(maps).filter((name) => name !== 'postfix.lock')
  const before = files()
  // It fails for the vmap alone, which comes last.
  const failing = join(maps, '..', 'failing')
  writeFileSync(
    failing,
    `#!/bin/sh\ncase $1 in *vmap*) exec ${program} nosuch:x;; esac\nexec ${settings.postmapCommand} "$1"\n`,
    {
      mode: 0o755,
    },
  )
  const renamed: ListDirectory = {
    domains: directory.domains.map((each) => ({
      ...each,
      listNames: each.listNames.map((name) => `${name}2`),
    })),
  }
  await rejects(postfix({ ...settings, postmapCommand: failing }).publish(renamed), {
    message: /exit status 1, saying 'postmap: fatal: open x: No such file/,
  })
  deepEqual(files(), before)
  equal(ask('postfix_lmtp', 'ant@example.com'), lmtp)
  equal(ask('postfix_lmtp', 'ant2@example.com'), null)
})

test('Mailman’s own tables compile to what ours do', async (t) => {
  const { maps, settings } = bench(t)
  const golden = new URL('../golden/postfix/2-alias-domain/hash/', import.meta.url)
  await postfix(settings).publish({
    domains: [
      { ...domain('example.com', ['ant']), listOnly: false },
      { ...domain('lists.example.net', ['bee.keepers']), listOnly: false },
      { ...domain('example.org', ['cow'], 'x.example.org'), listOnly: false },
    ],
  })
  for (const name of ['postfix_lmtp', 'postfix_domains', 'postfix_vmap']) {
    writeFileSync(join(maps, 'theirs'), readFileSync(new URL(name, golden)))
    const [command = '', ...args] = settings.postmapCommand.split(' ')
    const dump = (path: string) =>
      execFileSync(command, [...args, '-s', `hash:${path}`], { encoding: 'utf8' })
        .split('\n')
        .sort()
    execFileSync(command, [...args, `hash:${join(maps, 'theirs')}`])
    deepEqual(dump(join(maps, name)), dump(join(maps, 'theirs')), name)
  }
})
