// What the doctor tells, and in which order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Unavailable } from '../base/unavailable.ts'
import type { Finding, FindingKind } from '../model/hookup.ts'
import { examine, findingLines, inOrder, needsMending, ofFolder } from './doctor.ts'
import { finding } from './finding.ts'

const kind = (code: string, over: Partial<FindingKind> = {}): FindingKind => ({
  code,
  severity: 'error',
  summary: `what ${code} is`,
  why: 'mail is lost',
  change: 'mend it',
  rank: 100,
  ...over,
})

const codes = (findings: readonly Finding[]) => findings.map((each) => each.kind.code)

test('errors come before warnings, causes before the rest, and each is told once', () => {
  const found = [
    finding(kind('x.remark', { severity: 'info', rank: 1 }), { seen: 'a' }),
    finding(kind('x.warning', { severity: 'warning', rank: 1 }), { seen: 'a' }),
    finding(kind('x.late'), { seen: 'a' }),
    finding(kind('x.late'), { seen: 'a' }),
    finding(kind('x.early', { rank: 10 }), { seen: 'a' }),
  ]
  assert.deepEqual(codes(inOrder(found)), ['x.early', 'x.late', 'x.warning', 'x.remark'])
})

test('what follows from another finding is left out', () => {
  const cause = kind('x.cause', { explains: ['x.consequence', 'y.*'] })
  const found = ['x.consequence', 'y.any', 'x.other'].map((code) => finding(kind(code), { seen: 'a' }))
  assert.deepEqual(codes(inOrder([...found, finding(cause, { seen: 'a' })])), ['x.other', 'x.cause'])
  assert.deepEqual(codes(inOrder(found)), ['x.consequence', 'y.any', 'x.other'])
})

async function* of(findings: readonly Finding[], fault: Error | null = null) {
  yield* findings
  if (fault !== null) throw fault
}

test('a check that cannot look takes nothing from the others', async () => {
  const one = finding(kind('x.one'), { seen: 'a' })
  const two = finding(kind('x.two'), { seen: 'b' })
  const examined = await examine([of([one], new Unavailable('no main.cf')), of([two])])
  assert.deepEqual(codes(examined.findings), ['x.one', 'x.two'])
  assert.deepEqual(examined.unavailable, ['no main.cf'])
  await assert.rejects(examine([of([], new Error('ours'))]), /ours/)
})

test('a finding is told with its place, why, and what to write', () => {
  const told = finding(kind('x.one'), {
    seen: 'a = b',
    file: '/etc/main.cf',
    line: 3,
    change: 'a = c\nreload',
  })
  assert.deepEqual(findingLines(told), [
    'error: what x.one is (x.one)',
    '  seen:   /etc/main.cf:3: a = b',
    '  why:    mail is lost',
    '  change: a = c',
    '          reload',
  ])
})

test('remarks need no mending', () => {
  assert.equal(needsMending([finding(kind('x', { severity: 'info' }), { seen: '' })]), false)
  assert.equal(needsMending([finding(kind('x', { severity: 'warning' }), { seen: '' })]), true)
})

test('in a folder that nobody runs from, it is a remark that neither side answers', () => {
  const [door, relay, other] = ['lmtp.refused', 'relay.unreachable', 'x.one'].map((code) =>
    finding(kind(code), { seen: 'a' }),
  )
  const severities = (findings: readonly (Finding | undefined)[], runs: boolean) =>
    ofFolder({ findings: findings.flatMap((each) => each ?? []), unavailable: [] }, runs).findings.map(
      (each) => `${each.kind.severity} ${each.kind.code}`,
    )
  assert.deepEqual(severities([door, relay, other], false), [
    'error x.one',
    'info lmtp.refused',
    'info relay.unreachable',
  ])
  assert.deepEqual(severities([door, relay], true), ['error lmtp.refused', 'error relay.unreachable'])
  assert.deepEqual(severities([door], false), ['error lmtp.refused'])
})
