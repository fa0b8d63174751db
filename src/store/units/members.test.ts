// The roster as delivery asks for it: the work follows the page, never the length of the list.
import { equal, match, ok } from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { freshStore } from '../../../test/support/fresh-store.ts'
import { systemClock } from '../../base/clock.ts'
import type { EmailAddress } from '../../mail/address.ts'
import type { MemberNo } from '../../model/member.ts'
import { createList } from './lists.ts'
import { addMembers, stillReceiving } from './members.ts'

test('before a retry, a page of a long list is looked up by its numbers', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const now = systemClock.now()
  const made = await store.commit(createList, {
    name: 'tea',
    mailHost: 'lists.example.org',
    settings: {},
    createDomain: true,
    now,
  })
  if (made.kind !== 'created') throw new Error(made.kind)
  const { list } = made
  for (let from = 1; from <= 10_000; from += 500) {
    const members = Array.from({ length: 500 }, (_, i) => ({
      address: `m${from + i}@example.com` as EmailAddress,
      displayName: '',
    }))
    await store.commit(addMembers, {
      list,
      role: 'member',
      members,
      delivery: 'regular',
      status: 'enabled',
      now,
    })
  }
  const numbers = Array.from({ length: 1000 }, (_, i) => (9000 + i + 1) as MemberNo)
  equal(store.read(stillReceiving, { list, numbers }).length, 1000)
  const { value } = stillReceiving.unit({ list, numbers }).next()
  ok(value !== undefined && 'query' in value)
  using database = new DatabaseSync(fresh.path, { readOnly: true })
  const plan = database.prepare(`explain query plan ${value.query.sql}`).all(...value.args)
  const onMembers = plan.map(({ detail }) => String(detail)).filter((step) => / member\b/.test(step))
  match(onMembers.join('; '), /^SEARCH member USING .*\(list_id=\? AND no=\?\)$/)
})
