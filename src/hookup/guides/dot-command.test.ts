import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readDotFile, readPipeCommand } from './dot-command.ts'

test('a dot file is read line by line, as Courier and qmail read it', () => {
  const text =
    '# ours\n\n|HOST=x.test \\\n  program 1\n||which\n./Maildir/\n/var/mail/tea\n&ann@x.test\nbob@x.test\n'
  deepEqual(
    readDotFile(text).map(({ kind, line, value }) => [kind, line, value]),
    [
      ['program', 3, 'HOST=x.test program 1'],
      ['output', 5, 'which'],
      ['mailbox', 6, './Maildir/'],
      ['mailbox', 7, '/var/mail/tea'],
      ['forward', 8, 'ann@x.test'],
      ['forward', 9, 'bob@x.test'],
    ],
  )
  deepEqual(readDotFile('# nothing\n'), [])
})

const at8024 = { host: '127.0.0.1', port: 8024 }

for (const { title, command, ...expected } of [
  {
    title: 'the line that hookup writes',
    command: 'HOST=lists.example.org /usr/local/bin/posthorn-qmail --sysexits 8024 1',
    host: 'lists.example.org',
    sysexits: true,
    place: at8024,
    parts: 'EXT',
  },
  {
    title: 'quotes, and another host',
    command: `HOST='lists.example.org' "/opt/my posthorn"/posthorn-qmail 24 2 192.0.2.7`,
    host: 'lists.example.org',
    place: { host: '192.0.2.7', port: 24 },
    parts: 'EXT2',
  },
  {
    title: 'env, exec and a Unix socket',
    command: 'env HOST=$HOST2 exec qmail-lmtp --unix /run/posthorn\\ 1/lmtp default --sysexits # why',
    host: '$HOST2',
    before: ['exec'],
    sysexits: true,
    place: { path: '/run/posthorn 1/lmtp' },
    parts: 'DEFAULT',
  },
  {
    title: 'what hides the exit code',
    command: 'preline posthorn-qmail 8024 1 2>/dev/null; exit 0',
    before: ['preline'],
    place: at8024,
    parts: 'EXT',
    rest: '2>/dev/null; exit 0',
  },
  {
    title: 'a # and a digit within a word',
    command: 'X=a#1 posthorn-qmail 8024 1||exit 100',
    place: at8024,
    parts: 'EXT',
    rest: '||exit 100',
  },
])
  test(`a command is taken apart as sh does it: ${title}`, () => {
    const read = readPipeCommand(command)
    const call = read !== null && 'good' in read.call ? read.call.good : null
    deepEqual(
      {
        host: read?.assignments.get('HOST') ?? null,
        before: read?.before,
        sysexits: read?.sysexits,
        place: call?.place,
        parts: call?.localPartIn,
        rest: read?.rest,
      },
      { host: null, before: [], sysexits: false, rest: '', ...expected },
    )
  })

test('a call that the program would refuse is wrong here in the same words', () => {
  deepEqual(readPipeCommand('posthorn-qmail 8024 7')?.call, {
    wrong: "PARTS is '7'; accepted: 0 to 4, default",
  })
})

test('another program is none of ours, and no text stops the reader', () => {
  equal(readPipeCommand('/usr/bin/vacation ann'), null)
  fc.assert(
    fc.property(fc.string(), (text) => {
      readDotFile(text)
      readPipeCommand(text)
    }),
  )
})

test('words in single quotes come out as they went in', () => {
  const words = fc.array(fc.string({ minLength: 1 }).filter((word) => !/['\0]/.test(word)))
  fc.assert(
    fc.property(words, (given) => {
      const quoted = given.map((word) => `'${word}'`).join(' ')
      const read = readPipeCommand(`${quoted} posthorn-qmail 8024 1`)
      const assignment = /^[A-Za-z_]\w*=/
      const first = given.findIndex((word) => /(^|\/)(posthorn-qmail|qmail-lmtp)\/*$/.test(word))
      if (first >= 0) return
      deepEqual(
        read?.before,
        given.filter((word) => !assignment.test(word) && !/(^|\/)env\/*$/.test(word)),
      )
    }),
  )
})
