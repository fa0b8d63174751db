import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyDirectory, listAddresses } from '../../test/support/any-directory.ts'
import { sendmailTables } from './sendmail-tables.ts'

const textOf = (
  name: 'sendmail_lists' | 'sendmail_domains',
  directory: Parameters<ReturnType<typeof sendmailTables>>[0],
) => (sendmailTables()(directory).get(name) ?? []).join('')

/** As Sendmail's text map reads it: the first word of a line, and the second. */
const readMap = (text: string) =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(/\s+/) as [string, string]),
  )

test('each address of each list is a key of its own, and nothing else is', () => {
  fc.assert(
    fc.property(anyDirectory(), (directory) => {
      deepEqual(
        [...readMap(textOf('sendmail_lists', directory)).keys()].sort(),
        listAddresses(directory).sort(),
      )
    }),
  )
})

test('the word says what the address is for; domains are those with lists and those for lists alone', () => {
  const directory = {
    domains: [
      { mailHost: 'lists.example.org', aliasDomain: null, listOnly: false, listNames: ['tea'] },
      { mailHost: 'example.net', aliasDomain: null, listOnly: true, listNames: [] },
      { mailHost: 'example.com', aliasDomain: null, listOnly: false, listNames: [] },
    ],
  }
  const map = readMap(textOf('sendmail_lists', directory))
  equal(map.get('tea@lists.example.org'), 'post')
  equal(map.get('tea-bounces@lists.example.org'), 'bounces')
  equal(textOf('sendmail_domains', directory), 'example.net lists\nlists.example.org lists\n')
})
