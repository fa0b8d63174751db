// The look-up service as the real postmap(1) asks it, which uses the clients of smtpd(8). Needs Debian's postfix:
// `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
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
