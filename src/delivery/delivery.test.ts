import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { parseArgs, Sink } from '../../test/mta-lab/sink.mjs'
import { type Bench, deliveryBench, until } from '../../test/support/delivery-bench.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import type { DeliveryMode } from '../model/list.ts'
import { extendRetries, freezePage, unparkOutgoing } from '../store/units/outgoing.ts'
import { type Delivery, type DeliverySettings, startDelivery } from './delivery.ts'

interface Running extends AsyncDisposable {
  readonly bench: Bench
  readonly sink: Sink
  readonly delivery: Delivery
  settled(): boolean
}

async function running(
  members: number | readonly string[],
  words: readonly string[],
  more: Partial<DeliverySettings> = {},
): Promise<Running> {
  const bench = await deliveryBench(members)
  const sink = await new Sink({ ...parseArgs(['--port', '0', ...words]), keep: true }).listen()
  const delivery = bench.start(bench.settings(sink.port, more))
  return {
    bench,
    sink,
    delivery,
    settled: () => bench.outgoing().every(({ done }) => done !== null),
    [Symbol.asyncDispose]: async () => {
      await delivery.stop(1000)
      await sink.close()
      await bench[Symbol.asyncDispose]()
    },
  }
}

const copies = (sink: Sink): string[] => sink.messages.flatMap(({ to }) => to).sort()
const members = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `m${i + 1}@example.com`).sort()

test('individual copies: one transaction each, with a sender that names the member', async () => {
  await using it = await running(3, [])
  await it.bench.post('individual')
  it.delivery.wake()
  await until(it.settled, 'all sent')
  deepEqual(copies(it.sink), members(3))
  const senders = new Set(it.sink.messages.map(({ from }) => from))
  equal(senders.size, 3)
  for (const sender of senders) match(sender, /^tea-bounces\+[a-z0-9]+@lists\.example\.org$/)
  deepEqual(
    it.bench.ledger().map(({ states }) => states),
    ['sss'],
  )
})

test('bulk: transactions of at most max_recipients, from the plain bounces address', async () => {
  await using it = await running(2500, [], { maxRecipients: 400 })
  await it.bench.post('bulk')
  it.delivery.wake()
  await until(it.settled, 'all sent')
  deepEqual(copies(it.sink), members(2500))
  ok(it.sink.messages.every(({ from, to }) => from === 'tea-bounces@lists.example.org' && to.length <= 400))
  equal(it.bench.ledger().length, 3)
})

