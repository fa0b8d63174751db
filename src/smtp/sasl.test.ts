import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { mechanismsFor } from './sasl.ts'

const credentials = { user: 'tim', password: 'tanstaaftanstaaf' }

test('CRAM-MD5 goes before PLAIN before LOGIN, and only what is offered', () => {
  const names = (...offered: string[]) => mechanismsFor(offered, credentials).map(({ name }) => name)
  deepEqual(names('LOGIN', 'PLAIN', 'CRAM-MD5', 'XOAUTH2'), ['CRAM-MD5', 'PLAIN', 'LOGIN'])
  deepEqual(names('LOGIN', 'GSSAPI'), ['LOGIN'])
  deepEqual(names('XOAUTH2'), [])
})

test('CRAM-MD5 answers the example of RFC 2195 §2 as the RFC does', () => {
  const [mechanism] = mechanismsFor(['CRAM-MD5'], credentials)
  const answer = mechanism?.answer('<1896.697170952@postoffice.reston.mci.net>', 0)
  equal(answer, 'tim b913a602c7eda7a495b4e6e7334d3890')
  equal(mechanism?.answer('more?', 1), null)
})

test('PLAIN sends all at once, LOGIN answers two prompts', () => {
  const [plain, login] = mechanismsFor(['PLAIN', 'LOGIN'], credentials)
  equal(plain?.initial, '\0tim\0tanstaaftanstaaf')
  equal(login?.initial, null)
  deepEqual(
    [0, 1, 2].map((turn) => login?.answer('?', turn)),
    ['tim', 'tanstaaftanstaaf', null],
  )
})
