import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Reply, reply } from './reply.ts'
import { Dialogue, type DialogueSettings } from './server-dialogue.ts'
import { Room } from './server-room.ts'
import type { Receiver } from './server-transaction.ts'

const settings: DialogueSettings = {
  hostName: 'h.test',
  dialect: 'lmtp',
  maxMessageSize: 1000,
  maxRecipients: 3,
}

// A station of its own kind: knows tea and milk, and keeps what it took.
class Shelf implements Receiver<string> {
  readonly taken: { recipients: readonly string[]; message: string }[] = []
  readonly abandoned: Receiver<string>['abandoned'] = (_, because) => {
    this.gone.push(because?.code ?? null)
  }
  readonly gone: (number | null)[] = []
  confirmations = 0

  recipient({ text }: { text: string }) {
    return /^"?(tea|milk)/i.test(text) ? { good: text } : { refused: reply(550, '5.1.1', 'no such list') }
  }

  async take(transaction: { recipients: readonly { text: string }[] }, message: Buffer) {
    const recipients = transaction.recipients.map(({ text }) => text)
    this.taken.push({ recipients, message: message.toString('latin1') })
    return recipients.map((_, i): Reply => reply(250, '2.6.0', `queued ${i}`))
  }

  confirmed() {
    this.confirmations++
  }
}

interface Run {
  readonly out: string
  readonly writes: readonly string[]
  readonly shelf: Shelf
  readonly ended: boolean
}

