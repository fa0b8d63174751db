import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { codesOf, domain, freshChecked } from '../../../test/support/checked-site.ts'
import { systemClock } from '../../base/clock.ts'
import type { ConfigOverrides } from '../../config/config.ts'
import type { EmailAddress } from '../../mail/address.ts'
import { listBySpec } from '../../store/units/lists.ts'
import { addMembers } from '../../store/units/members.ts'
import { credentials } from './credentials.ts'

const example = { siteOwner: 'changeme@example.com' as EmailAddress }

for (const { title, overrides, owner = null, codes } of [
  { title: 'settings of one’s own are in order', overrides: {}, codes: [] },
  { title: 'the password that everybody knows is told', overrides: { webservice: { adminPass: 'restpass' } }, codes: ['credentials.default-password'] },
  { title: 'a password of one’s own is in order', overrides: { webservice: { adminPass: 'mine' } }, codes: [] },
  { title: 'a user without a password is told', overrides: { mta: { smtpUser: 'posthorn' } }, codes: ['credentials.half-login'] },
  { title: 'a password without a user is told', overrides: { mta: { smtpPass: 'secret' } }, codes: ['credentials.half-login'] },
  { title: 'the owner of the example is told, and lists that have none', overrides: { mailman: example }, codes: ['credentials.site-owner', 'credentials.unowned-lists'] },
  { title: 'lists with an owner are in order', overrides: { mailman: example }, owner: 'ann@example.test', codes: ['credentials.site-owner'] },
] satisfies readonly { title: string; overrides: ConfigOverrides; owner?: string; codes: readonly string[] }[]) // biome-ignore format: a table
  test(`credentials: ${title}`, async () => {
    await using fresh = await freshChecked(overrides)
    const { store } = fresh.fresh
    const list = store.read(listBySpec, { spec: `tea@${domain}` })
    if (owner !== null && list !== null)
      await store.commit(addMembers, {
        list: list.no,
        role: 'owner',
        members: [{ address: owner as EmailAddress, displayName: '' }],
        delivery: 'regular',
        status: 'enabled',
        now: systemClock.now(),
      })
    deepEqual(await codesOf(credentials, fresh.site), codes)
  })
