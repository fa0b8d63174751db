import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { deliveryBench } from '../../test/support/delivery-bench.ts'
import { later, ManualClock, systemClock } from '../base/clock.ts'
import { recordResults } from '../store/units/outgoing.ts'
import { Schedule } from './schedule.ts'

test('a page that falls due after the look for retries, and before the question when to look again, is not forgotten', async () => {
  await using bench = await deliveryBench(1)
  const { store } = bench
  await bench.post('individual')
  const clock = new ManualClock(systemClock.now())
  const schedule = new Schedule({ store, clock })
  const [page] = (await schedule.nextPages(8)).pages
  if (page === undefined) throw new Error('no page')
  await store.commit(recordResults, {
    outgoing: page.outgoing.no,
    page: page.page,
    states: 'd',
    replies: ['450 later'],
    tries: 1,
    due: later(clock.now(), 50),
    bounces: [],
    refusals: 0,
    refusedAtMail: false,
    parkReason: '',
    now: clock.now(),
  })
  schedule.closed(page)
  equal(schedule.untilNextRetry(), 50)
  clock.advance(49)
  equal((await schedule.nextPages(8)).pages.length, 0)
  clock.advance(2)
  equal(schedule.untilNextRetry(), -1)
  equal((await schedule.nextPages(8)).pages.length, 1)
  equal(schedule.untilNextRetry(), null)
})
