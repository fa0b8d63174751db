// A site's own code as the way out: the rows of the fault table hold whatever it says.
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { deliveryBench, postBytes, until } from '../../test/support/delivery-bench.ts'
import type { DeliveryMode } from '../model/list.ts'
import type { SiteDeliver, SiteTransaction } from '../model/site-module.ts'
import { siteWayOut } from './site-way-out.ts'

const place = { relay: { host: '127.0.0.1', port: 25 }, settings: { zone: '7' } }
const five = Array.from({ length: 5 }, (_, i) => `m${i + 1}@example.com`)
const modes: readonly DeliveryMode[] = ['bulk', 'individual']
const answered = (transaction: SiteTransaction, replyFor: (to: string) => string = () => '250 2.0.0 taken') =>
  ({ kind: 'answered', replies: transaction.recipients.map(replyFor) }) as const

async function bench(mode: DeliveryMode, deliver: SiteDeliver, timeLimit?: number) {
  await using ending = new AsyncDisposableStack()
  const bench = ending.use(await deliveryBench(5))
  const wayOut = siteWayOut({
    name: 'ours.ts#deliver',
    deliver,
    place,
    ...(timeLimit === undefined ? {} : { timeLimit }),
  })
  const delivery = bench.start({ ...bench.settings(1), wayOut })
  ending.defer(() => delivery.stop(1000))
  await bench.post(mode)
  delivery.wake()
  const kept = ending.move()
  return {
    delivery,
    ...bench,
    allDone: () => until(() => bench.outgoing().every(({ done }) => done !== null), 'all done'),
    states: () =>
      bench
        .ledger()
        .map(({ states }) => states)
        .join(),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

for (const mode of modes)
  test(`${mode}: each recipient is handed over once, with the message as it is and the sender that names it`, async () => {
    const seen: SiteTransaction[] = []
    await using run = await bench(mode, async (transaction, site) => {
      equal(site.settings.zone, '7')
      seen.push(transaction)
      return answered(transaction)
    })
    await run.allDone()
    deepEqual(seen.flatMap(({ recipients }) => recipients).sort(), five)
    for (const { message, from, recipients } of seen) {
      equal(Buffer.from(message).toString(), postBytes.toString())
      match(from, mode === 'bulk' ? /^tea-bounces@/ : /^tea-bounces\+\d/)
      equal(recipients.length, mode === 'bulk' ? 5 : 1)
    }
    equal(run.states(), 'sssss')
    deepEqual(run.bounced(), [])
  })

test('one address that is refused for good bounces; one that is put off is tried again; the others are done', async () => {
  const tries = new Map<string, number>()
  await using run = await bench('bulk', (transaction) =>
    answered(transaction, (to) => {
      tries.set(to, (tries.get(to) ?? 0) + 1)
      if (to.startsWith('m2')) return '550 5.1.1 no such user'
      return to.startsWith('m4') && tries.get(to) === 1 ? '450 4.2.1 busy' : '250 ok'
    }),
  )
  await run.allDone()
  deepEqual(run.bounced(), ['m2@example.com smtp'])
  deepEqual(Object.fromEntries(tries), {
    'm1@example.com': 1,
    'm2@example.com': 1,
    'm3@example.com': 1,
    'm4@example.com': 2,
    'm5@example.com': 1,
  })
})

for (const mode of modes)
  test(`${mode}: while it is down everything pauses and nobody is touched; then all arrives once`, async () => {
    let isDown = true
    const got: string[] = []
    await using run = await bench(mode, async (transaction) => {
      if (isDown) return { kind: 'down', words: 'the carrier pigeons are out' }
      got.push(...transaction.recipients)
      return answered(transaction)
    })
    await until(() => run.delivery.status().relay.state === 'down', 'it counts as down')
    match(
      String(run.delivery.status().relay.words),
      /^\[mta\] outgoing ours\.ts#deliver: the carrier pigeons are out$/,
    )
    deepEqual(
      run.ledger().map(({ states, tries }) => ({ states, tries })),
      [{ states: '.....', tries: 0 }],
    )
    isDown = false
    await run.allDone()
    deepEqual(got.sort(), five)
    deepEqual(run.bounced(), [])
  })

test('a message refused for everybody costs no member anything', async () => {
  await using run = await bench('bulk', async () => ({ kind: 'refused', reply: '554 5.7.1 not here' }))
  await run.allDone()
  equal(run.states(), 'rrrrr')
  deepEqual(run.bounced(), [])
})

for (const { title, first, timeLimit } of [
  {
    title: 'it throws',
    first: () => {
      throw new Error('out of ink')
    },
  },
  { title: 'it never comes back', first: () => new Promise<never>(() => undefined), timeLimit: 20 },
  {
    title: 'it gives one reply for five recipients',
    first: () => ({ kind: 'answered', replies: ['250 ok'] }) as const,
  },
  { title: 'it gives what is no reply', first: (t: SiteTransaction) => answered(t, () => 'fine') },
  { title: 'it says nothing', first: () => undefined as never },
] satisfies readonly { title: string; first: SiteDeliver; timeLimit?: number }[])
  test(`${title}: all are in doubt and tried again, none is scored`, async () => {
    let calls = 0
    await using run = await bench(
      'bulk',
      (transaction, site) =>
        ++calls === 1 ? (first as SiteDeliver)(transaction, site) : answered(transaction),
      timeLimit,
    )
    await run.allDone()
    equal(run.states(), 'sssss')
    equal(calls, 2)
    deepEqual(run.bounced(), [])
  })

test('a stop calls off what is under way, and leaves it in doubt', async () => {
  const begun = Promise.withResolvers<AbortSignal>()
  await using run = await bench('bulk', ({ signal }) => {
    begun.resolve(signal)
    return new Promise<never>(() => undefined)
  })
  const signal = await begun.promise
  await run.delivery.stop(0)
  equal(signal.aborted, true)
  equal(run.states(), 'qqqqq')
})
