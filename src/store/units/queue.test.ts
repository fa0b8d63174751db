import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { freshStore } from '../../../test/support/fresh-store.ts'
import { type Instant, instant } from '../../base/clock.ts'
import type { Lane } from '../../model/queue.ts'
import { attemptsBeforeShunt } from '../../model/queue.ts'
import type { Store } from '../store.ts'
import { createList } from './lists.ts'
import { claimItems, deferItem, releaseClaims, unshuntItems } from './queue.ts'
import { acceptMessage } from './reception.ts'
import { queuedItems } from './reports.ts'

const noon = instant(Date.UTC(2026, 10, 25, 12))
const aDay = 86_400_000
const lane: Lane = 'in'

async function withItems(count: number) {
  const fresh = await freshStore()
  const { store } = fresh
  const made = await store.commit(createList, {
    name: 'tea',
    mailHost: 'lists.example.org',
    settings: {},
    createDomain: true,
    now: noon,
  })
  if (made.kind !== 'created') throw new Error(made.kind)
  for (let i = 0; i < count; i += 1) {
    const bytes = Buffer.from(`Subject: ${i}\r\n\r\n`)
    const envelope = {
      sender: '<>',
      recipient: 'tea@lists.example.org',
      purpose: 'post',
      extension: null,
    } as const
    const to = { list: made.list, purpose: 'post', extension: null } as const
    const hash = Buffer.alloc(32, i)
    await store.commit(acceptMessage, {
      hash,
      size: bytes.length,
      body: { bytes },
      transactionHash: hash,
      recipients: [{ to, envelope }],
      now: noon,
      mayRepeat: false,
    })
  }
  return fresh
}

const claim = (store: Store, claimant: string, now: Instant = noon) =>
  store
    .commit(claimItems, { lane, claimant, limit: 10, now })
    .then((items) => items.map(({ no }) => Number(no)))
const aside = (store: Store) =>
  store
    .read(queuedItems, { shuntedOnly: true, after: 0, limit: 10 })
    .map(({ no, reason }) => ({ no: Number(no), reason }))

test('items are claimed once, in the order of acceptance', async () => {
  await using fresh = await withItems(3)
  deepEqual(await claim(fresh.store, 'a'), [1, 2, 3])
  deepEqual(await claim(fresh.store, 'b'), [])
})

test('work that never ends three times is set aside with the reason, and its neighbours are not', async () => {
  await using fresh = await withItems(3)
  const { store } = fresh
  deepEqual(await claim(store, 'first'), [1, 2, 3])
  await store.commit(releaseClaims, { claimant: 'first' }) // it died in the middle of all three
  for (let death = 2; death <= attemptsBeforeShunt; death += 1) {
    // From now on each comes alone, so that the one to blame is found.
    deepEqual(await claim(store, `${death}`), [1])
    deepEqual(aside(store), [])
    await store.commit(releaseClaims, { claimant: `${death}` })
  }
  deepEqual(await claim(store, 'after'), [2])
  const [shunted, ...others] = aside(store)
  equal(shunted?.no, 1)
  match(shunted?.reason ?? '', /its work did not end 3 times; the program died or was stopped/)
  deepEqual(others, [])

  await store.commit(unshuntItems, { items: null, now: noon })
  deepEqual(await claim(store, 'again'), [3])
  deepEqual(await claim(store, 'again'), [1])
})

for (const { title, shift, claimed } of [
  { title: 'an item put back for ten seconds waits for its time', shift: 0, claimed: [] },
  { title: 'ten seconds later it is due', shift: 10_000, claimed: [1] },
  { title: 'with the clock set back by a minute it waits longer', shift: -60_000, claimed: [] },
  { title: 'with the clock set back by an hour it is due at once', shift: -3_600_000, claimed: [1] },
  { title: 'with the clock set forward by a year it is due', shift: 365 * aDay, claimed: [1] },
])
  test(title, async () => {
    await using fresh = await withItems(1)
    const { store } = fresh
    const [item] = await store.commit(claimItems, { lane, claimant: 'a', limit: 1, now: noon })
    if (item === undefined) throw new Error('nothing was claimed')
    await store.commit(deferItem, { item: item.no, due: instant(noon + 10_000), reason: 'the disk is full' })
    deepEqual(await claim(store, 'b', instant(noon + shift)), claimed)
  })

test('with the clock set back a fresh item is due at once', async () => {
  await using fresh = await withItems(1)
  deepEqual(await claim(fresh.store, 'a', instant(noon - 30 * aDay)), [1])
})
