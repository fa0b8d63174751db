import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { instant } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import { readingsOf } from '../model/list-address.ts'
import { defineUnit } from './unit.ts'
import { createList, findRecipient, listBySpec } from './units/lists.ts'
import { addMembers, membershipsOf, speakers } from './units/members.ts'
import { acceptMessage, confirmReceptions, sweepMessages } from './units/reception.ts'
import { rosterPage } from './units/rosters.ts'

const now = instant(1_000_000)
const tea = { name: 'tea', mailHost: 'lists.example.org', settings: {}, createDomain: true, now }

test('a list that was created is found by address, by List-Id and at RCPT', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const made = await store.commit(createList, tea)
  equal(made.kind, 'created')
  equal(store.read(listBySpec, { spec: 'tea@lists.example.org' })?.listId, 'tea.lists.example.org')
  equal(store.read(listBySpec, { spec: 'tea.lists.example.org' })?.name, 'tea')
  const found = store.read(findRecipient, {
    domain: 'lists.example.org',
    readings: readingsOf('Tea-bounces+x', '+'),
  })
  deepEqual(found, { list: made.kind === 'created' ? made.list : 0, purpose: 'bounces', extension: 'x' })
  equal(store.read(findRecipient, { domain: 'lists.example.org', readings: readingsOf('milk', '+') }), null)
  equal((await store.commit(createList, tea)).kind, 'exists')
})

test('members are added once, listed in order, and speak for their list', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const made = await store.commit(createList, tea)
  ok(made.kind === 'created')
  const people = ['bea@example.com', 'Ann@example.com', 'ann@example.com'].map((address) => ({
    address: address as EmailAddress,
    displayName: '',
  }))
  const answers = await store.commit(addMembers, {
    list: made.list,
    role: 'member',
    members: people,
    delivery: 'regular',
    status: 'enabled',
    now,
  })
  deepEqual(answers, ['added', 'added', 'already'])
  const roster = store.read(rosterPage, { list: made.list, roles: ['member'], after: null, limit: 10 })
  deepEqual(
    roster.map(({ address, no }) => [address, no]),
    [
      ['Ann@example.com', 2],
      ['bea@example.com', 1],
    ],
  )
  const who = store.read(speakers, {
    list: made.list,
    senders: ['ANN@example.com', 'x@y.test'] as EmailAddress[],
  })
  deepEqual(who.members, [{ role: 'member', address: 'Ann@example.com', action: null }])
  equal(
    store.read(membershipsOf, { address: 'ann@example.com' as EmailAddress })[0]?.listId,
    'tea.lists.example.org',
  )
})

test('an unconfirmed transaction that comes again is queued once; a confirmed one is a new post', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const made = await store.commit(createList, tea)
  ok(made.kind === 'created')
  const transaction = {
    hash: new Uint8Array(32),
    size: 5,
    body: { bytes: new Uint8Array(5) },
    transactionHash: new Uint8Array(32).fill(7),
    recipients: [
      {
        to: { list: made.list, purpose: 'post', extension: null },
        envelope: {
          sender: 'ann@example.com' as EmailAddress,
          recipient: 'tea@lists.example.org',
          purpose: 'post',
          extension: null,
        },
      },
    ],
    now,
    mayRepeat: true,
  } as const
  const first = await store.commit(acceptMessage, transaction)
  const again = await store.commit(acceptMessage, transaction)
  deepEqual([first.repeat, again.repeat, again.reception], [false, true, first.reception])
  await store.commit(confirmReceptions, { receptions: [first.reception] })
  equal((await store.commit(acceptMessage, transaction)).repeat, false)
  equal((await store.commit(sweepMessages, { limit: 100 })).deleted, 0)
})

test('a unit that fails undoes its own statements only', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const [first, second, third] = await Promise.allSettled([
    store.commit(createList, tea),
    store.commit(createList, { ...tea, name: 'milk', settings: null as never, now: 'soon' as never }),
    store.commit(createList, { ...tea, name: 'cream' }),
  ])
  deepEqual([first.status, second.status, third.status], ['fulfilled', 'rejected', 'fulfilled'])
  equal(store.read(listBySpec, { spec: 'milk@lists.example.org' }), null)
  ok(store.read(listBySpec, { spec: 'cream@lists.example.org' }))
})

test('a unit that the writer does not know is refused by name', async () => {
  await using fresh = await freshStore()
  const stranger = defineUnit('no.such-unit', function* () {
    yield* []
    return null
  })
  await rejects(fresh.store.commit(stranger, {}), /no.such-unit/)
})
