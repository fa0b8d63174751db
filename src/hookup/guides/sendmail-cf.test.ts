import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { optionOf, parseCf, wordsOf } from './sendmail-cf.ts'
import { verdictOf } from './sendmail-test-mode.ts'

const text = `# a remark
V10/Berkeley
Cwlocalhost mail
C{Lists}lists.example.org
C{Lists} more.example.org
Fw-o /etc/mail/local-host-names %[^\\#]
Klists text -T<TMPF> -k0 -v1 /var/lib/lists
Kaccess hash -T<TMPF> /etc/mail/access
O DaemonPortOptions=Name=MTA, Port=smtp
O QueueLA=8
O QueueLA=12
SParseLocal=98
R$+ < @ $={Lists} . >\t$#lmtp $@ [127.0.0.1] $: $1
R$+ no tab here
Mlmtp,\tP=[IPC], F=mDFMuXzk8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\\r\\n,
\t\tT=DNS/RFC822/SMTP,
\t\tA=TCP $h 8024
`

test('what stands in sendmail.cf is found with its line', () => {
  const cf = parseCf('/etc/mail/sendmail.cf', text)
  deepEqual(wordsOf(cf, 'w'), ['localhost', 'mail'])
  deepEqual(wordsOf(cf, 'Lists'), ['lists.example.org', 'more.example.org'])
  equal(cf.classes.find(({ path }) => path !== null)?.path, '/etc/mail/local-host-names')
  deepEqual(
    cf.maps.map(({ name, type, flags, place, line }) => [name, type, flags.length, place, line]),
    [
      ['lists', 'text', 3, '/var/lib/lists', 7],
      ['access', 'hash', 1, '/etc/mail/access', 8],
    ],
  )
  equal(optionOf(cf, 'queuela')?.value, '12')
  deepEqual(
    cf.rules.map(({ ruleset, hasTab, line }) => [ruleset, hasTab, line]),
    [
      ['ParseLocal', true, 13],
      ['ParseLocal', false, 14],
    ],
  )
  const [mailer] = cf.mailers
  equal(mailer?.line, 15)
  equal(mailer?.fields.get('A'), 'TCP $h 8024')
  equal(mailer?.fields.get('F'), 'mDFMuXzk8')
  equal(mailer?.fields.get('E'), '\\r\\n')
})

test('no text is too odd to be read', () => {
  const odd = fc.array(
    fc.constantFrom('R', 'M', 'K', 'C', 'F', 'O', 'S', '\n', '\t', ' ', ',', '=', '{', '}', '$', 'a'),
  )
  fc.assert(fc.property(odd, (parts) => void parseCf('/x', parts.join(''))))
  fc.assert(fc.property(fc.string(), (words) => void parseCf('/x', words)))
})

test('a verdict is read as Sendmail prints it', () => {
  const answer = (returned: string) => [
    'parse              input: tea',
    `parse            returns: ${returned}`,
  ]
  deepEqual(
    verdictOf(answer('$# lmtp $@ [ 127 . 0 . 0 . 1 ] $: tea < @ lists . example . org . >'), 'parse'),
    {
      kind: 'mailer',
      mailer: 'lmtp',
      host: '[127.0.0.1]',
      user: 'tea<@lists.example.org.>',
    },
  )
  deepEqual(verdictOf(answer('$# error $@ 5 . 1 . 1 $: "550 5.1.1 No such list"'), 'parse'), {
    kind: 'error',
    words: '550 5.1.1 No such list',
  })
  deepEqual(verdictOf(answer('tea < @ lists . example . org . >'), 'parse'), {
    kind: 'passes',
    text: 'tea<@lists.example.org.>',
  })
  equal(verdictOf(answer('tea'), 'check_rcpt'), null)
})
