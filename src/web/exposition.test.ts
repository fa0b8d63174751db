import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { counter, each, expose, gauge, histogram, only } from './exposition.ts'

test('families come out as Prometheus reads them', () => {
  equal(
    expose([
      counter('tea_total', 'Cups,\nby "kind" and \\.', each('kind', { 'a "b"\\': 2, green: 1.5 })),
      gauge('water', 'Litres.', only(Number.POSITIVE_INFINITY)),
    ]),
    '# HELP tea_total Cups,\\nby "kind" and \\\\.\n# TYPE tea_total counter\n' +
      'tea_total{kind="a \\"b\\"\\\\"} 2\ntea_total{kind="green"} 1.5\n\n' +
      '# HELP water Litres.\n# TYPE water gauge\nwater +Inf\n',
  )
})

test('the buckets of a histogram add up, and the last has no bound', () => {
  equal(
    expose([histogram('brew_seconds', 'Time.', [1, 5], { counts: [2, 0, 3], sum: 40 })]),
    '# HELP brew_seconds Time.\n# TYPE brew_seconds histogram\n' +
      'brew_seconds_bucket{le="1"} 2\nbrew_seconds_bucket{le="5"} 2\nbrew_seconds_bucket{le="+Inf"} 5\n' +
      'brew_seconds_sum 40\nbrew_seconds_count 5\n',
  )
})
