import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyDirectory, listAddresses } from '../../test/support/any-directory.ts'
import type { ListDirectory } from '../model/mail-server.ts'
import { opensmtpdRecipients } from './opensmtpd-tables.ts'

const linesOf = (directory: ListDirectory, delimiter = '+'): readonly string[] =>
  opensmtpdRecipients(delimiter)(directory)
    .join('')
    .split('\n')
    .filter((line) => line !== '')

/** All that these expressions use means the same to regcomp(3) and here. */
const matchers = (directory: ListDirectory, delimiter?: string) =>
  linesOf(directory, delimiter).map((line) => new RegExp(line))

test('every address of every list matches, with an extension too, and by its own line alone', () => {
  const extension = fc.stringMatching(/^[a-z0-9=._+-]{0,12}$/)
  fc.assert(
    fc.property(anyDirectory(), extension, (directory, word) => {
      const lines = matchers(directory)
      for (const address of listAddresses(directory)) {
        ok(
          lines.some((line) => line.test(address)),
          address,
        )
        ok(
          lines.some((line) => line.test(address.replace('@', `+${word}@`))),
          address,
        )
      }
    }),
  )
})

test('an address that is one letter off matches nothing', () => {
  const change = fc.record({ at: fc.nat(60), to: fc.constantFrom('x', '.', '', '@', '-', '$', ' ') })
  fc.assert(
    fc.property(anyDirectory(), change, (directory, { at, to }) => {
      const known = new Set(listAddresses(directory))
      const lines = matchers(directory)
      for (const address of known) {
        const other = address.slice(0, at) + to + address.slice(at + 1)
        // Any plus may begin the extension: a list's name may have some too.
        const [local = '', domain = ''] = [
          other.slice(0, other.lastIndexOf('@')),
          other.slice(other.lastIndexOf('@')),
        ]
        const bare = [...local.matchAll(/\+/g)].map(({ index }) => local.slice(0, index) + domain)
        if (![other, ...bare].some((one) => known.has(one)))
          ok(!lines.some((line) => line.test(other)), `${other} for ${address}`)
      }
    }),
  )
})

test('a line has no blank and no colon, which would end the key', () => {
  fc.assert(
    fc.property(anyDirectory(), (directory) => linesOf(directory).every((line) => !/[\s:]/.test(line))),
  )
})

test('the delimiter is the site’s; without one there are no extensions', () => {
  const domains = [{ mailHost: 'example.org', aliasDomain: null, listOnly: false, listNames: ['tea'] }]
  const matches = (delimiter: string, address: string) =>
    matchers({ domains }, delimiter).some((line) => line.test(address))
  equal(matches('--', 'tea-bounces--ann=x@example.org'), true)
  equal(matches('--', 'tea-bounces+ann=x@example.org'), false)
  equal(matches('', 'tea-bounces@example.org'), true)
  equal(matches('', 'tea-bounces+ann=x@example.org'), false)
})

test('without lists the table matches no address, but is not empty: smtpd does not start with an empty one', () => {
  const lines = matchers({ domains: [] })
  ok(lines.length > 0)
  ok(!lines.some((line) => line.test('tea@example.org')))
})
