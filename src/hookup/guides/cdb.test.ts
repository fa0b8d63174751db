import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cdbOf } from '../../../test/support/cdb.ts'
import { isCdb, lookUpCdb } from './cdb.ts'

const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) })

test('every key of a database is found with its first value, and no other key is', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(octets, octets)), octets, (entries, other) => {
      const file = cdbOf(entries)
      for (const key of [...entries.map(([each]) => each), other])
        equal(lookUpCdb(file, key), entries.find(([each]) => each === key)?.[1] ?? null)
    }),
  )
})

test('a broken database has no entries, and throws nothing', () => {
  const whole = cdbOf([
    ['lists.example.org', ''],
    ['.example.com', 'x'],
  ])
  equal(isCdb(whole), true)
  for (const size of [0, 7, 2047, 2048, whole.length - 9]) {
    equal(isCdb(whole.subarray(0, size)), false)
    equal(lookUpCdb(whole.subarray(0, size), 'lists.example.org'), null)
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 2048, maxLength: 4096 }), octets, (file, key) => {
      lookUpCdb(Buffer.from(file), key)
    }),
  )
})
