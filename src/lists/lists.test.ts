import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { freshStore } from '../../test/support/fresh-store.ts'
import { ManualClock } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import { defaultListSettings } from '../model/list.ts'
import { listBySpec } from '../store/units/lists.ts'
import { rosterPage } from '../store/units/rosters.ts'
import { createList } from './create.ts'
import { addDomain, changeDomain, removeDomain } from './domains.ts'
import { nameWarnings, parseListName, parseMailHost } from './naming.ts'
import { removeList } from './remove.ts'
import { formatSettings, parseSettings, settingNames, splitSetting } from './settings.ts'

const usual = '[-_.0-9a-z]'
const clock = new ManualClock()
const wanted = (address: string, createDomain = true) => ({
  address,
  settings: {},
  owners: [],
  createDomain,
  nameCharacters: usual,
})

for (const { text, characters = usual, name } of [
  { text: 'tea@lists.example.org', name: 'tea' },
  { text: 'TEA.Time-1_x@LISTS.Example.org', name: 'tea.time-1_x' },
  { text: 'c+d@lists.example.org', characters: '[-_.+0-9a-z]', name: 'c+d' },
  { text: `${'a'.repeat(64)}@lists.example.org`, name: 'a'.repeat(64) },
])
  test(`a list may be called ${text}`, () => {
    deepEqual(parseListName(text, characters), { value: { name, mailHost: 'lists.example.org' } })
  })

for (const { text, characters = usual, wrong } of [
  { text: 'tea', wrong: /write NAME@DOMAIN/ },
  { text: '@lists.example.org', wrong: /write NAME@DOMAIN/ },
  { text: 'a/b@lists.example.org', wrong: /"\/" is not in/ },
  { text: 'a/b@lists.example.org', characters: '[/a-z]', wrong: /"\/" is not in/ },
  { text: '..@lists.example.org', wrong: /dots/ },
  { text: 'a..b@lists.example.org', wrong: /dots/ },
  { text: '.a@lists.example.org', wrong: /dots/ },
  { text: '-a@lists.example.org', wrong: /begin with a hyphen/ },
  { text: 'a b@lists.example.org', wrong: /" " is not in/ },
  { text: 'a+b@lists.example.org', wrong: /"\+" is not in/ },
  { text: 'té@lists.example.org', wrong: /"é" is not in/ },
  { text: 'a\nb@lists.example.org', wrong: /"\\n" is not in/ },
  { text: `${'a'.repeat(65)}@lists.example.org`, wrong: /65 characters, an address takes 64/ },
  { text: 'tea@localhost', wrong: /no mail domain/ },
  { text: 'tea@bücher.example', wrong: /write 'xn--bcher-kva\.example'/ },
  { text: 'tea@[192.0.2.1]', wrong: /no mail domain/ },
  { text: 'tea@192.0.2.1', wrong: /no mail domain/ },
  { text: 'tea@-x.example.org', wrong: /no mail domain/ },
  { text: 'tea@example..org', wrong: /no mail domain/ },
])
  test(`no list may be called ${JSON.stringify(text)} where names are of ${characters}`, () => {
    const parsed = parseListName(text, characters)
    match('wrong' in parsed ? parsed.wrong : '', wrong)
  })

test('whatever a name is read from, it is safe as a path, a table key and an address', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), (text) => {
      const parsed = parseListName(`${text}@lists.example.org`, '[^x]')
      if ('value' in parsed) match(`${parsed.value.name}.`, /^[^./\s\\@\0]([^/\s\\@\0]*)\.$/)
    }),
  )
})

for (const { name, warnings } of [
  { name: 'tea', warnings: [] },
  { name: 'a'.repeat(35), warnings: [] },
  { name: 'a'.repeat(36), warnings: [/-bounces\+MEMBER;/] },
  { name: 'a'.repeat(53), warnings: [/-unsubscribe, .*-bounces\+MEMBER, .*-confirm\+TOKEN/] },
  { name: 'my-bounces', warnings: [/a list my in the same domain has no bounces address/] },
])
  test(`warnings about ${name}`, () => {
    const given = nameWarnings({ name })
    equal(given.length, warnings.length)
    warnings.forEach((words, i) => void match(given[i] ?? '', words))
  })

test('a list comes with its owners, is there once, and goes by any of its names', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const owners = ['ann@example.org', 'ann@example.org', 'bea@example.org'] as EmailAddress[]
  const made = await createList({ store, clock }, { ...wanted('Tea@Lists.example.org'), owners })
  ok(made.kind === 'created')
  equal(made.address, 'tea@lists.example.org')
  const roster = store.read(rosterPage, { list: made.list, roles: ['owner'], after: null, limit: 9 })
  deepEqual(
    roster.map(({ address }) => address),
    ['ann@example.org', 'bea@example.org'],
  )
  deepEqual(await createList({ store, clock }, wanted('tea@lists.example.org')), {
    kind: 'exists',
    address: 'tea@lists.example.org',
  })
  const gone = await removeList({ store }, 'TEA.lists.example.org')
  deepEqual(gone, { kind: 'removed', address: 'tea@lists.example.org', generation: made.generation + 1 })
  deepEqual(await removeList({ store }, 'tea@lists.example.org'), { kind: 'no-such-list' })
})