/** Says the pieces one after the other, each when the answer to the last is out. */
async function dialogue(pieces: readonly Buffer[], over: Partial<DialogueSettings> = {}): Promise<Run> {
  const shelf = new Shelf()
  const writes: string[] = []
  let ended = false
  const outlet = {
    write: (text: string) => void writes.push(text),
    ready: () => undefined,
    end: () => (ended = true),
  }
  const talk = new Dialogue({ ...settings, ...over }, shelf, outlet, new Room(1e6, 1000))
  for (const piece of pieces) {
    talk.feed(piece)
    while (talk.busy) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return { out: writes.slice(1).join(''), writes: writes.slice(1), shelf, ended }
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const said = async (text: string, over: Partial<DialogueSettings> = {}): Promise<readonly string[]> =>
  (await dialogue([bytes(text)], over)).out.split('\r\n').slice(0, -1)

const LHLO = 'LHLO c\r\n'
const opened = `${LHLO}MAIL FROM:<ann@example.com>\r\n`
const long = 'a'.repeat(3000)

for (const { title, before = LHLO, line, want } of [
  { title: 'NOOP', line: 'NOOP hi', want: /^250 2\.0\.0/ },
  { title: 'verbs in any case', line: 'noop', want: /^250 2\.0\.0/ },
  { title: 'RSET', line: 'RSET', want: /^250 2\.0\.0/ },
  { title: 'RSET with words', line: 'RSET now', want: /^501 5\.5\.4/ },
  { title: 'HELP', line: 'HELP', want: /^214 2\.0\.0 LHLO/ },
  { title: 'VRFY', line: 'VRFY ann', want: /^252 2\.0\.0/ },
  { title: 'VRFY of nobody', line: 'VRFY', want: /^501 5\.5\.4/ },
  { title: 'EXPN', line: 'EXPN tea', want: /^502 5\.5\.1/ },
  { title: 'STARTTLS', line: 'STARTTLS', want: /^502 5\.5\.1/ },
  { title: 'AUTH', line: 'AUTH PLAIN xx', want: /^502 5\.5\.1/ },
  { title: 'QUIT', line: 'QUIT', want: /^221 2\.0\.0/ },
  { title: 'HELO', line: 'HELO c', want: /^500 5\.5\.1 .*LHLO/ },
  { title: 'EHLO', line: 'EHLO c', want: /^500 5\.5\.1 .*LHLO/ },
  { title: 'LHLO of nobody', line: 'LHLO', want: /^501 5\.5\.4/ },
  { title: 'a word of no meaning', line: 'FOO bar', want: /^500 5\.5\.1 unknown command FOO/ },
  { title: 'an empty line', line: '', want: /^500 5\.5\.1/ },
  {
    title: 'a control character is not sent back',
    line: 'F\x1bO',
    want: /^500 5\.5\.1 unknown command F\?O/,
  },
  { title: 'NUL', line: 'NOOP \0', want: /^500 5\.5\.2/ },
  { title: 'a bare CR', line: 'NOOP\rNOOP', want: /^500 5\.5\.2/ },
  { title: 'a bare LF', line: 'NOOP\nNOOP', want: /^500 5\.5\.2/ },
  { title: 'octets that are no UTF-8', line: 'MAIL FROM:<ann\xe9@x.test> SMTPUTF8', want: /^500 5\.5\.2/ },
  { title: 'a line over the limit', line: `NOOP ${long}`, want: /^500 5\.5\.2/ },
  { title: 'a long address within it', line: `MAIL FROM:<${'a'.repeat(400)}@x.test>`, want: /^250 2\.1\.0/ },
  { title: 'MAIL before LHLO', before: '', line: 'MAIL FROM:<a@b.test>', want: /^503 5\.5\.1 .*LHLO/ },
  { title: 'RCPT before LHLO', before: '', line: 'RCPT TO:<tea@b.test>', want: /^503 5\.5\.1 .*LHLO/ },
  { title: 'DATA before LHLO', before: '', line: 'DATA', want: /^503 5\.5\.1 .*LHLO/ },
  { title: 'MAIL', line: 'MAIL FROM:<a@b.test>', want: /^250 2\.1\.0/ },
  { title: 'the null sender', line: 'MAIL FROM:<>', want: /^250 2\.1\.0/ },
  { title: 'a sender without brackets', line: 'MAIL FROM:a@b.test', want: /^250 2\.1\.0/ },
  { title: 'a space after the colon', line: 'MAIL FROM: <a@b.test>', want: /^250 2\.1\.0/ },
  { title: 'a sender with a route', line: 'MAIL FROM:<@x.test,@y.test:a@b.test>', want: /^250 2\.1\.0/ },
  { title: 'MAIL of nobody', line: 'MAIL', want: /^501 5\.5\.4/ },
  { title: 'MAIL without FROM', line: 'MAIL <a@b.test>', want: /^501 5\.5\.4/ },
  { title: 'MAIL without an end of the path', line: 'MAIL FROM:<a@b.test', want: /^501 5\.5\.4/ },
  { title: 'MAIL with words at the path', line: 'MAIL FROM:<a@b.test>x', want: /^501 5\.5\.4/ },
  { title: 'a sender that is no address', line: 'MAIL FROM:<a b@c>', want: /^501 5\.1\.7/ },
  { title: 'nested MAIL', before: opened, line: 'MAIL FROM:<a@b.test>', want: /^503 5\.5\.1/ },
  { title: 'SIZE', line: 'MAIL FROM:<a@b.test> SIZE=1000', want: /^250/ },
  { title: 'SIZE beyond the limit', line: 'MAIL FROM:<a@b.test> SIZE=1001', want: /^552 5\.3\.4/ },
  { title: 'SIZE of no number', line: 'MAIL FROM:<a@b.test> SIZE=abc', want: /^501 5\.5\.4/ },
  { title: 'SIZE twice', line: 'MAIL FROM:<a@b.test> SIZE=1 SIZE=1', want: /^501 5\.5\.4/ },
  { title: 'BODY=8BITMIME', line: 'MAIL FROM:<a@b.test> body=8bitmime', want: /^250/ },
  { title: 'BODY=7BIT', line: 'MAIL FROM:<a@b.test> BODY=7BIT', want: /^250/ },
  { title: 'BODY=BINARYMIME', line: 'MAIL FROM:<a@b.test> BODY=BINARYMIME', want: /^555 5\.5\.4/ },
  { title: 'an unknown parameter', line: 'MAIL FROM:<a@b.test> FOO=1', want: /^555 5\.5\.4/ },
  { title: 'RET of DSN', line: 'MAIL FROM:<a@b.test> RET=HDRS', want: /^555 5\.5\.4/ },
  { title: 'a parameter without form', line: 'MAIL FROM:<a@b.test> =1', want: /^501 5\.5\.4/ },
  { title: 'SMTPUTF8', line: 'MAIL FROM:<ann\xc3\xa9@x.test> SMTPUTF8', want: /^250/ },
  { title: 'UTF-8 without SMTPUTF8', line: 'MAIL FROM:<ann\xc3\xa9@x.test>', want: /^553 5\.6\.7/ },
  { title: 'RCPT before MAIL', line: 'RCPT TO:<tea@b.test>', want: /^503 5\.5\.1 .*MAIL/ },
  { title: 'RCPT', before: opened, line: 'RCPT TO:<tea@b.test>', want: /^250 2\.1\.5/ },
  { title: 'RCPT without brackets', before: opened, line: 'RCPT TO:tea@b.test', want: /^250/ },
  { title: 'RCPT with a route', before: opened, line: 'RCPT TO:<@r.test:tea@b.test>', want: /^250/ },
  { title: 'RCPT with quotes', before: opened, line: 'RCPT TO:<"tea"@b.test>', want: /^250/ },
  { title: 'RCPT with a bracket in quotes', before: opened, line: 'RCPT TO:<"tea>"@b.test>', want: /^250/ },
  { title: 'RCPT of an unknown list', before: opened, line: 'RCPT TO:<x@b.test>', want: /^550 5\.1\.1/ },
  { title: 'RCPT of nobody', before: opened, line: 'RCPT TO:<>', want: /^501 5\.1\.3/ },
  { title: 'RCPT without a domain', before: opened, line: 'RCPT TO:<tea>', want: /^501 5\.1\.3/ },
  { title: 'RCPT Postmaster', before: opened, line: 'RCPT TO:<Postmaster>', want: /^550 5\.1\.1/ },
  {
    title: 'RCPT with NOTIFY',
    before: opened,
    line: 'RCPT TO:<tea@b.test> NOTIFY=NEVER',
    want: /^555 5\.5\.4/,
  },
  { title: 'RCPT in UTF-8', before: opened, line: 'RCPT TO:<tea\xc3\xa4@b.test>', want: /^553 5\.6\.7/ },
  {
    title: 'RCPT beyond the limit',
    before: `${opened}${'RCPT TO:<tea@b.test>\r\n'.repeat(3)}`,
    line: 'RCPT TO:<tea@b.test>',
    want: /^452 4\.5\.3/,
  },
  { title: 'DATA before MAIL', line: 'DATA', want: /^503 5\.5\.1/ },
  { title: 'DATA for nobody', before: opened, line: 'DATA', want: /^503 5\.5\.1/ },
  { title: 'DATA with words', before: opened, line: 'DATA now', want: /^501 5\.5\.4/ },
  { title: 'BDAT that has no size', before: opened, line: 'BDAT x', want: /^501 5\.5\.4/ },
  { title: 'BDAT for nobody', before: opened, line: 'BDAT 0 LAST', want: /^503 5\.5\.1/ },
  { title: 'BDAT before LHLO', before: '', line: 'BDAT 0', want: /^503 5\.5\.1 .*LHLO/ },
] as readonly { title: string; before?: string; line: string; want: RegExp }[]) {
  test(`reply: ${title}`, async () => {
    const skip = before === '' ? 0 : (await said(before)).length
    match((await said(`${before}${line}\r\n`))[skip] ?? '', want)
  })
}

test('LHLO tells what is offered, and nothing else', async () => {
  deepEqual(await said(LHLO), [
    '250-h.test',
    '250-PIPELINING',
    '250-ENHANCEDSTATUSCODES',
    '250-8BITMIME',
    '250-SIZE 1000',
    '250-SMTPUTF8',
    '250 CHUNKING',
  ])
})

test('the fifth bad command ends the connection', async () => {
  const { out, ended } = await dialogue([bytes('FOO\r\n'.repeat(7))])
  deepEqual(
    out.split('\r\n').map((line) => line.slice(0, 9)),
    ['500 5.5.1', '500 5.5.1', '500 5.5.1', '500 5.5.1', '421 4.7.0', ''],
  )
  ok(ended)
})

test('a BDAT of unknown length ends the connection', async () => {
  const { out, ended, shelf } = await dialogue([
    bytes(`${opened}RCPT TO:<tea@b.test>\r\nBDAT -1\r\nQUIT\r\n`),
  ])
  ok(ended)
  equal(out.includes('221'), false)
  equal(shelf.taken.length, 0)
})

const forTwo = `${opened}RCPT TO:<tea@b.test>\r\nRCPT TO:<x@b.test>\r\nRCPT TO:<milk@b.test>\r\n`

for (const { title, data, message, codes } of [
  { title: 'a message', data: 'a: b\r\n\r\nc\r\n.\r\n', message: 'a: b\r\n\r\nc\r\n', codes: ['250', '250'] },
  { title: 'no octet at all', data: '.\r\n', message: '', codes: ['250', '250'] },
  {
    title: 'stuffed dots',
    data: '..\r\n.x\r\n...\r\n.\r\n',
    message: '.\r\nx\r\n..\r\n',
    codes: ['250', '250'],
  },
  { title: 'NUL and 8-bit octets', data: 'a\0\xff\r\n.\r\n', message: 'a\0\xff\r\n', codes: ['250', '250'] },
  {
    title: 'a line of 900 octets',
    data: `${'a'.repeat(900)}\r\n.\r\n`,
    message: `${'a'.repeat(900)}\r\n`,
    codes: ['250', '250'],
  },
  {
    title: 'the largest size',
    data: `${'a'.repeat(998)}\r\n.\r\n`,
    message: `${'a'.repeat(998)}\r\n`,
    codes: ['250', '250'],
  },
  { title: 'one octet more', data: `${'a'.repeat(999)}\r\n.\r\n`, message: null, codes: ['552', '552'] },
  { title: 'LF . LF', data: 'a\n.\nb\r\n.\r\n', message: null, codes: ['554', '554'] },
  { title: 'LF . CRLF', data: 'a\n.\r\nb\r\n.\r\n', message: null, codes: ['554', '554'] },
  { title: 'CR . CR', data: 'a\r.\rb\r\n.\r\n', message: null, codes: ['554', '554'] },
  { title: 'CRLF . LF', data: 'a\r\n.\nb\r\n.\r\n', message: null, codes: ['554', '554'] },
  { title: 'CRLF . CR', data: 'a\r\n.\rb\r\n.\r\n', message: null, codes: ['554', '554'] },
  { title: 'CR . CRLF', data: 'a\r.\r\nb\r\n.\r\n', message: null, codes: ['554', '554'] },
  { title: 'CR CR LF', data: 'a\r\r\n.\r\n', message: null, codes: ['554', '554'] },
] as const) {
  test(`end of data: ${title}`, async () => {
    const before = (await said(forTwo)).length + 1
    const { out, shelf } = await dialogue([bytes(`${forTwo}DATA\r\n${data}NOOP\r\n`)])
    const lines = out.split('\r\n').slice(before, -1)
    deepEqual(
      lines.map((line) => line.slice(0, 3)),
      [...codes, '250'],
    )
    deepEqual(
      shelf.taken.map((one) => one.message),
      message === null ? [] : [message],
    )
    deepEqual(shelf.gone, message === null ? [Number(codes[0])] : [])
  })
}

for (const { title, chunks, message, replies } of [
  {
    title: 'the message as it is, dots and all',
    chunks: ['BDAT 6 LAST\r\n..\r\n\r\n'],
    message: '..\r\n\r\n',
    replies: ['250', '250'],
  },
  {
    title: 'chunks',
    chunks: ['BDAT 3\r\na\r\n', 'BDAT 4\r\nbc\r\n', 'BDAT 0 LAST\r\n'],
    message: 'a\r\nbc\r\n',
    replies: ['250', '250', '250', '250'],
  },
  {
    title: 'CRLF over two chunks',
    chunks: ['BDAT 2\r\na\r', 'BDAT 1 LAST\r\n\n'],
    message: 'a\r\n',
    replies: ['250', '250', '250'],
  },
  {
    title: 'a bare LF',
    chunks: ['BDAT 2\r\na\n', 'BDAT 2 LAST\r\n\r\n'],
    message: null,
    replies: ['554', '554', '554'],
  },
  { title: 'a bare LF at the start', chunks: ['BDAT 1 LAST\r\n\n'], message: null, replies: ['554', '554'] },
  { title: 'a CR at the end', chunks: ['BDAT 2 LAST\r\na\r'], message: null, replies: ['554', '554'] },
  {
    title: 'too much',
    chunks: [`BDAT 1001\r\n${'a'.repeat(1001)}`, 'BDAT 2 LAST\r\n\r\n'],
    message: null,
    replies: ['552', '552', '552'],
  },
  {
    title: 'DATA between chunks',
    chunks: ['BDAT 3\r\na\r\n', 'DATA\r\n', 'BDAT 0 LAST\r\n'],
    message: 'a\r\n',
    replies: ['250', '503', '250', '250'],
  },
  {
    title: 'RSET between chunks',
    chunks: ['BDAT 3\r\na\r\n', 'RSET\r\n', 'BDAT 2 LAST\r\nxx'],
    message: null,
    replies: ['250', '250', '503'],
  },
] as const) {
  test(`BDAT: ${title}`, async () => {
    const before = (await said(forTwo)).length
    const { out, shelf } = await dialogue([bytes(`${forTwo}${chunks.join('')}`)])
    deepEqual(
      out
        .split('\r\n')
        .slice(before, -1)
        .map((line) => line.slice(0, 3)),
      replies,
    )
    const refused = replies[replies.length - 1] !== '250'
    deepEqual(
      shelf.taken.map((one) => one.message),
      refused ? [] : [message],
    )
  })
}

test('a batch is answered in one write, in order', async () => {
  const { writes } = await dialogue([
    bytes(`${forTwo}DATA\r\n`),
    bytes('a\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<tea@b.test>\r\n'),
  ])
  equal(writes.length, 2)
  deepEqual(
    writes[1]?.split('\r\n').map((line) => line.slice(0, 9)),
    ['250 2.6.0', '250 2.6.0', '250 2.1.0', '250 2.1.5', ''],
  )
})

test('the answers are confirmed by what comes after them, not by what came before', async () => {
  const rest = 'a\r\n.\r\n'
  equal((await dialogue([bytes(`${forTwo}DATA\r\n${rest}NOOP\r\n`)])).shelf.confirmations, 0)
  equal((await dialogue([bytes(`${forTwo}DATA\r\n${rest}`), bytes('N')])).shelf.confirmations, 1)
})

test('in the SMTP dialect there is one reply for all, and EHLO', async () => {
  const smtp = { dialect: 'smtp' } as const
  const hello = await said('LHLO c\r\nEHLO c\r\n', smtp)
  match(hello[0] ?? '', /^500 5\.5\.1 .*EHLO/)
  match(hello[1] ?? '', /^250-h\.test/)
  const lines = await said(`${forTwo.replace('LHLO', 'HELO')}DATA\r\na\r\n.\r\n`, smtp)
  deepEqual(
    lines.map((line) => line.slice(0, 3)),
    ['250', '250', '250', '550', '250', '354', '250'],
  )
})

const whole = bytes(
  `NOOP\r\nFOO\r\n${forTwo}DATA\r\nSubject: x\r\n\r\n..dot\r\n.x\r\nend\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<tea@b.test>\r\nBDAT 5\r\na\r\n\r\nBDAT 3 LAST\r\n.\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<milk@b.test>\r\nDATA\r\nbad\nline\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<tea@b.test>\r\nDATA\r\n.\r\n${long}\r\nNOOP\n.\r\nQUIT\r\nNOOP\r\n`,
)

test('however the octets are cut, the replies are the same', async () => {
  const { out, shelf } = await dialogue([whole])
  ok(out.endsWith('221 2.0.0 bye\r\n'), out)
  equal(shelf.taken.length, 3)
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(whole.length), { maxLength: 40 }), async (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), whole.length]
      const cut = await dialogue(at.slice(1).map((end, i) => whole.subarray(at[i], end)))
      equal(cut.out, out)
      deepEqual(cut.shelf.taken, shelf.taken)
    }),
    { numRuns: 150 },
  )
  const bytewise = await dialogue(Array.from(whole, (_, i) => whole.subarray(i, i + 1)))
  equal(bytewise.out, out)
  deepEqual(bytewise.shelf.taken, shelf.taken)
})
