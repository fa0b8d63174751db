// The rows of the fault table (design: whose fault) that pass: for a while the relay, or a transaction, says no.
// Law: everybody gets one copy once it is over, and nobody is scored. What hits one recipient alone is tried for
// the first, a middle and the last one.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseArgs, Sink, type SinkOptions } from '../../test/mta-lab/sink.mjs'
import { deliveryBench, until } from '../../test/support/delivery-bench.ts'
import type { DeliveryMode } from '../model/list.ts'

const modes: readonly DeliveryMode[] = ['bulk', 'individual']
const five = Array.from({ length: 5 }, (_, i) => `m${i + 1}@example.com`)
const mended: Partial<SinkOptions> = {
  greeting: 0,
  auth: null,
  rejectRcpt: [],
  rejectFrom: [],
  rejectData: [],
}

// Each waits out a pause of the relay, so they wait together.
describe('a relay that cannot be used', { concurrency: true }, () => {
  for (const mode of modes)
    for (const { title, words, credentials = null, stage } of [
      { title: 'nobody listens', words: [], stage: 'connect' },
      { title: 'greeted with 421', words: ['--greeting', '421'], stage: 'greeting' },
      { title: 'greeted with 554', words: ['--greeting', '554'], stage: 'greeting' },
      {
        title: 'a wrong password',
        words: ['--auth', 'list:right', '--require-auth'],
        credentials: { user: 'list', password: 'wrong' },
        stage: 'auth',
      },
    ])
      test(`${mode}: ${title}: the lane pauses, nobody is touched, and all arrives afterwards`, async () => {
        await using ending = new AsyncDisposableStack()
        const bench = ending.use(await deliveryBench(5))
        const sink = await new Sink({ ...parseArgs(words), keep: true }).listen()
        ending.defer(() => sink.close())
        if (stage === 'connect') await sink.close()
        const { relay, ...others } = bench.settings(sink.port)
        const delivery = bench.start({ ...others, relay: { ...relay, credentials } })
        ending.defer(() => delivery.stop(1000))
        await bench.post(mode)
        delivery.wake()
        await until(() => delivery.status().relay.state === 'down', 'the relay counts as down')
        equal(delivery.status().relay.stage, stage)
        deepEqual(
          bench.ledger().map(({ states, tries }) => ({ states, tries })),
          [{ states: '.....', tries: 0 }],
        )
        Object.assign(sink.o, stage === 'auth' ? parseArgs(['--auth', 'list:wrong'], sink.o) : mended)
        if (stage === 'connect') {
          sink.o.port = sink.port
          await sink.listen()
        }
        await until(() => bench.outgoing().every(({ done }) => done !== null), 'all sent')
        deepEqual(sink.messages.flatMap(({ to }) => to).sort(), five)
        deepEqual(bench.bounced(), [])
      })
})

for (const mode of modes) {
  for (const [place, no] of [
    ['first', 1],
    ['middle', 3],
    ['last', 5],
  ] as const) {
    // A sender that names a member begins with the member's number.
    const sender = mode === 'bulk' ? '*' : `/^tea-bounces\\+${no}/`
    for (const { title, words } of [
      { title: 'MAIL refused for now', words: ['--reject-from', `${sender}=451 4.3.0 not now`] },
      { title: '421 to RCPT', words: ['--reject-rcpt', `m${no}@example.com=421 4.3.2 closing`] },
      { title: 'the data refused for now', words: ['--reject-data', `m${no}@example.com=451 4.3.0 not now`] },
    ])
      test(`${mode}: ${title}, ${place}: one copy for everybody in the end`, async () => {
        await using ending = new AsyncDisposableStack()
        const bench = ending.use(await deliveryBench(5))
        const sink = await new Sink({ ...parseArgs(words), keep: true }).listen()
        ending.defer(() => sink.close())
        const delivery = bench.start(bench.settings(sink.port, { retryDelay: () => 50 }))
        ending.defer(() => delivery.stop(1000))
        await bench.post(mode)
        delivery.wake()
        const held = mode === 'bulk' ? 'ddddd' : five.map((_, i) => (i + 1 === no ? 'd' : 's')).join('')
        await until(() => bench.ledger().some(({ states }) => states === held), `${held} in the ledger`)
        Object.assign(sink.o, mended)
        await until(() => bench.outgoing().every(({ done }) => done !== null), 'all sent')
        deepEqual(sink.messages.flatMap(({ to }) => to).sort(), five)
        deepEqual(bench.bounced(), [])
      })

    const fate = mode === 'bulk' ? 'the post is set aside' : 'recorded'
    test(`${mode}: MAIL refused for good, ${place}: ${fate}, never a score`, async () => {
      await using ending = new AsyncDisposableStack()
      const bench = ending.use(await deliveryBench(5))
      const words = ['--reject-from', `${sender}=550 5.7.1 sender refused`]
      const sink = await new Sink({ ...parseArgs(words), keep: true }).listen()
      ending.defer(() => sink.close())
      const delivery = bench.start(bench.settings(sink.port))
      ending.defer(() => delivery.stop(1000))
      await bench.post(mode)
      delivery.wake()
      await until(
        () => bench.outgoing().every(({ done, parked }) => done !== null || parked !== null),
        'over',
      )
      deepEqual(
        bench.outgoing().map(({ parked }) => parked !== null),
        [mode === 'bulk'],
      )
      // What was refused with the post that is set aside is tried again with it.
      const states = mode === 'bulk' ? 'ddddd' : five.map((_, i) => (i + 1 === no ? 'r' : 's')).join('')
      deepEqual(
        bench.ledger().map((page) => page.states),
        [states],
      )
      deepEqual(bench.bounced(), [])
    })
  }
}
