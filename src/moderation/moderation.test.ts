import { deepEqual, equal } from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { instant } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import { createList, listByNo } from '../store/units/lists.ts'
import { addMembers } from '../store/units/members.ts'
import { gatherFacts, moderate } from './moderation.ts'

const now = instant(0)
const member = (address: string) => ({ address: address as EmailAddress, displayName: '' })
const roster = { delivery: 'regular', status: 'enabled', now } as const

test('a post is judged by who speaks for it in the store', async (t) => {
  await using fresh = await freshStore()
  const { store } = fresh
  const creation = { name: 'tea', mailHost: 'lists.example.org', settings: {}, createDomain: true, now }
  const created = await store.commit(createList, creation)
  if (created.kind !== 'created') throw new Error(created.kind)
  const list = store.read(listByNo, { list: created.list })
  if (list === null) throw new Error('no list')
  await store.commit(addMembers, {
    ...roster,
    list: list.no,
    role: 'member',
    members: [member('Ann@example.org')],
  })
  await store.commit(addMembers, {
    ...roster,
    list: list.no,
    role: 'owner',
    members: [member('olivia@example.org')],
  })

  for (const { title, header, action, rules } of [
    { title: 'a member, in another case', header: 'From: ann@EXAMPLE.org', action: 'accept', rules: [] },
    { title: 'an owner who is not subscribed', header: 'From: olivia@example.org', action: 'accept', rules: ['member-moderation'] },
    { title: 'a stranger', header: 'From: eve@example.com', action: 'hold', rules: ['nonmember-moderation'] },
    { title: 'a stranger with a member in Reply-To', header: 'From: eve@example.com\r\nReply-To: ann@example.org', action: 'hold', rules: ['nonmember-moderation'] },
    { title: 'nobody', header: 'Subject: Tea', action: 'discard', rules: ['no-senders'] },
  ]) // biome-ignore format: a table
    await t.test(title, () => {
      const envelope = {
        sender: '<>',
        recipient: 'tea@lists.example.org',
        purpose: 'post',
        extension: null,
      } as const
      const sources = { store, senderHeaders: ['from', 'from_', 'reply-to', 'sender'] }
      const facts = gatherFacts(sources, { envelope }, list, Buffer.from(`${header}\r\n\r\nTea?\r\n`))
      const verdict = moderate(facts)
      equal(verdict.action, action)
      deepEqual(
        (verdict.action === 'accept' ? verdict.hits : verdict.because).map(({ rule }) => rule),
        rules,
      )
      equal(moderate(facts, 'owner').action, 'accept')
    })
})
