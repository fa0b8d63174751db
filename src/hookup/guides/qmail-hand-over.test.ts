import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { handOversIn, partsFor, readDotQmail, recipientOf } from './qmail-hand-over.ts'

test('a .qmail file is read by its first characters, and no lines are joined', () => {
  const text = '# ours\n\n|one \\\n./Maildir/\n/var/mail/x\n&ann@x.test\nbob@x.test\n |no\n+list\n|two  \t\n'
  deepEqual(
    readDotQmail(text).map(({ kind, line, value }) => [kind, line, value]),
    [
      ['program', 3, 'one \\'],
      ['mailbox', 4, './Maildir/'],
      ['mailbox', 5, '/var/mail/x'],
      ['forward', 6, 'ann@x.test'],
      ['forward', 7, 'bob@x.test'],
      ['forward', 8, '|no'],
      ['program', 10, 'two'],
    ],
  )
})

const program = '/opt/posthorn/bin/posthorn-qmail'
for (const { text, found } of [
  { text: `|${program} 8024 1`, found: true },
  { text: '|qmail-lmtp 8024 1', found: true },
  { text: `|spamc | ${program} 8024 1`, found: true },
  { text: `|cd / && exec ${program} 8024 1`, found: true },
  { text: `|if test -n "$EXT"; then ${program} 8024 1; fi`, found: true },
  { text: '|vacation ann', found: false },
  { text: `${program} 8024 1`, found: false },
])
  test(`'${text}' ${found ? 'starts' : 'does not start'} posthorn-qmail`, () => {
    equal(handOversIn(readDotQmail(text)).length, found ? 1 : 0)
  })

const usual = { local: 'mailman-l-Tea-x', host: 'lists.example.org', ext: 'l-Tea-x', rest: 'Tea-x' }
for (const { line, recipient } of [
  { line: `${program} 8024 0`, recipient: 'mailman-l-Tea-x@lists.example.org' },
  { line: `${program} 8024 1`, recipient: 'l-Tea-x@lists.example.org' },
  { line: `${program} 8024 2`, recipient: 'Tea-x@lists.example.org' },
  { line: `${program} 8024 3`, recipient: 'x@lists.example.org' },
  { line: `${program} 8024 4`, recipient: '@lists.example.org' },
  { line: `${program} 8024 default`, recipient: 'Tea-x@lists.example.org' },
  { line: `HOST=example.com ${program} 8024 2`, recipient: 'Tea-x@example.com' },
  { line: `EXT=$DEFAULT ${program} 8024 1`, recipient: null },
  { line: `${program} --recipient "$EXT2@$HOST" 8024`, recipient: null },
  { line: `${program} --recipient tea@example.com 8024`, recipient: 'tea@example.com' },
])
  test(`'${line}' takes ${recipient ?? 'what cannot be known'}`, () => {
    const [one] = handOversIn(readDotQmail(`|${line}`))
    const call = one !== undefined && 'good' in one.command.call ? one.command.call.good : null
    equal(call === null || one === undefined ? undefined : recipientOf(one.command, call, usual), recipient)
  })

test('PARTS that is proposed gives the address of the list', () => {
  const word = fc.stringMatching(/^[a-z.+]{1,5}$/)
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), fc.array(word, { minLength: 1 }), (prefix, list) => {
      const rest = list.join('-')
      const ext = [...prefix, rest].join('-')
      const parts = partsFor({ ...usual, local: `m-${ext}`, ext, rest }, rest)
      const [one] = handOversIn(readDotQmail(`|${program} 8024 ${parts}`))
      const call = one !== undefined && 'good' in one.command.call ? one.command.call.good : null
      if (one === undefined || call === null) throw new Error(`no call with ${parts}`)
      equal(
        recipientOf(one.command, call, { ...usual, local: `m-${ext}`, ext, rest }),
        `${rest}@${usual.host}`,
      )
    }),
  )
})
