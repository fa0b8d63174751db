// The look-up service as the real postmap(1) asks it, which uses the clients of smtpd(8). Needs Debian's postfix:
// `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { handIn, post } from '../support/hand-in.ts'
import { postfixLab } from '../support/postfix-lab.ts'
import { freePort, freshSite, run } from '../support/server.ts'

const program = '/usr/sbin/postmap'

test('postmap gets its answers by socketmap and tcp_table', async () => {
  ok(existsSync(program), `${program} is missing: run 'test/mta-lab/lab.sh install postfix-hash' as root`)
  await using site = await freshSite({
    relayPort: await freePort(),
    sections: { lookup: { socketmap: '127.0.0.1:0', tcp_table: '127.0.0.1:0' } },
  })
  await site.list('tea@lists.example.test', [])
  const server = await site.start()
  const { addresses } = await server.logged('lookup.open')
  const [socketmap, table] = addresses as readonly string[]
  const boot = join(site.directory, 'postfix')
  mkdirSync(boot)
  writeFileSync(join(boot, 'main.cf'), 'compatibility_level = 3.6\n')
  /** Exit code and value; postmap ends with 1 for "not found", and with words for a fault. */
  const ask = async (key: string, map: string) => {
    const { code, out, err } = await run([program, '-c', boot, '-q', key, map])
    return { code, out: out.trim(), err }
  }
  const recipients = `socketmap:inet:${socketmap}:recipients`
  const found = (out: string) => ({ code: 0, out, err: '' })
  const notFound = { code: 1, out: '', err: '' }

  for (const map of [recipients, `tcp:${table}`]) {
    deepEqual(await ask('tea@lists.example.test', map), found('post'))
    deepEqual(await ask('Tea-Bounces+ann=example.net@lists.example.test', map), found('bounces'))
    deepEqual(await ask('tea-nosuch@lists.example.test', map), notFound)
    deepEqual(await ask('"tea room"@lists.example.test', map), notFound)
    deepEqual(await ask('lists.example.test', map), notFound)
    deepEqual(await ask('@lists.example.test', map), notFound)
  }
  const domains = `socketmap:inet:${socketmap}:domains`
  deepEqual(await ask('lists.example.test', domains), found('lists.example.test'))
  deepEqual(await ask('example.test', domains), notFound)

  // A map that there is not is a fault, so that nobody routes by it.
  const transport = await ask('tea@lists.example.test', `socketmap:inet:${socketmap}:transport`)
  equal(transport.code, 1)
  match(transport.err, /no such map/)
  deepEqual(await ask('milk@lists.example.test', recipients), notFound)
  await site.must(['create', 'milk@lists.example.test'])
  deepEqual(await ask('milk@lists.example.test', recipients), found('post'))

  equal(await server.stop(), 0)
  const down = await ask('tea@lists.example.test', recipients)
  equal(down.code, 1)
  match(down.err, /[Cc]onnection refused|unavailable|lookup error/)
})

test('a real smtpd asks at RCPT: a new list counts at once, and nobody is unknown while Posthorn is down', async () => {
  await using lab = await postfixLab()
  const port = await freePort()
  await using site = await freshSite({
    relayPort: lab.smtpPort,
    lmtpPort: lab.lmtpPort,
    sections: { mta: { incoming: 'postfix' }, lookup: { socketmap: `127.0.0.1:${port}` } },
  })
  await site.must(['domain', 'add', 'lists.example.test', '--list-only'])
  const server = await site.start()
  const map = `socketmap:inet:127.0.0.1:${port}:recipients`
  await lab.start(join(site.varDir, 'data'), 'lists.example.test', `relay_recipient_maps = ${map}\n`)
  const asked = async (to: string): Promise<string> => {
    const { recipients } = await handIn({
      port: lab.smtpPort,
      dialect: 'smtp',
      from: 'ann@one.example.test',
      to: [`${to}@lists.example.test`],
    })
    return (recipients[0] ?? '').slice(0, 9)
  }
  equal(await asked('tea'), '550 5.1.1')
  await site.list('tea@lists.example.test', ['bob@two.example.test'])
  equal(await asked('tea'), '250 2.1.5')
  equal(await asked('Tea-bounces+ann=example.net'), '250 2.1.5')
  equal(await asked('tea-nosuch'), '550 5.1.1')
  const { end } = await handIn({
    port: lab.smtpPort,
    dialect: 'smtp',
    from: 'bob@two.example.test',
    to: ['tea@lists.example.test'],
    message: 'From: bob@two.example.test\r\nMessage-ID: <1@two.example.test>\r\nSubject: tea\r\n\r\nhot\r\n',
  })
  match(end[0] ?? '', /^250/)
  await server.logged('lmtp.accepted')
  equal(await server.stop(), 0)
  match(await asked('tea'), /^451 4\.3\.0/)
  match(await asked('milk'), /^451 4\.3\.0/)
})

test('while Posthorn is down, other people’s mail goes on: the look-up service says who is there, never where mail goes', async () => {
  await using lab = await postfixLab()
  const port = await freePort()
  await using site = await freshSite({
    relayPort: lab.smtpPort,
    lmtpPort: lab.lmtpPort,
    sections: { mta: { incoming: 'postfix' }, lookup: { socketmap: `127.0.0.1:${port}` } },
  })
  await site.must(['domain', 'add', 'lists.example.test', '--list-only'])
  await site.list('tea@lists.example.test', [])
  const map = `socketmap:inet:127.0.0.1:${port}:recipients`
  await lab.start(join(site.varDir, 'data'), 'lists.example.test', `relay_recipient_maps = ${map}\n`)
  const send = (to: string, id: string) =>
    handIn({
      port: lab.smtpPort,
      dialect: 'smtp',
      from: 'ann@one.example.test',
      to: [to],
      message: post('ann@one.example.test', to, id),
    })
  // Posthorn has not been started at all.
  match((await send('carol@elsewhere.example.test', 'others')).end[0] ?? '', /^250/)
  await lab.world.waitFor(1, 30_000)
  deepEqual(
    lab.world.messages.flatMap(({ to }) => to),
    ['carol@elsewhere.example.test'],
  )
  match((await send('tea@lists.example.test', 'tea')).recipients[0] ?? '', /^451 4\.3\.0/)
  match((await send('dan@elsewhere.example.test', 'more')).end[0] ?? '', /^250/)
  await lab.world.waitFor(2, 30_000)

  const server = await site.start()
  match((await send('tea@lists.example.test', 'later')).end[0] ?? '', /^250/)
  await server.logged('lmtp.accepted')
  equal(await server.stop(), 0)
})
