import { deepEqual, equal, ok } from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { instant, ManualClock } from '../base/clock.ts'
import { defaultConfig } from '../config/config.ts'
import { addDomain } from '../lists/domains.ts'
import { createList } from '../store/units/lists.ts'
import { hostFacts } from './host-facts.ts'
import { mailServerHost } from './mail-server-host.ts'

const here = mailServerHost({ configDir: null, commandPrefix: [] })

test('the facts of a site that never started: no domain, and nothing is created by looking', async (t) => {
  const varDir = mkdtempSync(join(tmpdir(), 'posthorn-facts-'))
  t.after(() => rmSync(varDir, { recursive: true }))
  const facts = await hostFacts(
    defaultConfig({
      paths: { varDir },
      mta: { lmtpHost: '::1', lmtpPort: 24 },
      lookup: {
        socketmap: { kind: 'tcp', host: '::1', port: 8026 },
        tcpTable: { kind: 'tcp', host: '127.0.0.1', port: 8027 },
        readsocket: { kind: 'unix', path: '/run/look' },
      },
      courier: { home: '/home/lists', homes: { 'lists.example.net': '/home/net' } },
    }),
    here,
  )
  deepEqual(facts.domains, [])
  deepEqual(facts.incoming, ['postfix'])
  deepEqual(facts.lmtp, { host: '::1', port: 24, socket: null })
  deepEqual(facts.lookup, { socketmap: '[::1]:8026', tcpTable: '127.0.0.1:8027', readsocket: '/run/look' })
  deepEqual(facts.courier.homes, { 'lists.example.net': '/home/net' })
  equal(facts.courier.home, '/home/lists')
  equal(facts.qmail.home, null)
  equal(facts.account.user, userInfo().username)
  equal(facts.dataDir, join(varDir, 'data'))
  ok(existsSync(facts.pipeProgram))
  deepEqual(readdirSync(varDir), [])
})

test('the domains are read while the writer of a running server is open', async () => {
  await using fresh = await freshStore()
  const { store, directory: varDir } = fresh
  await addDomain({ store, clock: new ManualClock() }, { mailHost: 'lists.example.org', listOnly: true })
  const { domains } = await hostFacts(defaultConfig({ paths: { varDir } }), here)
  deepEqual(domains, [{ mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames: [] }])
})

test('the oldest and the newest list of each domain are known', async () => {
  await using fresh = await freshStore()
  const { store, directory: varDir } = fresh
  const make = { settings: {}, createDomain: true, now: instant(0) }
  for (const name of ['milk', 'rice', 'tea', 'apple'])
    await store.commit(createList, { ...make, name, mailHost: 'lists.example.org' })
  await store.commit(createList, { ...make, name: 'only', mailHost: 'a.example.org' })
  const { oldestAndNewest } = await hostFacts(defaultConfig({ paths: { varDir } }), here)
  deepEqual([...(oldestAndNewest ?? [])].sort(), [
    ['a.example.org', ['only', 'only']],
    ['lists.example.org', ['milk', 'apple']],
  ])
})
