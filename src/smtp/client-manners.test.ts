import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { type BehindDot, Manners } from './client-manners.ts'
import type { Reply } from './reply.ts'

const [one, other] = [{}, {}]
const reply = (code: number): Reply => ({ code, enhanced: null, lines: [] })

test('as long as nobody knows, one connection tries at a time', () => {
  const manners = new Manners()
  equal(manners.mayTry(one), true)
  manners.tries(one)
  deepEqual([manners.mayTry(one), manners.mayTry(other)], [true, false])
  manners.lost(one, false) // it ended before it had tried
  deepEqual([manners.mayTry(one), manners.mayTry(other)], [true, true])
})

for (const { title, start, happens, ends } of [
  { title: 'a taken MAIL', start: 'untried', happens: 250, ends: 'taken' },
  { title: 'a MAIL that was read and refused', start: 'untried', happens: 550, ends: 'taken' },
  { title: '503', start: 'untried', happens: 503, ends: 'refused' },
  { title: 'half a command, not understood', start: 'untried', happens: 500, ends: 'refused' },
  { title: 'the connection lost', start: 'untried', happens: 'lost', ends: 'refused' },
  { title: '503 where it had worked', start: 'taken', happens: 503, ends: 'refused' },
  { title: 'one loss where it had worked', start: 'taken', happens: 'lost', ends: 'untried' },
] as const) {
  test(`after an envelope behind a dot: ${title}: ${ends}`, () => {
    const learnt: BehindDot[] = []
    const manners = new Manners(start, (now) => learnt.push(now))
    manners.tries(one)
    if (happens === 'lost') manners.lost(one, true)
    else equal(manners.answered(reply(happens)), ends === 'taken')
    deepEqual(learnt, start === (ends as BehindDot) ? [] : [ends])
    const free = ends !== 'refused'
    deepEqual([manners.mayTry(one), manners.mayTry(other)], [free, free])
  })
}

test('a relay that says so itself is never tried', () => {
  const learnt: BehindDot[] = []
  const manners = new Manners('untried', (now) => learnt.push(now))
  manners.refuses()
  deepEqual([manners.mayTry(one), learnt], [false, ['refused']])
})
