// The way of an address as the product works it out, held against the stand-in for qmail's programs, which was written from
// the manuals apart from it.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type QmailHome, qmailHome } from '../../../test/support/qmail-home.ts'
import { withoutBlocks } from '../blocks.ts'
import { isAccepted } from './qmail-domain-checks.ts'
import { readQmailFiles } from './qmail-files.ts'
import { dotQmailOf, namesFor, routeOf } from './qmail-route.ts'

const domains = ['example.org', 'lists.example.org', 'a.lists.example.org', 'Example.net']
const parts = [
  'tea',
  'Ann',
  'mailman',
  'mailman-x',
  'rice.milk',
  'default',
  'a-b-',
  '-',
  'tea-bounces+x',
  'alias-y',
]
const domain = fc.constantFrom(...domains)
const localPart = fc.constantFrom(...parts)
const address = fc.tuple(localPart, domain).map(([local, host]) => `${local}@${host}`)
const prefix = fc.constantFrom('', 'mailman', 'mailman-lists', 'ann', 'alias-p', 'root', 'nobody', ' ann')
const virtual = fc
  .tuple(
    fc.oneof(
      domain,
      domain.map((host) => `.${host}`),
      address,
      fc.constantFrom('', '.org', '# x'),
    ),
    prefix,
  )
  .map(([key, to]) => `${key}:${to}`)
const assignment = fc
  .tuple(
    fc.constantFrom('+', '='),
    fc.constantFrom('', 'mailman', 'mailman-', 'ann', 'ANN-', 'tea'),
    fc.constantFrom('', 'x-'),
  )
  .map(([sign, key, pre]) => `${sign}${key}:ann:1001:1001:/home/ann:-:${pre}:`)
const lines = (one: fc.Arbitrary<string>) => fc.array(one, { maxLength: 5 })

const setting = fc.record({
  locals: fc.option(lines(domain)),
  virtualdomains: fc.option(lines(virtual)),
  rcpthosts: fc.option(
    lines(
      fc.oneof(
        domain,
        domain.map((host) => `.${host}`),
      ),
    ),
  ),
  assign: fc.option(lines(assignment)),
  more: fc.option(lines(domain)),
})

const write = (one: QmailHome, path: string, text: readonly string[] | null): void => {
  if (text !== null) one.write(`var/qmail/${path}`, text.map((line) => `${line}\n`).join(''))
  else one.remove(`var/qmail/${path}`)
}

test('whom an address goes to is what the stand-in says, whatever the files are', async () => {
  using one = qmailHome()
  await fc.assert(
    fc.asyncProperty(setting, fc.array(address, { minLength: 1, maxLength: 8 }), async (files, addresses) => {
      write(one, 'control/locals', files.locals)
      write(one, 'control/virtualdomains', files.virtualdomains)
      write(one, 'control/rcpthosts', files.rcpthosts)
      write(one, 'control/morercpthosts', files.more)
      write(one, 'users/assign', files.assign === null ? null : [...files.assign, '.'])
      one.compile()
      const server = one.start()
      const read = await readQmailFiles(one.host)
      for (const to of addresses) {
        equal(isAccepted(read, to.slice(to.lastIndexOf('@') + 1)), server.takesFor(to), to)
        const route = await routeOf(read, to)
        const local = server.localPartOf(to)
        equal(route.kind === 'local' ? route.local : null, local, to)
        if (local === null || route.kind === 'remote') continue
        const owner = server.ownerOf(local)
        const { user, home, dash, ext } = route.inCharge ?? {}
        deepEqual({ user, home: `${one.root}${home}`, dash, ext }, { ...owner }, to)
      }
    }),
    { numRuns: 60 },
  )
})

const name = fc.constantFrom(
  '.qmail',
  '.qmail-default',
  '.qmail-tea',
  '.qmail-tea-default',
  '.qmail-tea-b-default',
)
const others = fc.constantFrom('.qmail-rice:milk', '.qmail-rice:milk-default', '.qmail-Tea', '.qmail-tea-b')
const ext = fc.constantFrom(
  '',
  'tea',
  'Tea',
  'tea-b',
  'tea-b-c',
  'tea-',
  'rice.milk',
  'rice.milk-x.y',
  'default',
  'tea-default',
)

test('the file for an address is the one that the stand-in for qmail-local finds, and so is DEFAULT', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.oneof(name, others)), ext, async (names, extension) => {
      using one = qmailHome()
      one.write('home/ann/say', '#!/bin/sh\ncat >/dev/null; printenv DEFAULT || echo none\n', 0o755)
      for (const each of names) one.write(`home/ann/${each}`, '|./say\n')
      const local = extension === '' ? 'ann' : `ann-${extension}`
      const fate = await one
        .start()
        .take({ sender: '', recipient: `${local}@people.example.test`, text: '\n' })
      const said = 'said' in fate ? fate.said : ''
      const files = await readQmailFiles(one.host, (text) => withoutBlocks(text, '#') ?? text)
      const dash = extension === '' ? '' : '-'
      const found = await dotQmailOf(files, { home: '/home/ann', dash, ext: extension })
      equal(found?.path.slice('/home/ann/'.length), /"found":"(.*?)"/.exec(said)?.[1])
      if (found !== null) equal(found.rest ?? 'none', /"said":"(.*?)"/.exec(said)?.[1])
    }),
    { numRuns: 40 },
  )
})

test('files are looked for from the whole name to .qmail-default, with small letters and colons', () => {
  deepEqual(namesFor('-', 'Rice.Milk-bounces+x'), [
    { name: '.qmail-rice:milk-bounces+x', rest: null },
    { name: '.qmail-rice:milk-default', rest: 'bounces+x' },
    { name: '.qmail-default', rest: 'Rice.Milk-bounces+x' },
  ])
})
