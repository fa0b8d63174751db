import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressesOf, manyAddresses, sampleLists } from './list-sample.ts'

const domain = (mailHost: string, count: number) => ({
  mailHost,
  aliasDomain: null,
  listOnly: true,
  listNames: Array.from({ length: count }, (_, i) => `list-${String(i).padStart(5, '0')}`),
})

test('while there are few lists, each is looked at', () => {
  const [big, small] = [domain('a.example.org', 290), domain('b.example.org', 10)]
  const { samples, left } = sampleLists({ domains: [big, small] }, 300)
  deepEqual(
    samples.map(({ names }) => names),
    [big.listNames, small.listNames],
  )
  equal(left, 0)
})

test('of many lists some are looked at, the oldest and newest of each domain among them', () => {
  const domains = [domain('a.example.org', 10_000), domain('b.example.org', 2), domain('c.example.org', 0)]
  const oldestAndNewest = new Map([
    ['a.example.org', ['list-04242', 'list-00017']],
    ['b.example.org', ['list-00000', 'list-00001']],
  ])
  const { samples, left } = sampleLists({ domains, oldestAndNewest }, 300)
  const [a, b, c] = samples.map(({ names }) => names)
  for (const name of ['list-00000', 'list-00017', 'list-04242', 'list-09999']) ok(a?.includes(name), name)
  ok((a?.length ?? 0) <= 302)
  deepEqual([b, c], [['list-00000', 'list-00001'], []])
  equal(left, 10_002 - (a?.length ?? 0) - 2)
})

test('a sample is never much larger than asked, and leaves out none that it does not count', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 8 }), fc.integer({ min: 1, max: 500 }), (counts, most) => {
      const domains = counts.map((count, i) => domain(`d${i}.example.org`, count))
      const { samples, left } = sampleLists({ domains }, most)
      const taken = samples.reduce((sum, { names }) => sum + names.length, 0)
      ok(taken <= most + 3 * counts.length)
      equal(
        taken + left,
        counts.reduce((a, b) => a + b, 0),
      )
      for (const [i, { names }] of samples.entries()) equal(names.length > 0, (counts[i] ?? 0) > 0)
    }),
  )
})

test('the addresses of a list: posting first, and two with an extension', () => {
  const all = addressesOf('tea', 'lists.example.org', '+')
  equal(all[0], 'tea@lists.example.org')
  equal(all.length, 11)
  ok(all.includes('tea-bounces+doctor0asks@lists.example.org'))
  equal(addressesOf('tea', 'lists.example.org', '').length, 9)
})

test('many addresses are told by the first, their number and some names', () => {
  equal(manyAddresses(['a@x.test']), 'a@x.test')
  equal(manyAddresses(['a@x.test', 'b@x.test']), 'a@x.test and 1 more (b@x.test)')
  equal(manyAddresses([...'abcdefgh']), 'a and 7 more (b, c, d, e, f, …)')
})
