// A real store with a list and members, a real sink as the relay, and the delivery station between them.

import { DatabaseSync } from 'node:sqlite'
import { type Instant, systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import type { DeliverySettings } from '../../src/delivery/delivery.ts'
import { startDelivery } from '../../src/delivery/delivery.ts'
import type { EmailAddress } from '../../src/mail/address.ts'
import { verpKey } from '../../src/mail/verp.ts'
import type { DeliveryMode, ListNo } from '../../src/model/list.ts'
import type { Audience, OutgoingLane, OutgoingNo } from '../../src/model/outgoing.ts'
import type { ItemNo, MessageNo } from '../../src/model/queue.ts'
import { standardTimeouts } from '../../src/smtp/client.ts'
import { all, defineUnit, integer, query, text } from '../../src/store/unit.ts'
import { recordJudgement } from '../../src/store/units/judging.ts'
import { createList } from '../../src/store/units/lists.ts'
import { addMembers } from '../../src/store/units/members.ts'
import { claimItems } from '../../src/store/units/queue.ts'
import { acceptMessage } from '../../src/store/units/reception.ts'
import { type FreshStore, freshStore } from './fresh-store.ts'

export const postBytes = Buffer.from(
  'From: Ann <ann@example.com>\r\nTo: tea@lists.example.org\r\nSubject: Tea\r\nMessage-ID: <one@example.com>\r\n\r\n.dot\r\nThe water boils.\r\n',
)

export interface Bench extends FreshStore {
  readonly list: ListNo
  settings(port: number, more?: Partial<DeliverySettings>): DeliverySettings
  post(mode: DeliveryMode): Promise<void>
  notice(address: string): Promise<void>
  /** Takes the kept message away from a draft, as a damaged row would. */
  breakDraft(outgoing: number): void
  ledger(): readonly {
    states: string
    replies: readonly (string | null)[]
    due: number | null
    tries: number
  }[]
  outgoing(): readonly { no: OutgoingNo; done: number | null; parked: string | null; expires: number }[]
  bounced(): readonly string[]
  start(settings: DeliverySettings): ReturnType<typeof startDelivery>
}

/** A list `tea@lists.example.org` with members m1@example.com … */
export async function deliveryBench(members: number | readonly string[]): Promise<Bench> {
  const fresh = await freshStore()
  const { store } = fresh
  const made = await store.commit(createList, {
    name: 'tea',
    mailHost: 'lists.example.org',
    settings: {},
    createDomain: true,
    now: now(),
  })
  if (made.kind !== 'created') throw new Error(made.kind)
  const addresses =
    typeof members === 'number' ? Array.from({ length: members }, (_, i) => `m${i + 1}@example.com`) : members
  for (let i = 0; i < addresses.length; i += 500) {
    await store.commit(addMembers, {
      list: made.list,
      role: 'member',
      members: addresses
        .slice(i, i + 500)
        .map((address) => ({ address: address as EmailAddress, displayName: '' })),
      delivery: 'regular',
      status: 'enabled',
      now: now(),
    })
  }
  let posts = 0
  const send = async (mode: DeliveryMode, audience: Audience, lane: OutgoingLane): Promise<void> => {
    posts += 1
    const accepted = await store.commit(acceptMessage, {
      hash: new Uint8Array(32),
      size: postBytes.length,
      body: { bytes: postBytes },
      transactionHash: new Uint8Array(32),
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
      now: now(),
      mayRepeat: false,
    })
    const [item] = await store.commit(claimItems, { lane: 'in', claimant: 'test', limit: 1, now: now() })
    const bodyAt = postBytes.indexOf('\r\n\r\n') + 4
    const message = item?.message as MessageNo
    await store.commit(recordJudgement, {
      story: {
        list: made.list,
        listName: 'tea@lists.example.org',
        item: accepted.items[0] as ItemNo,
        message,
        messageId: `<one-${posts}@example.com>`,
        sender: 'ann@example.com',
        subject: 'Tea',
        size: postBytes.length,
        receivedAt: now(),
      },
      verdict: 'accept',
      hits: [],
      outgoing: {
        lane,
        list: made.list,
        audience,
        sender: 'tea-bounces@lists.example.org' as EmailAddress,
        mode,
        messageId: `<one-${posts}@example.com>`,
        draft: { message, header: postBytes.subarray(0, bodyAt), bodyAt, splices: [] },
      },
      postNumber: null,
      numbered: true,
      letters: [],
      now: now(),
      retryPeriod: 5 * 86_400_000,
    })
  }
  return {
    ...fresh,
    [Symbol.asyncDispose]: () => fresh[Symbol.asyncDispose](),
    list: made.list,
    start: (settings) => startDelivery({ store, clock: systemClock, log: silentLog }, settings),
    settings: (port, more = {}) => ({
      relay: {
        host: '127.0.0.1',
        port,
        security: 'plain',
        verifyCertificate: true,
        verifyHostname: true,
        credentials: null,
        heloName: 'lists.example.org',
        timeouts: standardTimeouts,
      },
      maxRecipients: 500,
      maxTransactions: 0,
      connections: { bulk: 4, individual: 4 },
      inDoubt: 1000,
      spool: fresh.directory,
      verpKey: verpKey(new Uint8Array(32)),
      verpDelimiter: '+',
      redirect: null,
      retryDelay: () => 50,
      ...more,
    }),
    breakDraft: (outgoing) => {
      const db = new DatabaseSync(fresh.path, { timeout: 5000 })
      db.prepare(
        'update draft set message_id = 999999 where id = (select draft_id from outgoing where id = ?)',
      ).run(outgoing)
      db.close()
    },
    notice: (address) => send('bulk', { kind: 'addresses', addresses: [address as EmailAddress] }, 'notice'),
    post: (mode) => send(mode, { kind: 'roster', roles: ['member'], poster: null, direct: [] }, 'out'),
    ledger: () => store.read(ledgerRows, {}),
    outgoing: () => store.read(outgoingRows, {}),
    bounced: () => store.read(bounceRows, {}),
  }
}

/** Waits until `check` holds; fails after so many milliseconds with what it last saw. */
export async function until(check: () => boolean, what: string, milliseconds = 60_000): Promise<void> {
  const end = performance.now() + milliseconds
  while (!check()) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const now = (): Instant => systemClock.now()
const ledgerRows = defineUnit('test.ledger', function* () {
  return yield* all(
    query('select states, replies, due_at, tries from outgoing_page order by outgoing_id, page', (row) => ({
      states: text(row, 'states'),
      replies: JSON.parse(text(row, 'replies')) as (string | null)[],
      due: row.due_at as number | null,
      tries: integer(row, 'tries'),
    })),
  )
})
const outgoingRows = defineUnit('test.outgoing', function* () {
  return yield* all(
    query('select id, done_at, parked, expires_at from outgoing order by id', (row) => ({
      no: integer(row, 'id') as OutgoingNo,
      done: row.done_at as number | null,
      parked: row.parked as string | null,
      expires: integer(row, 'expires_at'),
    })),
  )
})
const bounceRows = defineUnit('test.bounces', function* () {
  return yield* all(
    query(
      'select address, context from bounce_event order by id',
      (row) => `${text(row, 'address')} ${text(row, 'context')}`,
    ),
  )
})
