import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { TransactionResult } from '../smtp/client.ts'
import { type Reply, reply } from '../smtp/reply.ts'
import { fatesOf } from './fate.ts'

const ok = reply(250, '2.1.5', 'ok')
const result = (a: Partial<TransactionResult>): TransactionResult => ({
  mail: ok,
  recipients: [ok, ok],
  end: reply(250, '2.0.0', 'queued as A1'),
  lost: null,
  ...a,
})
const code = (n: number): Reply => reply(n, null, 'words')

for (const { title, given, kinds, refusedAt = null } of [
  { title: 'all taken', given: {}, kinds: ['sent', 'sent'] },
  {
    title: 'MAIL 4xx is about this transaction',
    given: { mail: code(451), recipients: [null, null], end: null },
    kinds: ['deferred', 'deferred'],
  },
  {
    title: 'MAIL 5xx is recorded without a score',
    given: { mail: code(550), recipients: [null, null], end: null },
    kinds: ['refused', 'refused'],
    refusedAt: 'mail',
  },
  {
    title: 'MAIL 421: another connection',
    given: { mail: code(421), recipients: [null, null], end: null },
    kinds: ['again', 'again'],
  },
  {
    title: 'RCPT 4xx is retried, the others go on',
    given: { recipients: [code(450), ok] },
    kinds: ['deferred', 'sent'],
  },
  {
    title: 'RCPT 5xx is a bounce, the others go on',
    given: { recipients: [ok, code(550)] },
    kinds: ['sent', 'failed'],
  },
  {
    title: 'RCPT 452 with others accepted: the next transaction',
    given: { recipients: [ok, code(452)] },
    kinds: ['sent', 'again'],
  },
  {
    title: 'RCPT 552 with others accepted: the next transaction',
    given: { recipients: [ok, code(552)] },
    kinds: ['sent', 'again'],
  },
  {
    title: 'RCPT 552 alone is temporary',
    given: { recipients: [code(552), code(552)], end: null },
    kinds: ['deferred', 'deferred'],
  },
  {
    title: 'RCPT 421: the refused before it stay refused, the rest goes to a new connection',
    given: { recipients: [code(550), code(421)], end: null, lost: 'before-dot' as const },
    kinds: ['failed', 'again'],
  },
  { title: 'end of data 4xx is retried', given: { end: code(451) }, kinds: ['deferred', 'deferred'] },
  {
    title: 'end of data 5xx is no bounce',
    given: { end: code(554) },
    kinds: ['refused', 'refused'],
    refusedAt: 'end',
  },
  { title: 'end of data 421: a new connection', given: { end: code(421) }, kinds: ['again', 'again'] },
  {
    title: 'lost before the dot: nothing happened',
    given: { end: null, lost: 'before-dot' as const },
    kinds: ['again', 'again'],
  },
  {
    title: 'lost after the dot: in doubt',
    given: { end: null, lost: 'after-dot' as const },
    kinds: ['doubt', 'doubt'],
  },
  {
    title: 'lost after the dot: who was refused at RCPT stays refused',
    given: { recipients: [code(550), ok], end: null, lost: 'after-dot' as const },
    kinds: ['failed', 'doubt'],
  },
] satisfies {
  title: string
  given: Partial<TransactionResult>
  kinds: string[]
  refusedAt?: 'mail' | 'end'
}[]) {
  test(`fate: ${title}`, () => {
    const fates = fatesOf(result(given))
    deepEqual(
      fates.recipients.map(({ kind }) => kind),
      kinds,
    )
    equal(fates.refusedAt, refusedAt)
  })
}
