import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ann, postOf } from '../../test/support/post.ts'
import type { EmailAddress, EnvelopeSender } from '../mail/address.ts'
import type { ModerationAction } from '../model/list.ts'
import type { Role } from '../model/member.ts'
import { authorOf, membershipOf, sendersOf } from './senders.ts'

const standard = ['from', 'from_', 'reply-to', 'sender']

for (const { title, header, envelope, all, speaking, headers = standard } of [
  { title: 'From speaks, and is named once', header: 'From: Ann <ann@example.org>', envelope: 'Ann@example.org', all: ['ann@example.org'], speaking: ['ann@example.org'] },
  { title: 'the envelope sender speaks beside From', header: 'From: ann@example.org', envelope: 'ann@example.net', all: ['ann@example.org', 'ann@example.net'], speaking: ['ann@example.org', 'ann@example.net'] },
  { title: 'the null sender is nobody', header: 'From: ann@example.org', envelope: '<>', all: ['ann@example.org'], speaking: ['ann@example.org'] },
  { title: 'Reply-To is looked at for bans and does not speak', header: 'From: eve@example.com\nReply-To: ann@example.org', envelope: 'eve@example.com', all: ['eve@example.com', 'ann@example.org'], speaking: ['eve@example.com'] },
  { title: 'Sender does not speak', header: 'From: eve@example.com\nSender: ann@example.org', envelope: 'eve@example.com', all: ['eve@example.com', 'ann@example.org'], speaking: ['eve@example.com'] },
  { title: 'of two authors neither speaks', header: 'From: eve@example.com, ann@example.org', envelope: 'eve@example.com', all: ['eve@example.com', 'ann@example.org'], speaking: ['eve@example.com'] },
  { title: 'two From fields are two authors', header: 'From: eve@example.com\nFrom: ann@example.org', envelope: '<>', all: ['eve@example.com', 'ann@example.org'], speaking: [] },
  { title: 'an address in a display name is not a sender', header: 'From: "ann@example.org" <eve@example.com>', envelope: '<>', all: ['eve@example.com'], speaking: ['eve@example.com'] },
  { title: 'what is no address names nobody', header: 'From: nobody', envelope: '<>', all: [], speaking: [] },
  { title: 'a field of the site speaks', header: 'From: eve@example.com\nX-Login: ann@example.org', envelope: '<>', headers: ['X-Login'], all: ['ann@example.org'], speaking: ['ann@example.org'] },
]) // biome-ignore format: a table
  test(`senders: ${title}`, () => {
    deepEqual(sendersOf(postOf(header, envelope as EnvelopeSender), headers), { all, speaking })
  })

test('author: the one From, else the envelope sender, else nobody', () => {
  equal(authorOf(postOf('From: Ann <ann@example.org>', '<>')), 'ann@example.org')
  equal(authorOf(postOf('From: a@example.com, b@example.com', ann)), ann)
  equal(authorOf(postOf('Subject: Tea', '<>')), null)
})

const bob = 'bob@example.org' as EmailAddress
const who = (role: Role, action: ModerationAction | null, address = ann) => ({ role, address, action })

for (const { title, memberships, speaking, expected } of [
  { title: 'nobody is a stranger', memberships: [], speaking: [ann], expected: null },
  { title: 'a member before a nonmember', memberships: [who('nonmember', 'discard'), who('member', null, bob)], speaking: [ann, bob], expected: who('member', null, bob) },
  { title: 'an action of the member’s own before the owner’s', memberships: [who('member', 'hold'), who('owner', 'accept')], speaking: [ann], expected: who('member', 'hold') },
  { title: 'an owner before a member with the list’s default', memberships: [who('member', null), who('owner', 'accept')], speaking: [ann], expected: who('owner', 'accept') },
  { title: 'a member who does not speak is not heard', memberships: [who('member', null, bob)], speaking: [ann], expected: null },
  { title: 'a nonmember record where there is no other', memberships: [who('nonmember', 'accept')], speaking: ['ANN@example.org' as EmailAddress], expected: who('nonmember', 'accept') },
]) // biome-ignore format: a table
  test(`membership: ${title}`, () => deepEqual(membershipOf(memberships, speaking), expected))
