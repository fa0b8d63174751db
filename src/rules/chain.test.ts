import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { ann, factsOf, postOf, teaList } from '../../test/support/post.ts'
import type { Detail, Facts, Link, Rule, Verdict } from '../model/rule.ts'
import { judge, postingChain } from './chain.ts'

const rule = (name: string, detail: Detail | null = {}): Rule => ({
  name,
  summary: name,
  check: () => detail,
})
const names = (verdict: Verdict) =>
  (verdict.action === 'accept' ? verdict.hits : verdict.because).map((hit) => hit.rule)

for (const { title, chain, action, rules } of [
  { title: 'no hit is an accept without reasons', chain: [{ rule: rule('a', null), onHit: 'hold' }], action: 'accept', rules: [] },
  { title: 'holds collect every reason', chain: [{ rule: rule('a'), onHit: 'hold' }, { rule: rule('b'), onHit: 'hold' }], action: 'hold', rules: ['a', 'b'] },
  { title: 'a discard ends a chain that holds', chain: [{ rule: rule('a'), onHit: 'hold' }, { rule: rule('b'), onHit: 'discard' }, { rule: rule('c'), onHit: 'hold' }], action: 'discard', rules: ['b'] },
  { title: 'a reject ends at once', chain: [{ rule: rule('a'), onHit: 'reject' }, { rule: rule('b'), onHit: 'discard' }], action: 'reject', rules: ['a'] },
  { title: 'an accept ends at once where nothing is held', chain: [{ rule: rule('a'), onHit: 'accept' }, { rule: rule('b'), onHit: 'discard' }], action: 'accept', rules: ['a'] },
  { title: 'an accept does not free what is held', chain: [{ rule: rule('a'), onHit: 'hold' }, { rule: rule('b'), onHit: 'accept' }, { rule: rule('c'), onHit: 'hold' }], action: 'hold', rules: ['a', 'c'] },
  { title: 'an accept that overrides frees it', chain: [{ rule: rule('a'), onHit: 'hold' }, { rule: rule('b'), onHit: 'accept', overrides: true }], action: 'accept', rules: ['b'] },
  { title: 'a hit may carry the action', chain: [{ rule: rule('a', { action: 'reject' }), onHit: 'by-hit' }], action: 'reject', rules: ['a'] },
] satisfies readonly { title: string; chain: readonly Link[]; action: Verdict['action']; rules: readonly string[] }[]) // biome-ignore format: a table
  test(`judge: ${title}`, () => {
    const verdict = judge(chain, factsOf())
    equal(verdict.action, action)
    deepEqual(names(verdict), rules)
  })

test('judge: a hit that should carry an action and has none is a fault of ours', () => {
  throws(() => judge([{ rule: rule('odd', { action: 'maybe' }), onHit: 'by-hit' }], factsOf()), /odd.*maybe/)
})

const accepting = { role: 'member', address: ann, action: 'accept' } as const
const looped = postOf('From: ann@example.org\nList-Id: <tea.lists.example.org>')

for (const { title, facts, action, rules } of [
  { title: 'a member’s post goes through', facts: {}, action: 'accept', rules: [] },
  { title: 'a stranger’s post is held', facts: { membership: null }, action: 'hold', rules: ['nonmember-moderation'] },
  { title: 'a large post of a stranger is held for both reasons', facts: { membership: null, list: teaList({ maxMessageSize: 1 }), post: { ...postOf('From: b@example.org'), size: 2000 } }, action: 'hold', rules: ['nonmember-moderation', 'max-size'] },
  { title: 'a member who is accepted may send a large post', facts: { membership: accepting, post: { ...postOf('From: ann@example.org'), size: 1e6 } }, action: 'accept', rules: ['member-moderation'] },
  { title: 'the emergency brake holds a member who is accepted', facts: { membership: accepting, list: teaList({ emergency: true }) }, action: 'hold', rules: ['emergency'] },
  { title: 'a loop is discarded, whoever sends it', facts: { membership: accepting, post: looped }, action: 'discard', rules: ['loop'] },
  { title: 'a banned sender is discarded also in an emergency', facts: { banned: [ann], list: teaList({ emergency: true }) }, action: 'discard', rules: ['banned-address'] },
  { title: 'a post without sender is discarded', facts: { sender: null, senders: [], membership: null }, action: 'discard', rules: ['no-senders'] },
] satisfies readonly { title: string; facts: Partial<Facts>; action: Verdict['action']; rules: readonly string[] }[]) // biome-ignore format: a table
  test(`posting chain: ${title}`, () => {
    const verdict = judge(postingChain, factsOf(facts))
    equal(verdict.action, action)
    deepEqual(names(verdict), rules)
  })
