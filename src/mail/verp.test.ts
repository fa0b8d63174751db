import { equal, match, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EmailAddress } from './address.ts'
import { readVerpToken, verpKey, verpSender, withoutExtension } from './verp.ts'

const key = verpKey(new Uint8Array(32).fill(1))
const bounces = 'tea-bounces@lists.example.org' as EmailAddress

test('VERP brings every member home, whatever the case', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), fc.boolean(), (no, upper) => {
      const sender = verpSender(bounces, 'tea.lists.example.org', no, key)
      const extension = sender.slice('tea-bounces+'.length, sender.lastIndexOf('@'))
      equal(readVerpToken(upper ? extension.toUpperCase() : extension, 'tea.lists.example.org', key), no)
    }),
  )
})

test('a token stays under 20 characters and says nothing about the address', () => {
  match(
    verpSender(bounces, 'tea.lists.example.org', 1_000_000, key),
    /^tea-bounces\+[0-9a-z]{10,19}@lists\.example\.org$/,
  )
})

test('a token of another list, another key or another number is nobody', () => {
  const sender = verpSender(bounces, 'tea.lists.example.org', 7, key)
  const extension = sender.slice('tea-bounces+'.length, sender.lastIndexOf('@'))
  equal(readVerpToken(extension, 'milk.lists.example.org', key), null)
  equal(readVerpToken(extension, 'tea.lists.example.org', verpKey(new Uint8Array(32))), null)
  equal(readVerpToken(`8${extension.slice(1)}`, 'tea.lists.example.org', key), null)
  equal(readVerpToken('', 'tea.lists.example.org', key), null)
  notEqual(sender, bounces)
  equal(withoutExtension(sender), bounces)
  equal(withoutExtension(bounces), null)
})
