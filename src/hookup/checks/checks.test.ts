import { deepEqual, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshChecked } from '../../../test/support/checked-site.ts'
import { withSink } from '../../../test/support/smtp-client.ts'
import { Unavailable } from '../../base/unavailable.ts'
import type { Finding } from '../../model/hookup.ts'
import type { CheckedSite } from './checked-site.ts'
import { generalChecks, generalKinds } from './checks.ts'

async function all(site: CheckedSite): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for await (const finding of generalChecks(site)) findings.push(finding)
  return findings
}

test('each kind has a code of its own, in the words of its subject', () => {
  const codes = generalKinds.map(({ code }) => code)
  equal(new Set(codes).size, codes.length)
  for (const code of codes) match(code, /^(?:lmtp|relay|files|tables|credentials|dns)\.[a-z0-9-]+$/)
})

test('what one check cannot look at does not end the others', () =>
  withSink({ greeting: 554 }, async (world) => {
    const host = {
      run: async () => {
        throw new Unavailable('id cannot be run')
      },
      stat: async () => null,
    }
    await using fresh = await freshChecked({ mta: { smtpPort: world.port, lmtpPort: 0 } }, { host })
    const socket = join(fresh.fresh.directory, 'lmtp.sock')
    const door = createServer((client) => client.end('421 closing\r\n'))
    await once(door.listen(socket), 'listening')
    const { facts } = fresh.site
    const findings = await all({ ...fresh.site, facts: { ...facts, lmtp: { ...facts.lmtp, socket } } })
    door.close()
    deepEqual(
      findings.map(({ kind }) => kind.code),
      ['files.not-seen', 'relay.greeting-refused'],
    )
  }))

test('a site in order gives no finding', () =>
  withSink({}, async (world) => {
    await using fresh = await freshChecked({ mta: { smtpPort: world.port, lmtpPort: 0 } })
    deepEqual(await all(fresh.site), [])
  }))
