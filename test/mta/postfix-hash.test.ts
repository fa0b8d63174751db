// The whole loop with a real Postfix: in by SMTP, by LMTP to us, back by SMTP, out to the world, and bounces home.
// Needs root and Debian's postfix: `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { subAddresses } from '../../src/model/list.ts'
import { type Envelope, parseRule } from '../mta-lab/sink.mjs'
import { type Answers, handIn, post } from '../support/hand-in.ts'
import { type PostfixLab, postfixLab } from '../support/postfix-lab.ts'
import { eventually, freshSite, type Site } from '../support/server.ts'

const domain = 'lists.example.test'
const [tea, ann, bob] = [`tea@${domain}`, 'ann@one.example.test', 'bob@two.example.test']
const verp = /^tea-bounces\+[0-9a-z]+@lists\.example\.test$/

describe('Posthorn behind a real Postfix with hash tables', { timeout: 240_000 }, () => {
  const ending = new AsyncDisposableStack()
  let lab: PostfixLab
  let site: Site

  before(async () => {
    lab = ending.use(await postfixLab())
    const { smtpPort: relayPort, lmtpPort } = lab
    const sections = { mta: { incoming: 'postfix' }, bulk: { mode: 'individual' } }
    site = ending.use(await freshSite({ relayPort, lmtpPort, sections }))
    // The domain and its tables are there before Postfix gets to know of them.
    await site.must(['domain', 'add', domain, '--list-only'])
    await site.start()
    await lab.start(join(site.varDir, 'data'), domain)
  })
  after(() => ending.disposeAsync())

  const bySmtp = (from: string, to: string, message: string | Buffer, parameters = ''): Promise<Answers> =>
    handIn({ port: lab.smtpPort, dialect: 'smtp', from, to: [to], parameters, message })
  /** What Postfix answers at RCPT, up to the enhanced status code. */
  const asked = async (...to: string[]): Promise<readonly string[]> => {
    const { recipients } = await handIn({ port: lab.smtpPort, dialect: 'smtp', from: ann, to })
    return recipients.map((reply) => reply.slice(0, 9))
  }
  const copiesOf = (id: string): readonly Envelope[] =>
    lab.world.messages.filter((one) => lab.textOf(one).includes(`Message-ID: <${id}@client.example.test>`))
  const arrived = (id: string, count: number): Promise<readonly Envelope[]> =>
    eventually(
      `${count} copies of ${id} at the sink`,
      () => {
        const found = copiesOf(id)
        return found.length >= count && found
      },
      30_000,
    )
  const bounceFor = (recipient: string): Promise<{ sender: string }> =>
    eventually(
      `a bounce for ${recipient} in the queue`,
      async () => {
        const { items } = JSON.parse(await site.must(['queue', '--json'])) as {
          items: readonly { lane: string; envelope: { sender: string; recipient: string } }[]
        }
        return items.find(({ lane, envelope }) => lane === 'bounce' && envelope.recipient === recipient)
          ?.envelope
      },
      30_000,
    )

  test('before its list is made an address is refused at RCPT', async () => {
    deepEqual(await asked(tea), ['550 5.1.1'])
  })

  test('a post 100 ms after the list was made reaches us', async () => {
    await site.must(['create', tea])
    const made = performance.now()
    await eventually('100 ms to go by', () => performance.now() - made >= 100)
    // Nobody is a member yet, so it is held.
    match((await bySmtp(ann, tea, post(ann, tea, 'early'))).end[0] ?? '', /^250 /)
    await eventually('the early post to be held', async () =>
      (await site.posthorn(['trace', '<early@client.example.test>'])).out.includes('nonmember'),
    )
  })

  test('a post reaches each member under an envelope sender of its own', async () => {
    await site.must(['addmembers', '-W', '-', tea], `${ann}\n${bob}\n`)
    match((await bySmtp(ann, tea, post(ann, tea, 'first'))).end[0] ?? '', /^250 /)
    const copies = await arrived('first', 2)
    deepEqual(copies.map(({ to }) => to).sort(), [[ann], [bob]])
    equal(new Set(copies.map(({ from }) => from)).size, 2)
    for (const copy of copies) {
      const text = lab.textOf(copy).toString('latin1')
      match(copy.from, verp)
      match(text, /^List-Id: .*<tea\.lists\.example\.test>\r$/m)
      match(text, /^Subject: \[Tea\] tea first\r$/m)
      match(text, /\r\n\.a line that begins with a dot\r\n/)
    }
    const astray = lab.world.messages.filter(({ to }) => to.some((one) => one.endsWith(domain)))
    deepEqual(astray, [])
  })

  test('every address of the list is taken at RCPT, in small letters and in capitals', async () => {
    const own = [tea, ...subAddresses.map((tail) => `tea-${tail}@${domain}`)]
    const tokens = [`tea-confirm+abcdefghijklmnopqrstuvwxyz@${domain}`, `tea-bounces+1abcdefghi@${domain}`]
    const all = [...own, ...tokens]
    for (const form of [all, all.map((one) => one.toUpperCase())])
      deepEqual(
        await asked(...form),
        form.map(() => '250 2.1.5'),
      )
  })

  test('unknown lists and unknown tails are refused at RCPT', async () => {
    const unknown = ['nosuch', 'nosuch-bounces+1abcdefghi', 'tea-nosuch', 'nosuch+tea', 'te']
    deepEqual(
      await asked(...unknown.map((local) => `${local}@${domain}`)),
      unknown.map(() => '550 5.1.1'),
    )
  })

  test('a post to the list’s name in capitals is a post like any other', async () => {
    await bySmtp(bob, tea.toUpperCase(), post(bob, tea.toUpperCase(), 'capitals'))
    deepEqual((await arrived('capitals', 2)).flatMap(({ to }) => to).sort(), [ann, bob])
  })

  test('octets beyond ASCII come through the loop unchanged', async () => {
    const header =
      'MIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n'
    const message = Buffer.from(post(ann, tea, 'latin1', { header, body: 'Grüße, 5 £\n' }), 'latin1')
    await bySmtp(ann, tea, message, ' BODY=8BITMIME')
    for (const copy of await arrived('latin1', 2)) {
      ok(lab.textOf(copy).includes(Buffer.from('\r\n\r\nGrüße, 5 £\r\n', 'latin1')))
      equal(copy.fromParams.BODY, '8BITMIME')
    }
  })

  test('a message with an address and a header beyond ASCII goes in and out by SMTPUTF8', async () => {
    const jörg = 'jörg@three.example.test'
    await site.must(['addmembers', '-W', '-', tea], `${jörg}\n`)
    const header =
      'Comments: Grüße\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n'
    const message = post(jörg, tea, 'utf8', { header, body: 'Tee für alle, 茶\n' })
    const { end } = await bySmtp(jörg, tea, message, ' BODY=8BITMIME SMTPUTF8')
    match(end[0] ?? '', /^250 /)
    const copies = await arrived('utf8', 3)
    deepEqual(copies.flatMap(({ to }) => to).sort(), [ann, bob, jörg])
    for (const copy of copies) {
      const text = lab.textOf(copy).toString('utf8')
      match(text, /^From: jörg@three\.example\.test\r$/m)
      match(text, /^Comments: Grüße\r$/m)
      match(text, /\r\n\r\nTee für alle, 茶\r\n/)
    }
    await site.must(['delmembers', '-m', jörg, '-l', tea])
  })

  test('a bounce to the envelope sender of a copy comes to us', async () => {
    const sender = copiesOf('first').find(({ to }) => to.includes(bob))?.from ?? ''
    match(sender, verp)
    const { recipients, end } = await bySmtp('', sender, bounceMessage(sender))
    match(`${recipients[0]} ${end[0]}`, /^250 .* 250 /)
    equal((await bounceFor(sender)).sender, '<>')
  })

  test('when the world refuses a member, Postfix’s own bounce comes home to that member’s envelope sender', async () => {
    lab.world.o.rejectRcpt = [parseRule(ann, 550)]
    await bySmtp(bob, tea, post(bob, tea, 'refused'))
    const [copy] = await arrived('refused', 1)
    deepEqual(copy?.to, [bob])
    // Ann's envelope sender is the one she had before.
    const sender = copiesOf('first').find(({ to }) => to.includes(ann))?.from ?? ''
    equal((await bounceFor(sender)).sender, '<>')
    lab.world.o.rejectRcpt = []
  })

  test('the addresses of a list that is removed are refused at once', async () => {
    const milk = [`milk@${domain}`, `milk-request@${domain}`]
    await site.must(['create', milk[0] ?? ''])
    deepEqual(await asked(...milk), ['250 2.1.5', '250 2.1.5'])
    await site.must(['remove', milk[0] ?? ''])
    deepEqual(await asked(...milk), ['550 5.1.1', '550 5.1.1'])
    deepEqual(await asked(tea), ['250 2.1.5'])
  })
})

const bounceMessage = (to: string): string =>
  `From: MAILER-DAEMON@two.example.test
To: ${to}
Subject: Undelivered
Message-ID: <bounce@two.example.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

It could not be delivered.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; two.example.test

Final-Recipient: rfc822; ${bob}
Action: failed
Status: 5.1.1

--B--
`.replace(/\n/g, '\r\n')