const modes: readonly DeliveryMode[] = ['bulk', 'individual']
const places = [
  { place: 'first', address: 'm1@example.com' },
  { place: 'middle', address: 'm3@example.com' },
  { place: 'last', address: 'm5@example.com' },
]
for (const mode of modes) {
  for (const { place, address } of places) {
    test(`${mode}: RCPT 5xx for the ${place} is a bounce event, and the others get theirs`, async () => {
      await using it = await running(5, ['--reject-rcpt', `${address}=550 5.1.1 no such user`])
      await it.bench.post(mode)
      it.delivery.wake()
      await until(it.settled, 'done')
      deepEqual(
        copies(it.sink),
        members(5).filter((one) => one !== address),
      )
      deepEqual(it.bench.bounced(), [`${address} smtp`])
    })

    test(`${mode}: RCPT 4xx for the ${place} is retried alone`, async () => {
      await using it = await running(5, ['--defer-rcpt', address])
      await it.bench.post(mode)
      it.delivery.wake()
      await until(
        () => it.bench.ledger().some(({ states }) => states.includes('d') && !states.includes('.')),
        'deferred',
      )
      Object.assign(it.sink.o, { rejectRcpt: [] })
      await until(it.settled, 'done after the retry')
      deepEqual(copies(it.sink), members(5))
      deepEqual(it.bench.bounced(), [])
    })

    test(`${mode}: a refusal of the data that holds the ${place} is no bounce`, async () => {
      await using it = await running(5, ['--reject-data', `${address}=554 5.7.1 content refused`])
      await it.bench.post(mode)
      it.delivery.wake()
      await until(it.settled, 'done')
      deepEqual(it.bench.bounced(), [])
      equal(it.bench.ledger()[0]?.states.replaceAll('s', '').length, mode === 'bulk' ? 5 : 1)
    })
  }

  test(`${mode}: a connection lost after the dot leaves doubt, and a retry`, async () => {
    await using it = await running(5, ['--drop-after-data-times', '1'])
    await it.bench.post(mode)
    it.delivery.wake()
    await until(it.settled, 'done')
    deepEqual([...new Set(copies(it.sink))].sort(), members(5))
    ok(copies(it.sink).length > 5, 'the doubtful ones arrived twice')
    deepEqual(it.bench.bounced(), [])
  })

  test(`${mode}: a connection lost in the middle of the data repeats nothing`, async () => {
    await using it = await running(5, ['--drop-mid-data-times', '1'])
    await it.bench.post(mode)
    it.delivery.wake()
    await until(it.settled, 'done')
    deepEqual(copies(it.sink), members(5))
  })

  test(`${mode}: 421 after each message sends the rest over new connections`, async () => {
    await using it = await running(40, ['--max-messages', '3'], { maxRecipients: 2 })
    await it.bench.post(mode)
    it.delivery.wake()
    await until(it.settled, 'done')
    deepEqual(copies(it.sink), members(40))
  })

  test(`${mode}: a relay that takes one transaction a connection defers nobody`, async () => {
    await using it = await running(60, ['--max-messages', '1'], {
      maxRecipients: 1,
      retryDelay: () => 3_600_000,
    })
    await it.bench.post(mode)
    it.delivery.wake()
    await until(it.settled, 'done without a retry')
    deepEqual(copies(it.sink), members(60))
  })

  test(`${mode}: greylisting costs a retry and nobody a score`, async () => {
    await using it = await running(5, ['--greylist-tries', '2'])
    await it.bench.post(mode)
    it.delivery.wake()
    await until(it.settled, 'done')
    deepEqual(copies(it.sink), members(5))
    deepEqual(it.bench.bounced(), [])
  })

  test(`${mode}: too many recipients for the relay go on in further transactions`, async () => {
    await using it = await running(30, ['--max-rcpt', '7'])
    await it.bench.post(mode)
    it.delivery.wake()
    await until(it.settled, 'done')
    deepEqual(copies(it.sink), members(30))
  })

  test(`${mode}: a post whose first 20 transactions are refused is parked, and unshunt tries all again`, async () => {
    await using it = await running(30, ['--reject-from', '/./=553 5.7.1 sender refused'], {
      maxRecipients: 1,
    })
    await it.bench.post(mode)
    it.delivery.wake()
    await until(() => it.bench.outgoing()[0]?.parked !== null && it.delivery.isIdle() === false, 'parked')
    match(it.bench.outgoing()[0]?.parked ?? '', /every transaction.*553 5\.7\.1/)
    await until(() => it.delivery.status().pages === 0, 'the page was set aside')
    Object.assign(it.sink.o, { rejectFrom: [] })
    await it.bench.store.commit(unparkOutgoing, { outgoing: null, now: 0 as never })
    it.delivery.wake(true)
    await until(it.settled, 'done after unshunt')
    deepEqual(copies(it.sink), members(30))
    deepEqual(it.bench.bounced(), [])
  })
}

for (const mode of ['individual', 'bulk'] as const)
  test(`${mode}: a post to three members is not lost to a relay that wants a login: it is parked, and unshunt tries all again`, async () => {
    await using it = await running(3, ['--reject-from', '/./=530 5.7.0 log in first'])
    await it.bench.post(mode)
    it.delivery.wake()
    await until(() => it.bench.outgoing()[0]?.parked !== null, 'parked')
    match(it.bench.outgoing()[0]?.parked ?? '', /every transaction.*530 5\.7\.0/)
    await until(() => it.delivery.status().pages === 0, 'the page was set aside')
    Object.assign(it.sink.o, { rejectFrom: [] })
    await it.bench.store.commit(unparkOutgoing, { outgoing: null, now: 0 as never })
    it.delivery.wake(true)
    await until(it.settled, 'done after unshunt')
    deepEqual(copies(it.sink), members(3))
    deepEqual(it.bench.bounced(), [])
  })