test('a list that cannot be is refused with its reason, and leaves no domain behind', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  equal((await createList({ store, clock }, wanted('no/name@lists.example.org'))).kind, 'bad-name')
  deepEqual(await createList({ store, clock }, wanted('tea@lists.example.org', false)), {
    kind: 'no-domain',
    domain: 'lists.example.org',
  })
  equal((await createList({ store, clock }, wanted('a.b@example.org'))).kind, 'created')
  deepEqual(await createList({ store, clock }, wanted('a@b.example.org')), {
    kind: 'id-taken',
    address: 'a@b.example.org',
    by: 'a.b@example.org',
  })
  equal((await removeDomain({ store }, 'b.example.org')).kind, 'no-domain')
  equal(store.read(listBySpec, { spec: 'a.b.example.org' })?.mailHost, 'example.org')
})

test('an alias domain never hides a domain of lists', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const done = async (outcome: ReturnType<typeof addDomain>) => (await outcome).kind
  equal(await done(addDomain({ store, clock }, { mailHost: 'example.com' })), 'done')
  equal(
    await done(addDomain({ store, clock }, { mailHost: 'Example.net', aliasDomain: 'X.example.net' })),
    'done',
  )
  deepEqual(await changeDomain({ store }, { mailHost: 'example.net', aliasDomain: 'example.com' }), {
    kind: 'alias-taken',
    aliasDomain: 'example.com',
  })
  equal(
    await done(changeDomain({ store }, { mailHost: 'example.com', aliasDomain: 'x.example.net' })),
    'alias-taken',
  )
  equal(await done(addDomain({ store, clock }, { mailHost: 'x.example.net' })), 'is-alias')
  equal((await createList({ store, clock }, wanted('tea@x.example.net'))).kind, 'is-alias')
  equal(await done(changeDomain({ store }, { mailHost: 'example.com', listOnly: true })), 'done')
  equal(await done(changeDomain({ store }, { mailHost: 'example.net', aliasDomain: null })), 'done')
  equal(await done(addDomain({ store, clock }, { mailHost: 'x.example.net' })), 'done')
  equal(await done(addDomain({ store, clock }, { mailHost: 'no domain' })), 'bad-name')
  equal(await done(changeDomain({ store }, { mailHost: 'nowhere.example.org' })), 'no-domain')
  await createList({ store, clock }, wanted('tea@example.com'))
  deepEqual(await removeDomain({ store }, 'EXAMPLE.com'), {
    kind: 'has-lists',
    lists: 1,
    mailHost: 'example.com',
  })
})

test('a domain is not its own alias', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const outcome = await addDomain({ store, clock }, { mailHost: 'example.com', aliasDomain: 'example.com' })
  equal(outcome.kind, 'alias-taken')
})

test('settings written and read again are the same', () => {
  const settings = {
    ...defaultListSettings('tea'),
    footer: 'a\\n\nb\\',
    deliveryMode: 'bulk',
    emergency: true,
  } as const
  deepEqual(parseSettings(formatSettings(settings)), { settings })
  deepEqual(
    formatSettings(settings).map(([name]) => name),
    settingNames,
  )
})

for (const { pair, settings } of [
  { pair: 'emergency yes', settings: { emergency: true } },
  { pair: 'subject_prefix [Tea %d] ', settings: { subjectPrefix: '[Tea %d] ' } },
  { pair: 'subject_prefix', settings: { subjectPrefix: '' } },
  { pair: 'default_member_action=Hold', settings: { defaultMemberAction: 'hold' } },
  { pair: 'max_message_size = 0', settings: { maxMessageSize: 0 } },
  { pair: 'delivery_mode site', settings: { deliveryMode: null } },
  { pair: 'footer --\\n$display_name\\n', settings: { footer: '--\n$display_name\n' } },
])
  test(`a setting is read: ${pair}`, () => deepEqual(parseSettings([splitSetting(pair)]), { settings }))

for (const { pair, words } of [
  { pair: 'emergency maybe', words: /^emergency: "maybe" is neither yes nor no; accepted: yes or no$/ },
  { pair: 'max_message_size -1', words: /accepted: KiB/ },
  { pair: 'reply_goes_to_list list', words: /accepted: no_munging, point_to_list/ },
  { pair: 'subject_prefx x', words: /did you mean 'subject_prefix'\?/ },
  { pair: 'display-name Tea', words: /did you mean display_name\?/ },
  { pair: 'colour red', words: /^"colour" is no setting of a list; there are: display_name, / },
])
  test(`a setting that cannot be is one line: ${pair}`, () => {
    const read = parseSettings([splitSetting(pair), ['emergency', 'yes']])
    ok('wrong' in read && read.wrong.length === 1)
    match(read.wrong[0] ?? '', words)
    ok(!read.wrong[0]?.includes('\n'))
  })

test('a mail domain is folded', () =>
  deepEqual(parseMailHost('Lists.EXAMPLE.org'), { value: 'lists.example.org' }))
