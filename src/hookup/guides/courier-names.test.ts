import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { entriesOf } from './courier-configuration.ts'
import { accessFor, accessKey, domainLine, expandIPv6, readAliases } from './courier-names.ts'

const entries = (text: string) => entriesOf('file', text)

for (const { title, text, domain = 'lists.example.org', taken, line } of [
  { title: 'the domain itself, in any case', text: 'localhost\nLists.Example.org\n', taken: true, line: 2 },
  { title: 'a wildcard', text: '.example.org\n', taken: true, line: 1 },
  { title: 'a wildcard is not for the domain that it names', text: '.lists.example.org\n' },
  { title: 'nor for one that ends likewise', text: '.sts.example.org\n' },
  {
    title: 'what is left out before a wildcard',
    text: '!lists.example.org\n.example.org\n',
    taken: false,
    line: 1,
  },
  {
    title: 'what is left out behind it counts no more',
    text: '.example.org\n!lists.example.org\n',
    taken: true,
    line: 1,
  },
  { title: 'the machine’s own name', text: '*\n', domain: 'mx.example.org', taken: true, line: 1 },
  { title: 'remarks', text: '# lists.example.org\n' },
])
  test(`a domain is taken by the first line that speaks of it: ${title}`, () => {
    const found = domainLine(entries(text), domain, 'mx.example.org')
    deepEqual([found?.taken, found?.entry.line], [taken, line])
  })

test('aliases are read as makealiases reads them', () => {
  const { aliases, wrong } = readAliases(
    entries('# x\n@Lists.example.org: mailman\nroot: ann,\n  bob@example.org\npostmaster:\nno colon\n'),
  )
  deepEqual(
    aliases.map(({ name, targets }) => [name, targets]),
    [
      ['@lists.example.org', ['mailman']],
      ['root', ['ann', 'bob@example.org']],
      ['postmaster', []],
    ],
  )
  deepEqual(
    wrong.map(({ line }) => line),
    [6],
  )
})

const access = `127.0.0.1\tallow,RELAYCLIENT
10\tallow
10.1\tallow,RELAYCLIENT
10.1.2.3\tdeny
172.16.0.0/12\tallow,RELAYCLIENT
:0000:0000:0000:0000:0000:0000:0000:0001\tallow,RELAYCLIENT
:2001:0db8\tallow,BLOCK="550 no, never"
`
for (const [address, allows, variable] of [
  ['127.0.0.1', true, 'RELAYCLIENT'],
  ['127.0.0.11', undefined, undefined],
  ['10.9.9.9', true, undefined],
  ['10.1.9.9', true, 'RELAYCLIENT'],
  ['10.11.9.9', true, undefined],
  ['10.1.2.3', false, undefined],
  ['172.31.0.1', true, 'RELAYCLIENT'],
  ['172.32.0.1', undefined, undefined],
  ['::1', true, 'RELAYCLIENT'],
  ['2001:db8::9', true, 'BLOCK'],
  ['2001:db9::9', undefined, undefined],
] as const)
  test(`the entry that names most of an address counts: ${address}`, () => {
    const found = accessFor(entries(access), address)
    deepEqual([found?.allows, [...(found?.variables.keys() ?? [])][0]], [allows, variable])
  })

test('an IPv6 address is written out, and its line is for it', () => {
  equal(expandIPv6('2001:db8::'), '2001:0db8:0000:0000:0000:0000:0000:0000')
  equal(expandIPv6('10.0.0.1'), null)
  fc.assert(
    fc.property(
      fc.oneof(
        fc.ipV4(),
        fc.ipV6().filter((one) => !one.includes('.')),
      ),
      (address) => {
        equal(accessFor(entries(`${accessKey(address)}\tallow,RELAYCLIENT\n`), address)?.allows, true)
      },
    ),
  )
})