test('a post to three members whose text the relay refuses is over: it says so, and nobody is blamed', async () => {
  await using it = await running(3, ['--reject-data', '/./=554 5.7.1 no tea here'])
  await it.bench.post('individual')
  it.delivery.wake()
  await until(it.settled, 'done')
  deepEqual(
    it.bench.outgoing().map(({ parked }) => parked),
    [null],
  )
  deepEqual(it.bench.bounced(), [])
})

test('a post that somebody got is done, though the relay refused the rest', async () => {
  await using it = await running(3, ['--reject-data', 'm2@example.com=554 5.7.1 no tea here'])
  await it.bench.post('individual')
  it.delivery.wake()
  await until(it.settled, 'done')
  deepEqual(
    it.bench.outgoing().map(({ parked }) => parked),
    [null],
  )
})

test('a relay that is down pauses the lane, keeps the retry clock still and touches nobody', async () => {
  await using it = await running(3, ['--greeting', '554'])
  const before = Date.now()
  await it.bench.post('bulk')
  it.delivery.wake()
  await until(() => it.delivery.status().relay.state === 'down', 'relay down')
  match(it.delivery.status().relay.words ?? '', /127\.0\.0\.1/)
  deepEqual(
    it.bench.ledger().map(({ states }) => states),
    ['...'],
  )
  Object.assign(it.sink.o, { greeting: 0 })
  await until(it.settled, 'done')
  deepEqual(copies(it.sink), members(3))
  ok(
    (it.bench.outgoing()[0]?.expires ?? 0) > before + 5 * 86_400_000 + 500,
    'the retry period grew by the time the relay was down',
  )
})

test('what is deferred beyond the retry period becomes a bounce event', async () => {
  await using it = await running(2, ['--defer-rcpt', 'm2@example.com'])
  await it.bench.post('bulk')
  it.delivery.wake()
  await until(() => it.bench.ledger().some(({ states }) => states === 'sd'), 'deferred')
  await it.bench.store.commit(extendRetries, { by: -6 * 86_400_000 })
  it.delivery.wake(true)
  await until(it.settled, 'done')
  deepEqual(it.bench.bounced(), ['m2@example.com expired'])
})

test('two members in doubt at most: the bound holds over all connections', async () => {
  await using it = await running(50, ['--delay-dot', '5'], { inDoubt: 2 })
  let most = 0
  const watch = setInterval(() => (most = Math.max(most, it.delivery.status().inDoubt)), 1)
  await it.bench.post('individual')
  it.delivery.wake()
  await until(it.settled, 'done')
  clearInterval(watch)
  deepEqual(copies(it.sink), members(50))
  ok(most <= 2, `${most} were in doubt`)
})

test('a UTF-8 address is refused for itself only when the relay has no SMTPUTF8', async () => {
  await using it = await running(
    ['ann@example.com', 'jürgen@example.com', 'bea@example.com'],
    ['--no-smtputf8'],
  )
  await it.bench.post('bulk')
  it.delivery.wake()
  await until(it.settled, 'done')
  deepEqual(copies(it.sink), ['ann@example.com', 'bea@example.com'])
  deepEqual(it.bench.ledger()[0]?.states, 'srs')
  deepEqual(it.bench.bounced(), [])
})

test('the body goes out byte for byte, dots and all', async () => {
  await using it = await running(1, ['--strict'])
  await it.bench.post('individual')
  it.delivery.wake()
  await until(it.settled, 'done')
  equal(it.sink.stats().bareLf, 0)
})

test("one post that cannot be made ready stands in nobody's way", async () => {
  await using it = await running(3, [])
  const { bench } = it
  await bench.post('bulk')
  await bench.post('bulk')
  await it.delivery.stop(0)
  bench.breakDraft(1)
  await bench.post('bulk')
  const again = bench.start(bench.settings(it.sink.port))
  await until(() => bench.outgoing().filter(({ done }) => done !== null).length >= 2, 'the others are sent')
  await until(
    () =>
      bench.outgoing().some(({ parked }) => parked !== null) ||
      bench.outgoing().every(({ done }) => done !== null),
    'the broken one is parked',
  )
  await again.stop(1000)
})

