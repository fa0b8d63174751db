// The tables as the real postmap(1) compiles and asks them. Needs Debian's postfix:
// `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
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
import { setTimeout as wait } from 'node:timers/promises'
import { type PostfixSettings, postfix } from '../../src/hookup/postfix.ts'
import type { ListDirectory } from '../../src/model/mail-server.ts'
import { handIn, post } from '../support/hand-in.ts'
import { postfixLab } from '../support/postfix-lab.ts'
import { freshSite } from '../support/server.ts'

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

const offered = spawnSync('/usr/sbin/postconf', ['-m'], { encoding: 'utf8' }).stdout?.split('\n') ?? []
for (const type of ['hash', 'btree', 'lmdb'] as const)
  test(`a big table of type ${type} is amended in a copy, and says what one made anew says`, {
    skip: !offered.includes(type) && `this Postfix has no ${type}`,
  }, async (t) => {
    const { maps, settings, ask } = bench(t, type)
    const names = Array.from({ length: 400 }, (_, i) => `list${i}`)
    const many = (...more: readonly string[]): ListDirectory => ({
      domains: [
        domain('example.com', [...names, ...more]),
        domain('lists.example.net', [...names, 'bee-bounces']),
        domain('example.org', ['cow'], 'x.example.org'),
      ],
    })
    // Notes what postmap was asked to do, and does it.
    const [noted, noting] = [join(maps, '..', 'noted'), join(maps, '..', 'noting')]
    writeFileSync(noting, `#!/bin/sh\necho "$@" >> ${noted}\nexec ${settings.postmapCommand} "$@"\n`, {
      mode: 0o755,
    })
    const server = postfix({ ...settings, postmapCommand: noting })
    const dump = (path: string): readonly string[] => {
      const [command = '', ...args] = settings.postmapCommand.split(' ')
      return execFileSync(command, [...args, '-s', `${type}:${path}`], { encoding: 'utf8' })
        .split('\n')
        .sort()
    }
    await server.publish(many())
    const anew = bench(t, type)
    for (const [title, directory] of [
      ['two lists come', many('tea', 'milk')],
      ['one of them goes', many('milk')],
      ['a list is called like an address of another', many('milk', 'milk-owner')],
      ['and goes again', many('milk')],
      [
        'a domain goes, another comes',
        { domains: [...many().domains.slice(1), domain('example.edu', ['ant'])] },
      ],
    ] as const) {
      rmSync(noted)
      await server.publish(directory)
      match(readFileSync(noted, 'utf8'), /-[di] .*postfix_lmtp\.new/, title)
      await postfix(anew.settings).publish(directory)
      for (const name of ['postfix_lmtp', 'postfix_domains', 'postfix_vmap'])
        deepEqual(dump(join(maps, name)), dump(join(anew.maps, name)), `${title}: ${name}`)
    }
    equal(ask('postfix_lmtp', 'ant-owner@example.edu'), lmtp)

    // A table that somebody else made is of unknown age: it is made anew, whatever it says.
    const [command = '', ...args] = settings.postmapCommand.split(' ')
    execFileSync(command, [...args, `${type}:${join(maps, 'postfix_lmtp')}`])
    rmSync(noted)
    await server.publish(many('tea'))
    equal(/-[di] .*postfix_lmtp\.new/.test(readFileSync(noted, 'utf8')), false)
    deepEqual(
      readdirSync(maps).filter((name) => name.includes('.new')),
      [],
    )
  })

test('with tables of regular expressions and reload_command, a post 100 ms after create arrives', async () => {
  await using lab = await postfixLab()
  await using site = await freshSite({
    relayPort: lab.smtpPort,
    lmtpPort: lab.lmtpPort,
    sections: { mta: { incoming: 'postfix', configuration: './mta.cfg' } },
  })
  const settings = join(site.directory, 'mta.cfg')
  writeFileSync(settings, '[postfix]\ntransport_file_type: regex\n')
  const added = await site.posthorn(['domain', 'add', 'lists.example.test', '--list-only'])
  equal(added.code, 0)
  match(added.err, /^Note: Postfix does not reread regexp tables by itself: run 'postfix reload'\.$/m)
  await lab.start(join(site.varDir, 'data'), 'lists.example.test', '', 'postfix-regexp')
  writeFileSync(
    settings,
    `[postfix]\ntransport_file_type: regex\nreload_command: /usr/sbin/postfix -c ${lab.configDir} reload\n`,
  )
  const server = await site.start()
  const from = 'ann@one.example.test'
  const asked = async (to: string): Promise<string> =>
    ((await handIn({ port: lab.smtpPort, dialect: 'smtp', from, to: [to] })).recipients[0] ?? '').slice(0, 9)

  // Whoever asks before makes every process of Postfix read the old tables.
  for (const name of ['tea', 'milk', 'salt']) {
    const to = `${name}@lists.example.test`
    equal(await asked(to), '550 5.1.1')
    const made = await site.posthorn(['create', to])
    deepEqual([made.code, made.err], [0, ''])
    await wait(100) // the claim is about this very moment
    const { end } = await handIn({
      port: lab.smtpPort,
      dialect: 'smtp',
      from,
      to: [to],
      message: post(from, to, name),
    })
    match(end[0] ?? '', /^250 /)
    await server.logged('lmtp.accepted', ({ recipients }) => String(recipients) === to, 30_000)
  }
  await site.must(['remove', 'milk@lists.example.test'])
  await wait(100)
  equal(await asked('milk@lists.example.test'), '550 5.1.1')
  const astray = lab.world.messages.filter(({ to }) =>
    to.some((each) => each.endsWith('@lists.example.test')),
  )
  deepEqual(astray, [])

  // Postfix cannot be told: the list is there, the fault is told, and goes with the next success.
  writeFileSync(
    settings,
    '[postfix]\ntransport_file_type: regex\nreload_command: /usr/sbin/postfix -c /nowhere reload\n',
  )
  equal(await server.stop(), 0)
  const again = await site.start()
  const { code, err } = await site.posthorn(['create', 'rice@lists.example.test'])
  equal(code, 1)
  match(
    err,
    /rice@.* has been created, but .*'\/usr\/sbin\/postfix -c \/nowhere reload' failed with exit status 1.*; the new tables are in place/,
  )
  const status = await site.posthorn(['status'])
  match(
    status.out,
    /TROUBLE: the mail server's tables are not up to date: '\/usr\/sbin\/postfix -c \/nowhere reload' failed/,
  )
  equal(await again.stop(), 0)
  writeFileSync(
    settings,
    `[postfix]\ntransport_file_type: regex\nreload_command: /usr/sbin/postfix -c ${lab.configDir} reload\n`,
  )
  await site.must(['aliases'])
  await wait(100)
  equal(await asked('rice@lists.example.test'), '250 2.1.5')
})
