// What must go well behind every mail server of the laboratory: in by SMTP, by LMTP to us, back by SMTP, out to the
// world, and bounces home.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { subAddresses } from '../../src/model/list.ts'
import { type Envelope, parseRule } from '../mta-lab/sink.mjs'
import { type Answers, handIn, post } from './hand-in.ts'
import { type MailServerLab, mailServerLab } from './mail-server-lab.ts'
import { eventually, freshSite, type Sections, type Site } from './server.ts'

/** The domain of every story, list-only. */
export const storyDomain = 'lists.example.test'

const domain = storyDomain
const [tea, ann, bob] = [`tea@${domain}`, 'ann@one.example.test', 'bob@two.example.test']
const verp = /^tea-bounces\+[0-9a-z]+@lists\.example\.test$/

export interface Story {
  /** `Posthorn behind a real Exim that …`. */
  readonly title: string
  /** As `lab.sh list` has it. */
  readonly kind: string
  /** Of Posthorn's configuration, given the lab's ports. */
  sections(lab: MailServerLab): Promise<Sections>
  /** Configures the mail server and starts it. Posthorn runs, and knows the domain. */
  hookUp(lab: MailServerLab, site: Site): Promise<void>
  /** The codes of what it answers at RCPT, where that is not what this machine hears. */
  asked?(lab: MailServerLab, recipients: readonly string[]): Promise<readonly string[]>
  /** Tails of a list that it has no address for, and that are taken at RCPT all the same, to bounce. */
  readonly bouncedTails?: readonly string[]
  /** Told when the usual ones are over. */
  readonly more?: (told: Told) => void
}

/** For tests of one mail server alone. */
export interface Told {
  lab(): MailServerLab
  site(): Site
  /** `tea@…`, whose members are ann and bob. */
  readonly tea: string
  readonly ann: string
  readonly bob: string
  bySmtp(from: string, to: string, message: string | Buffer, parameters?: string): Promise<Answers>
  /** The code of what the mail server answers at RCPT. */
  asked(...to: string[]): Promise<readonly string[]>
  /** The copies of a post at the sink, once there are so many. */
  arrived(id: string, count: number): Promise<readonly Envelope[]>
}

export function mailServerStory(story: Story): void {
  describe(story.title, { timeout: 240_000 }, () => {
    const ending = new AsyncDisposableStack()
    let lab: MailServerLab
    let site: Site

    before(async () => {
      lab = ending.use(await mailServerLab(story.kind))
      const { smtpPort: relayPort, lmtpPort } = lab
      const sections = { bulk: { mode: 'individual' }, ...(await story.sections(lab)) }
      site = ending.use(await freshSite({ relayPort, lmtpPort, sections }))
      await site.must(['domain', 'add', domain, '--list-only'])
      await site.start()
      await story.hookUp(lab, site)
    })
    after(() => ending.disposeAsync())

    const bySmtp: Told['bySmtp'] = (from, to, message, parameters = '') =>
      handIn({ port: lab.smtpPort, dialect: 'smtp', from, to: [to], parameters, message })
    const asked: Told['asked'] = async (...to) => {
      if (story.asked !== undefined) return story.asked(lab, to)
      const { recipients } = await handIn({ port: lab.smtpPort, dialect: 'smtp', from: ann, to })
      return recipients.map((reply) => reply.slice(0, 3))
    }
    const arrived: Told['arrived'] = (id, count) =>
      eventually(
        `${count} copies of ${id} at the sink`,
        () => {
          const found = lab.world.messages.filter((one) => lab.textOf(one).includes(`tea ${id}\r\n`))
          return found.length >= count && found
        },
        60_000,
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
        60_000,
      )

    test('before its list is made an address is refused at RCPT', async () => {
      deepEqual(await asked(tea), ['550'])
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
          form.map(() => '250'),
        )
    })

    test('unknown lists and unknown tails are refused at RCPT', async () => {
      const unknown = ['nosuch', 'nosuch-bounces+1abcdefghi', 'tea-nosuch', 'nosuch+tea', 'te']
      const taken = (story.bouncedTails ?? []).map((tail) => `tea-${tail}`)
      deepEqual(
        await asked(...unknown.map((local) => `${local}@${domain}`)),
        unknown.map((local) => (taken.includes(local) ? '250' : '550')),
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
      for (const copy of await arrived('latin1', 2))
        ok(lab.textOf(copy).includes(Buffer.from('\r\n\r\nGrüße, 5 £\r\n', 'latin1')))
    })

    test('a bounce to the envelope sender of a copy comes to us', async () => {
      const sender = (await arrived('first', 2)).find(({ to }) => to.includes(bob))?.from ?? ''
      match(sender, verp)
      const { recipients, end } = await bySmtp('', sender, bounceMessage(sender))
      match(`${recipients[0]} ${end[0]}`, /^250 .* 250 /)
      equal((await bounceFor(sender)).sender, '<>')
    })

    test('when the world refuses a member, the mail server’s own bounce comes home to that member’s envelope sender', async () => {
      lab.world.o.rejectRcpt = [parseRule(ann, 550)]
      await bySmtp(bob, tea, post(bob, tea, 'refused'))
      const [copy] = await arrived('refused', 1)
      deepEqual(copy?.to, [bob])
      // Ann's envelope sender is the one she had before.
      const sender = (await arrived('first', 2)).find(({ to }) => to.includes(ann))?.from ?? ''
      equal((await bounceFor(sender)).sender, '<>')
      lab.world.o.rejectRcpt = []
    })

    test('the addresses of a list that is removed are refused at once', async () => {
      const milk = [`milk@${domain}`, `milk-request@${domain}`]
      await site.must(['create', milk[0] ?? ''])
      deepEqual(await asked(...milk), ['250', '250'])
      await site.must(['remove', milk[0] ?? ''])
      deepEqual(await asked(...milk), ['550', '550'])
      deepEqual(await asked(tea), ['250'])
    })

    story.more?.({ lab: () => lab, site: () => site, tea, ann, bob, bySmtp, asked, arrived })
  })
}

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