test('an idle station does not count as idle while a retry waits', async () => {
  await using it = await running(2, ['--defer-rcpt', 'm2@example.com'], { retryDelay: () => 60_000 })
  await it.bench.post('bulk')
  it.delivery.wake()
  await until(
    () => it.bench.ledger().some(({ states, due }) => states === 'sd' && (due ?? 0) > Date.now()),
    'deferred',
  )
  await until(() => it.delivery.status().pages === 0, 'nothing in work')
  equal(it.delivery.isIdle(), false)
})

test('a relay that hangs up after every dot does not get the same mail for ever, and nobody is scored', async () => {
  await using it = await running(2, ['--drop-after-data'])
  await it.bench.post('bulk')
  it.delivery.wake()
  await until(it.settled, 'given up', 20_000)
  deepEqual(
    it.bench.ledger().map(({ states }) => states),
    ['uu'],
  )
  deepEqual(it.bench.bounced(), [])
})

test('what the relay says of itself is no bounce, however long it says so', async () => {
  await using it = await running(2, ['--reject-from', '/./=452 4.3.1 my disk is full'])
  await it.bench.post('bulk')
  it.delivery.wake()
  await until(() => it.bench.ledger().some(({ states }) => states === 'dd'), 'deferred')
  await it.bench.store.commit(extendRetries, { by: -6 * 86_400_000 })
  it.delivery.wake(true)
  await until(it.settled, 'given up', 20_000)
  deepEqual(
    it.bench.ledger().map(({ states }) => states),
    ['ee'],
  )
  deepEqual(it.bench.bounced(), [])
})

test('a notice does not wait for a huge post', async () => {
  await using it = await running(3000, ['--delay-dot', '20'], { connections: { bulk: 1, individual: 1 } })
  await it.bench.post('individual')
  it.delivery.wake()
  await until(() => it.sink.messages.length > 5, 'the post is under way')
  await it.bench.notice('boss@example.net')
  it.delivery.wake()
  await until(() => copies(it.sink).includes('boss@example.net'), 'the notice is out')
  ok(it.sink.messages.length < 1500, `${it.sink.messages.length} copies went before it`)
})

test('each page of a list is worked out and frozen once', async () => {
  await using it = await running(3000, [])
  const frozen: number[] = []
  const { store } = it.bench
  const counting: typeof store = {
    ...store,
    commit: (unit, args) => {
      if (unit === (freezePage as unknown)) frozen.push((args as { page: number }).page)
      return store.commit(unit, args)
    },
  }
  await it.delivery.stop(0)
  await it.bench.post('bulk')
  const station = startDelivery(
    { store: counting, clock: systemClock, log: silentLog },
    it.bench.settings(it.sink.port),
  )
  await until(it.settled, 'all sent')
  await station.stop(1000)
  deepEqual(frozen, [1, 2, 3])
})

const connectionsUsed = (sink: Sink): readonly number[] => [
  ...new Set(sink.messages.map(({ connection }) => connection)),
]

test('an idle connection is used again, until the mail server knows other addresses', async () => {
  await using it = await running(1, [])
  const post = async (): Promise<void> => {
    await it.bench.post('bulk')
    it.delivery.wake()
    await until(it.settled, 'sent')
  }
  await post()
  await post()
  deepEqual(connectionsUsed(it.sink), [1])
  it.delivery.renewConnections()
  await until(() => it.sink.stats().open === 0, 'the idle connection is ended')
  await post()
  deepEqual(connectionsUsed(it.sink), [1, 2])
})

test('a busy connection ends after what is under way, and the rest goes over another', async () => {
  await using it = await running(200, ['--delay-dot', '5'], { connections: { bulk: 1, individual: 1 } })
  await it.bench.post('individual')
  it.delivery.wake()
  await until(() => it.sink.messages.length > 3, 'the post is under way')
  const before = it.sink.messages.length
  it.delivery.renewConnections()
  await until(it.settled, 'sent')
  deepEqual(connectionsUsed(it.sink), [1, 2])
  deepEqual(copies(it.sink), members(200))
  const [first] = it.sink.messages.filter(({ connection }) => connection === 2)
  ok((first?.id ?? 0) - before < 20, `the first connection took ${(first?.id ?? 0) - before} more`)
})
