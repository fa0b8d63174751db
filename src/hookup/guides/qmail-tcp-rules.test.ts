import { deepEqual, equal } from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { tcpRules } from '../../../test/support/cdb.ts'
import { qmailHome } from '../../../test/support/qmail-home.ts'
import { readQmailFiles } from './qmail-files.ts'
import { compiledRule, readTcpRules, writtenRule } from './qmail-tcp-rules.ts'

const rules = async (text: string) => {
  using one = qmailHome()
  one.write('etc/tcp.smtp', text)
  one.compile()
  const read = await readTcpRules(await readQmailFiles(one.host))
  if (read?.octets === null || read === null) throw new Error('no rules')
  return { read, octets: read.octets }
}

for (const { title, text, client, seen } of [
  {
    title: 'the closest key',
    text: ':allow\n127.:deny\n127.0.0.1:allow\n',
    client: '127.0.0.1',
    seen: '127.0.0.1:allow',
  },
  {
    title: 'part of an address',
    text: '10.:deny\n10.1.:allow\n:deny\n',
    client: '10.1.2.3',
    seen: '10.1.:allow',
  },
  { title: 'the rule for all', text: '# all\n\n:allow,X="1"\n', client: '192.0.2.1', seen: ':allow,X="1"' },
  { title: 'the first of two', text: '127.:allow\n127.:deny\n', client: '127.0.0.1', seen: '127.:allow' },
  { title: 'a range', text: '192.0.2.1-9:deny\n:allow\n', client: '192.0.2.7', seen: '192.0.2.1-9:deny' },
  {
    title: 'the name of this machine',
    text: '127.:deny\n=localhost:allow\n',
    client: '127.0.0.1',
    seen: '=localhost:allow',
  },
  { title: 'no rule', text: '10.:deny\n', client: '192.0.2.1', seen: undefined },
])
  test(`of the rules of tcpserver that counts which is the closest: ${title}`, () => {
    equal(writtenRule({ lines: text.split('\n') }, client)?.seen, seen)
  })

test('what is written says the same as what is compiled of it', async () => {
  const key = fc.constantFrom('127.0.0.1', '127.', '127.0.', '', '10.', '10.1.2.3', '=localhost')
  const rest = fc.constantFrom(
    'allow',
    'deny',
    'allow,RELAYCLIENT=""',
    'allow,RBLSMTPD="",RELAYCLIENT="@x"',
    'deny,X="RELAYCLIENT="',
  )
  const rule = fc.tuple(key, rest).map(([address, what]) => `${address}:${what}\n`)
  await fc.assert(
    fc.asyncProperty(fc.array(rule), async (lines) => {
      const { read, octets } = await rules(lines.join(''))
      for (const client of ['127.0.0.1', '127.0.0.2', '10.1.2.3', '192.0.2.1']) {
        const [written, compiled] = [writtenRule(read, client), compiledRule(octets, client)]
        deepEqual(
          [compiled?.key, compiled?.allows, compiled?.relays],
          [written?.key, written?.allows, written?.relays],
        )
      }
    }),
    { numRuns: 30 },
  )
})

test('the rules are those that the service names, else those of a usual place', async () => {
  using one = qmailHome()
  const at = async () => (await readTcpRules(await readQmailFiles(one.host)))?.cdb
  equal(await at(), '/etc/tcp.smtp.cdb')
  one.write('etc/mail/rules', ':allow\n')
  tcpRules(join(one.root, 'etc/mail/rules'))
  one.write(
    'service/qmail-smtpd/run',
    '#!/bin/sh\nexec tcpserver -v \\\n  -x /etc/mail/rules.cdb 0 smtp qmail-smtpd\n',
  )
  equal(await at(), '/etc/mail/rules.cdb')
  one.remove('service')
  equal(await at(), '/etc/tcp.smtp.cdb')
  for (const end of ['', '.cdb']) one.remove(`etc/tcp.smtp${end}`)
  equal(await at(), undefined)
})
