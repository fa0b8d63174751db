import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { freshStore } from '../../../test/support/fresh-store.ts'
import { instant } from '../../base/clock.ts'
import type { EmailAddress } from '../../mail/address.ts'
import { sendLetters } from './letters.ts'
import { createList } from './lists.ts'
import { freezePage } from './outgoing.ts'
import { openOutgoing } from './reports.ts'
import { copiesTo, type LedgerPlace, type ReportedCopy } from './stories.ts'

const now = instant(1_000_000)
const bytes = Buffer.from('Subject: x\r\n\r\nHello\r\n')

test('the copies to an address are found latest first, however far apart, a few pages of the ledger at a time', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const made = await store.commit(createList, {
    name: 'tea',
    mailHost: 'lists.example.org',
    settings: {},
    createDomain: true,
    now,
  })
  ok(made.kind === 'created')
  const letter = (messageId: string) => ({
    bytes,
    hash: new Uint8Array(32),
    once: null,
    outgoing: {
      lane: 'notice' as const,
      list: made.list,
      audience: { kind: 'addresses' as const, addresses: [] },
      sender: '<>' as const,
      mode: 'bulk' as const,
      messageId,
      bodyAt: 14,
    },
  })
  const letters = ['<1@x>', '<2@x>', '<3@x>'].map(letter)
  await store.commit(sendLetters, { list: made.list, letters, now, retryPeriod: 1000 })
  const to = (address: string) => ({ no: null, address: address as EmailAddress })
  for (const { no } of store.read(openOutgoing, { after: 0, limit: 9 }))
    for (const page of [1, 2, 3])
      await store.commit(freezePage, {
        outgoing: no,
        page,
        recipients: [
          to(`other${page}@example.com`),
          to(page === no ? 'Ann@example.com' : 'annabel@example.com'),
        ],
        nextNo: 1,
        paged: page === 3,
        now,
      })
  for (const pages of [1, 2, 4, 9, 50]) {
    const copies: ReportedCopy[] = []
    let turns = 0
    for (let before: LedgerPlace | null = null; ; ) {
      const found: { copies: readonly ReportedCopy[]; next: LedgerPlace | null } = store.read(copiesTo, {
        key: 'ann@example.com',
        before,
        pages,
      })
      copies.push(...found.copies)
      before = found.next
      turns += 1
      if (before === null) break
    }
    deepEqual(
      copies.map(({ messageId, page }) => [messageId, page]),
      [
        ['<3@x>', 3],
        ['<2@x>', 2],
        ['<1@x>', 1],
      ],
      `${pages} pages at a time`,
    )
    equal(turns, Math.floor(9 / pages) + 1)
  }
})
