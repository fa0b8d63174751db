import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { freshStore } from '../../test/support/fresh-store.ts'
import { ManualClock } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import type { ListNo } from '../model/list.ts'
import type { Store } from '../store/store.ts'
import { createList } from '../store/units/lists.ts'
import { countMembers, membershipsOf } from '../store/units/members.ts'
import { addMembers } from './add.ts'
import { formatMemberLine, parseMemberLine } from './member-lines.ts'
import { removeAllMembers, removeMembers } from './remove.ts'

for (const { line, address, name = '' } of [
  { line: 'ann@example.org', address: 'ann@example.org' },
  { line: '  Ann.B@Example.ORG\r', address: 'Ann.B@example.org' },
  { line: '\ufeffann@example.org', address: 'ann@example.org' },
  { line: 'Ann Person <ann@example.org>', address: 'ann@example.org', name: 'Ann Person' },
  { line: 'Person, Ann <ann@example.org>', address: 'ann@example.org', name: 'Person, Ann' },
  { line: '"Person, \\"Ann\\"" <ann@example.org>', address: 'ann@example.org', name: 'Person, "Ann"' },
  { line: '<ann@example.org>', address: 'ann@example.org' },
  { line: '=?utf-8?q?=C3=85sa_=C3=96?= <asa@example.org>', address: 'asa@example.org', name: 'Åsa Ö' },
  { line: '"=?utf-8?q?x?=" <asa@example.org>', address: 'asa@example.org', name: '=?utf-8?q?x?=' },
  { line: 'J\ufffdrg <j@example.org>', address: 'j@example.org', name: '' },
  { line: 'Åsa Öberg <asa@example.org> ', address: 'asa@example.org', name: 'Åsa Öberg' },
  { line: 'Ann\tB <ann@example.org>', address: 'ann@example.org', name: 'Ann B' },
  { line: 'a <b> c <ann@example.org>', address: 'ann@example.org', name: 'a <b> c' },
])
  test(`a line of members is read: ${JSON.stringify(line)}`, () => {
    deepEqual(parseMemberLine(line), { kind: 'member', address, displayName: name })
  })

for (const line of ['', '   ', '# ann@example.org', '\ufeff# comment'])
  test(`a line is skipped: ${JSON.stringify(line)}`, () => equal(parseMemberLine(line).kind, 'skip'))

for (const line of [
  'foo',
  'ann@',
  'ann example.org',
  'Ann <ann>',
  'Ann <ann@example.org',
  'a@b.test, c@d.test',
  'a@b@c d',
])
  test(`no address is made of: ${JSON.stringify(line)}`, () =>
    equal(parseMemberLine(line).kind, 'unreadable'))

test('no line gives a name that could break a header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const read = parseMemberLine(`${text}<ann@example.org>`)
      if (read.kind === 'member') ok(!/\p{Cc}/u.test(read.displayName) && read.displayName.isWellFormed())
    }),
  )
})

test('what is written of a member is read as the same member', () => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: fc.constantFrom('#', '"', '\\', '<', '>', ' ', '=?utf-8?q?x?=', 'a'), maxLength: 20 }),
  )
  fc.assert(
    fc.property(name, (text) => {
      const read = parseMemberLine(`"${text.replace(/["\\]/g, '\\$&')}" <ann@example.org>`)
      if (read.kind !== 'member') return
      deepEqual(parseMemberLine(formatMemberLine(read)), read)
    }),
  )
})

async function teaList(store: Store): Promise<ListNo> {
  const made = await store.commit(createList, {
    name: 'tea',
    mailHost: 'lists.example.org',
    settings: {},
    createDomain: true,
    now: new ManualClock().now(),
  })
  ok(made.kind === 'created')
  return made.list
}

const asMember = { role: 'member', delivery: 'regular', status: 'enabled' } as const
const clock = new ManualClock()

test('every line of a file gets its answer, in order, over several batches', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const list = await teaList(store)
  const many = Array.from({ length: 1200 }, (_, i) => `Member ${i} <member${i}@example.net>`)
  const lines = ['# people', ...many, 'nonsense', '', 'MEMBER7@example.net']
  const heard: string[] = []
  const tally = await addMembers({ store, clock }, { list, ...asMember, lines }, (answers) => {
    for (const { outcome, no, line } of answers)
      if (outcome !== 'added') heard.push(`${outcome} ${no} ${line}`)
  })
  deepEqual(tally, { listGone: false, added: 1200, already: 1, banned: 0, unreadable: 1 })
  deepEqual(heard, ['unreadable 1202 nonsense', 'already 1204 MEMBER7@example.net'])
  equal(store.read(countMembers, { list, roles: ['member'] }), 1200)
  equal(
    store.read(membershipsOf, { address: 'member7@example.net' as EmailAddress })[0]?.displayName,
    'Member 7',
  )

  const gone: string[] = []
  const removal = await removeMembers(
    { store, clock },
    { list, role: 'member', lines: ['Member1@example.net', 'Some One <x@example.net>', 'nonsense', '#'] },
    (answers) => void gone.push(...answers.map(({ outcome, line }) => `${outcome} ${line}`)),
  )
  deepEqual(removal, { removed: 1, notThere: 1, unreadable: 1 })
  deepEqual(gone, [
    'removed Member1@example.net',
    'not-there Some One <x@example.net>',
    'unreadable nonsense',
  ])
  equal(await removeAllMembers({ store, clock }, { list, role: 'member' }), 1199)
})

test('a list that is gone ends the work', async () => {
  await using fresh = await freshStore()
  const lines = ['ann@example.org']
  const tally = await addMembers({ store: fresh.store, clock }, { list: 99 as ListNo, ...asMember, lines })
  deepEqual(tally, { listGone: true, added: 0, already: 0, banned: 0, unreadable: 0 })
})
