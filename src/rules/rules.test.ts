import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ann, factsOf, postOf, teaList } from '../../test/support/post.ts'
import type { EmailAddress } from '../mail/address.ts'
import type { ListSettings, ModerationAction } from '../model/list.ts'
import type { Role } from '../model/member.ts'
import type { Facts, Rule } from '../model/rule.ts'
import { bannedAddress } from './banned-address.ts'
import { emergency } from './emergency.ts'
import { loop } from './loop.ts'
import { maxSize } from './max-size.ts'
import { memberModeration } from './member-moderation.ts'
import { noSenders } from './no-senders.ts'
import { nonmemberModeration } from './nonmember-moderation.ts'
import { ownerLoop } from './owner-loop.ts'

const hits = (rule: Rule, facts: Partial<Facts>): boolean => rule.check(factsOf(facts)) !== null

for (const { title, header, expected } of [
  { title: 'an ordinary post passes', header: 'Subject: Tea', expected: false },
  { title: 'List-Post with mailto hits', header: 'List-Post: <mailto:tea@lists.example.org>', expected: true },
  { title: 'List-Post as a bare address hits', header: 'List-Post: tea@lists.example.org', expected: true },
  { title: 'List-Post with a subject hits', header: 'List-Post: <mailto:tea@lists.example.org?subject=x>', expected: true },
  { title: 'case does not matter', header: 'list-post: <MAILTO:Tea@Lists.Example.Org>', expected: true },
  { title: 'a second List-Post counts', header: 'List-Post: NO\nList-Post: <mailto:tea@lists.example.org>', expected: true },
  { title: 'another list passes', header: 'List-Post: <mailto:iced-tea@lists.example.org>\nList-Id: <iced-tea.lists.example.org>', expected: false },
  { title: 'our List-Id hits', header: 'List-Id: Tea <tea.lists.example.org>', expected: true },
  { title: 'our name in the phrase of another List-Id passes', header: 'List-Id: tea.lists.example.org <iced-tea.lists.example.org>', expected: false },
  { title: 'a post that came through another list and had ours before hits', header: 'X-Posthorn-Loop: tea.lists.example.org\nX-Posthorn-Loop: iced-tea.lists.example.org', expected: true },
]) // biome-ignore format: a table
  test(`loop: ${title}`, () => equal(hits(loop, { post: postOf(header) }), expected))

for (const { title, header, expected } of [
  { title: 'mail that the owners had before hits', header: 'X-Posthorn-Loop: Tea-Owner@lists.example.org', expected: true },
  { title: 'a post of the list that is sent on to its owners passes', header: 'List-Id: <tea.lists.example.org>\nX-Posthorn-Loop: tea.lists.example.org', expected: false },
  { title: 'mail to the owners of another list passes', header: 'X-Posthorn-Loop: iced-tea-owner@lists.example.org', expected: false },
]) // biome-ignore format: a table
  test(`owner-loop: ${title}`, () => equal(hits(ownerLoop, { post: postOf(header) }), expected))

test('no-senders: hits only without a sender', () => {
  equal(hits(noSenders, { sender: null, senders: [] }), true)
  equal(hits(noSenders, {}), false)
})

test('banned-address: hits for a banned sender and names it', () => {
  equal(hits(bannedAddress, {}), false)
  const detail = bannedAddress.check(factsOf({ banned: [ann] }))
  equal(bannedAddress.reason?.(detail ?? {}), 'Message sender ann@example.org is banned from this list')
})

test('emergency: hits while the setting is on', () => {
  equal(hits(emergency, { list: teaList({ emergency: true }) }), true)
  equal(hits(emergency, {}), false)
})

const membership = (role: Role, action: ModerationAction | null) => ({ role, address: ann, action })
const action = (rule: Rule, facts: Partial<Facts>) => rule.check(factsOf(facts))?.action ?? null

for (const { title, who, settings, expected } of [
  { title: 'a stranger misses', who: null, settings: {}, expected: null },
  { title: 'a nonmember record misses', who: membership('nonmember', 'hold'), settings: {}, expected: null },
  { title: 'a member without action takes the default', who: membership('member', null), settings: { defaultMemberAction: 'reject' }, expected: 'reject' },
  { title: 'a default of defer misses', who: membership('member', null), settings: {}, expected: null },
  { title: 'an own action beats the default', who: membership('member', 'hold'), settings: { defaultMemberAction: 'accept' }, expected: 'hold' },
  { title: 'an own defer beats the default', who: membership('member', 'defer'), settings: { defaultMemberAction: 'hold' }, expected: null },
  { title: 'an owner is accepted by the own action', who: membership('owner', 'accept'), settings: { defaultMemberAction: 'hold' }, expected: 'accept' },
  { title: 'a moderator is not asked for the default of members', who: membership('moderator', null), settings: { defaultMemberAction: 'hold' }, expected: null },
] satisfies readonly Row[]) // biome-ignore format: a table
  test(`member-moderation: ${title}`, () =>
    equal(action(memberModeration, { membership: who, list: teaList(settings) }), expected))

for (const { title, who, settings, expected } of [
  { title: 'a stranger takes the default', who: null, settings: {}, expected: 'hold' },
  { title: 'a default of defer misses', who: null, settings: { defaultNonmemberAction: 'defer' }, expected: null },
  { title: 'a nonmember record without action takes the default', who: membership('nonmember', null), settings: { defaultNonmemberAction: 'reject' }, expected: 'reject' },
  { title: 'a nonmember record has its own action', who: membership('nonmember', 'accept'), settings: {}, expected: 'accept' },
  { title: 'a member misses', who: membership('member', null), settings: {}, expected: null },
  { title: 'an owner is no stranger', who: membership('owner', null), settings: {}, expected: null },
  { title: 'a moderator is no stranger', who: membership('moderator', 'accept'), settings: {}, expected: null },
] satisfies readonly Row[]) // biome-ignore format: a table
  test(`nonmember-moderation: ${title}`, () =>
    equal(action(nonmemberModeration, { membership: who, list: teaList(settings) }), expected))

test('nonmember-moderation: a post without any sender is a stranger’s', () => {
  equal(action(nonmemberModeration, { membership: null, sender: null }), 'hold')
})

for (const { title, size, limit, expected } of [
  { title: 'a post at the limit passes', size: 40 * 1024, limit: 40, expected: false },
  { title: 'one byte more hits', size: 40 * 1024 + 1, limit: 40, expected: true },
  { title: 'no limit, no hit', size: 1e9, limit: 0, expected: false },
])
  test(`max-size: ${title}`, () => {
    const post = { ...postOf('Subject: Tea'), size }
    equal(hits(maxSize, { post, list: teaList({ maxMessageSize: limit }) }), expected)
  })

test('max-size: says the limit in words', () => {
  equal(
    maxSize.reason?.({ sizeInBytes: 50_000, limitInKiB: 40 }),
    'The message is larger than the 40 KB maximum size',
  )
})

interface Row {
  readonly title: string
  readonly who: { role: Role; address: EmailAddress; action: ModerationAction | null } | null
  readonly settings: Partial<ListSettings>
  readonly expected: ModerationAction | null
}
