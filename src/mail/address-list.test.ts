import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { EmailAddress } from './address.ts'
import { formatMailbox, parseAddressList } from './address-list.ts'

for (const [text, ...mailboxes] of [
  ['ann@example.org', ['', 'ann@example.org']],
  ['Ann <ann@Example.ORG>', ['Ann', 'ann@example.org']],
  ['ann@example.org (Ann Lee)', ['Ann Lee', 'ann@example.org']],
  ['"Lee, Ann" <ann@example.org>, bob@example.org', ['Lee, Ann', 'ann@example.org'], ['', 'bob@example.org']],
  ['John Q. Public <john@example.org>', ['John Q. Public', 'john@example.org']],
  ['"Giant; \\"Big\\" Box" <box@example.net>', ['Giant; "Big" Box', 'box@example.net']],
  ['A Group:Chris <c@example.org>,joe@example.org;', ['Chris', 'c@example.org'], ['', 'joe@example.org']],
  ['Undisclosed recipients:;'],
  [''],
  [',, ,ann@example.org,', ['', 'ann@example.org']],
  ['<@a.example,@b.example:ann@example.org>', ['', 'ann@example.org']],
  ['ann . lee @ example . org', ['', 'ann.lee@example.org']],
  ['Ann(comment)Lee <ann(x)@example.org(y)>', ['AnnLee', 'ann@example.org']],
  ['Pete(A nice \\) chap) <pete@silly.test>', ['Pete', 'pete@silly.test']],
  ['=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?q?_an?= <a@example.org>', ['Grüße an', 'a@example.org']],
  ['=?utf-8?Q?Smith,_J?= <j@example.org>', ['Smith, J', 'j@example.org']],
  ['"=?utf-8?q?Gr=C3=BC?=" <a@example.org>', ['Grü', 'a@example.org']],
  ['=?utf-8?q?x=40example.com=3E,?= <real@example.org>', ['x@example.com>,', 'real@example.org']],
  ['ann@example.org <bob@example.org>', ['ann@example.org', 'bob@example.org']],
  ['"ann@example.org" <bob@example.org>', ['ann@example.org', 'bob@example.org']],
  ['<ann@example.org> <bob@example.org>'],
  ['<ann@example.org> bob@example.org'],
  ['Ann <ann@example.org', ['Ann', 'ann@example.org']],
  ['ann@example.org; bob@example.org', ['', 'ann@example.org'], ['', 'bob@example.org']],
  ['"ann"@example.org', ['', 'ann@example.org']],
  ['"ann lee"@example.org', ['', '"ann lee"@example.org']],
  ['jürgen@bücher.example', ['', 'jürgen@bücher.example']],
  ['[Team] Ann <ann@example.org>', ['[Team] Ann', 'ann@example.org']],
  ['"Ann <ann@example.org>', ['Ann', 'ann@example.org']],
  ['ann lee@example.org'],
  ['Ann'],
  ['<>'],
  ['MAILER-DAEMON <>'],
  ['Ann <ann@example.org> (work)', ['Ann', 'ann@example.org']],
  ['ann@[192.0.2.1]', ['', 'ann@[192.0.2.1]']],
] as [string, ...[string, string][]][])
  test(`parseAddressList reads ${text || 'nothing'}`, () => {
    deepEqual(
      parseAddressList(text),
      mailboxes.map(([name, address]) => ({ name, address })),
    )
  })

const ann = 'ann@example.org' as EmailAddress

for (const { name, gives } of [
  { name: '', gives: 'ann@example.org' },
  { name: 'Ann Lee', gives: 'Ann Lee <ann@example.org>' },
  { name: 'Lee, "A"', gives: '"Lee, \\"A\\"" <ann@example.org>' },
  { name: 'J. Lee', gives: '"J. Lee" <ann@example.org>' },
  { name: 'Grüße', gives: '=?UTF-8?B?R3LDvMOfZQ==?= <ann@example.org>' },
  { name: 'x\r\nBcc: y', gives: '"x Bcc: y" <ann@example.org>' },
])
  test(`formatMailbox gives ${gives}`, () => equal(formatMailbox({ name, address: ann }), gives))

test('what formatMailbox writes reads as it was, alone and in a row', () => {
  const anyName = fc
    .oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme-ascii' }), fc.string())
    .map((name) => name.replace(/\p{Cc}+/gu, ' ').trim())
  fc.assert(
    fc.property(fc.array(anyName, { maxLength: 5 }), (names) => {
      const mailboxes = names.map((name) => ({ name, address: ann }))
      deepEqual(parseAddressList(mailboxes.map(formatMailbox).join(', ')), mailboxes)
    }),
    { numRuns: 1000 },
  )
})

test('parseAddressList never throws and is linear', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseAddressList(text)))
  const seeds = [
    '"',
    '\\"',
    '(',
    '<',
    'a@b.example,',
    'a ',
    'a.',
    'a. ',
    ':',
    ',',
    '=?a?q?',
    '[',
    'w:',
    'a@',
    '"a".',
    ' ',
    '<a>:',
    '@',
    '( ',
  ]
  for (const seed of seeds) {
    for (const text of [seed.repeat(200_000 / seed.length), `x <y> ${seed.repeat(200_000 / seed.length)}`]) {
      const before = process.cpuUsage().user
      parseAddressList(text)
      ok(process.cpuUsage().user - before < 1_200_000, seed)
    }
  }
})
