// `posthorn hookup postfix --write` in configurations as sites have them: lists are taken and unknown ones refused, everybody
// else is answered as before, a second run changes nothing, and taking our lines out gives the file back byte for byte.
import { deepEqual, equal, match } from 'node:assert/strict'
import { once } from 'node:events'
import { lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { utimes } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { withoutBlocks } from '../../src/hookup/blocks.ts'
import { soundToTheDoctor } from '../support/doctor.ts'
import { handIn, post } from '../support/hand-in.ts'
import { type PostfixLab, postfixLab } from '../support/postfix-lab.ts'
import { eventually, freshSite, run, type Site } from '../support/server.ts'

const domain = 'lists.example.test'
const ann = 'ann@one.example.net'
const people = `mydestination = people.example.test, localhost\nlocal_recipient_maps = proxy:unix:passwd.byname $alias_maps\n`
const virtual =
  'virtual_alias_domains = virtual.example.test\nvirtual_alias_maps = inline:{ { carol@virtual.example.test = ann@one.example.net } }\n'
const backup = 'relay_domains = backup.example.test\n'
const usual = `${people}${virtual}${backup}`
const begin = '# posthorn hookup begin (from long ago)\n'
const end = '# posthorn hookup end\n'

interface SiteConfiguration {
  readonly title: string
  /** Behind the laboratory's own lines. DATA is the folder of our tables, OLD one of another list manager's. */
  readonly lines: string
  /** Of the whole file. */
  readonly edit?: (text: string) => string
  readonly isLink?: boolean
}

const sites: readonly SiteConfiguration[] = [
  {
    title: 'settings over several lines, with comments between, and a last line that goes on',
    lines: `mydestination =\n# people\n   people.example.test,\n\n   localhost\nlocal_recipient_maps = proxy:unix:passwd.byname\n # inner\n\t$alias_maps\n${virtual}relay_domains =\n  # ours\n  backup.example.test\ntransport_maps =\n   inline:{ { special.example.test = smtp:[127.0.0.1]:1 } }`,
    edit: (text) => text.trimEnd(),
  },
  {
    title: 'settings that refer to others',
    lines: `${people}${virtual}relay_domains = $more\nmore = backup.example.test\ntransport_maps = \${site_maps}\nsite_maps = inline:{ { special.example.test = smtp:[127.0.0.1]:1 } }\n`,
  },
  {
    title: 'hooked up by hand as the founding document says',
    lines: `${people.replace('$alias_maps', '$alias_maps hash:DATA/postfix_lmtp')}${virtual}transport_maps =\n    hash:DATA/postfix_lmtp\nrelay_domains =\n    hash:DATA/postfix_domains\nrecipient_delimiter = +\nunknown_local_recipient_reject_code = 550\nowner_request_special = no\n`,
  },
  {
    title: 'a GNU Mailman beside, whose tables are in main.cf',
    lines: `${people}${virtual}transport_maps = hash:OLD/postfix_lmtp\nrelay_domains = hash:OLD/postfix_domains\n`,
  },
  { title: 'lines that end as on Windows', lines: usual, edit: (text) => text.replaceAll('\n', '\r\n') },
  { title: 'a link to the file', lines: usual, isLink: true },
  {
    title: 'two blocks of earlier hook-ups, and their words in a comment',
    lines: `${usual}${begin}recipient_delimiter = +\n${end}## posthorn hookup begin was here\n${begin}owner_request_special = no\n${end}`,
  },
  {
    title: 'settings that stand twice',
    lines: `${usual}transport_maps = inline:{ { a.example.test = smtp:[127.0.0.1]:1 } }\ntransport_maps = inline:{ { b.example.test = smtp:[127.0.0.1]:1 } }\n`,
  },
]

const others = [
  'root@people.example.test',
  'nobody-here@people.example.test',
  'carol@virtual.example.test',
  'nobody-here@virtual.example.test',
  'eve@backup.example.test',
  'old@old.example.test',
  'nobody-here@old.example.test',
  'bob@example.com',
]

describe('posthorn hookup postfix --write in configurations of sites', { timeout: 300_000 }, () => {
  const ending = new AsyncDisposableStack()
  let lab: PostfixLab
  let site: Site
  let base = ''
  const main = (): string => join(lab.configDir, 'main.cf')
  const hookup = () => site.posthorn(['hookup', 'postfix', '--config-dir', lab.configDir, '--write', '--yes'])

  let configurations = 0
  const banner = (): string => `configuration ${configurations}`
  /** As of a minute ago: Postfix waits for a file that has changed just now to settle. */
  const reload = async (): Promise<void> => {
    const minuteAgo = Date.now() / 1000 - 60
    await utimes(main(), minuteAgo, minuteAgo)
    equal((await run(['/usr/sbin/postfix', '-c', lab.configDir, 'reload'])).code, 0)
    await eventually(`smtpd greets with ${banner()}`, async () => (await greeting()).includes(banner()))
  }
  const greeting = async (): Promise<string> => {
    const socket = connect(lab.smtpPort, '127.0.0.1')
    try {
      const [first] = (await once(socket, 'data')) as [Buffer]
      return first.toString('latin1')
    } finally {
      socket.destroy()
    }
  }
  const asked = async (to: readonly string[]): Promise<readonly string[]> => {
    const { recipients } = await handIn({ port: lab.smtpPort, dialect: 'smtp', from: ann, to })
    return recipients.map((reply) => reply.slice(0, 3))
  }
  const prepare = async ({ lines, edit, isLink }: Omit<SiteConfiguration, 'title'>): Promise<string> => {
    configurations += 1
    for (const name of readdirSync(lab.configDir).filter((one) => one.startsWith('main.cf')))
      rmSync(join(lab.configDir, name))
    const own = lines.replaceAll('DATA', join(site.varDir, 'data')).replaceAll('OLD', site.directory)
    const whole = `${base}smtpd_banner = $myhostname ESMTP ${banner()}\n${own}`
    const text = edit?.(whole) ?? whole
    const path = isLink === true ? join(site.directory, 'main.cf') : main()
    writeFileSync(path, text)
    if (isLink === true) symlinkSync(path, main())
    return text
  }

  before(async () => {
    lab = ending.use(await postfixLab())
    const { smtpPort: relayPort, lmtpPort } = lab
    site = ending.use(await freshSite({ relayPort, lmtpPort, sections: { mta: { incoming: 'postfix' } } }))
    await site.must(['domain', 'add', domain, '--list-only'])
    await site.list(`tea@${domain}`, [ann, 'bob@two.example.net'])
    for (const [name, line] of [
      ['postfix_lmtp', 'old@old.example.test smtp:[127.0.0.1]:1\n'],
      ['postfix_domains', 'old.example.test old.example.test\n'],
    ] as const) {
      writeFileSync(join(site.directory, name), line)
      equal((await run(['/usr/sbin/postmap', `hash:${join(site.directory, name)}`])).code, 0)
    }
    await site.start()
    await lab.start(site.directory, domain, '', 'postfix-bare')
    base = readFileSync(main(), 'utf8').replace(/^mydestination.*\n/m, '')
  })
  after(() => ending.disposeAsync())

  for (const { title, ...configuration } of sites)
    test(title, async () => {
      const own = await prepare(configuration)
      await reload()
      const were = await asked(others)
      const first = await hookup()
      equal(first.code, 0, first.err)
      const hooked = readFileSync(main(), 'utf8')
      equal(withoutBlocks(hooked, '#'), withoutBlocks(own, '#'))
      equal(lstatSync(main()).isSymbolicLink(), configuration.isLink === true)
      match((await hookup()).out, /Nothing to do/)
      equal(readFileSync(main(), 'utf8'), hooked)
      await reload()
      const lists = [`tea@${domain}`, `tea-bounces+x=y@${domain}`, `ghost@${domain}`]
      await eventually(
        'Postfix goes by the new lines',
        async () => (await asked(lists)).join(' ') === '250 250 550',
        20_000,
      )
      const known = await asked(others)
      // Without relay_recipient_maps another list manager's unknown names were taken, and bounced.
      const isMailman = configuration.lines.includes('OLD')
      deepEqual(known, isMailman ? were.with(others.indexOf('nobody-here@old.example.test'), '550') : were)
      await soundToTheDoctor(site, lab)
    })

  test('a post goes round', async () => {
    lab.world.reset()
    const message = post(ann, `tea@${domain}`, 'round')
    const { end: replies } = await handIn({
      port: lab.smtpPort,
      dialect: 'smtp',
      from: ann,
      to: [`tea@${domain}`],
      message,
    })
    match(replies[0] ?? '', /^250 /)
    await lab.world.waitFor(2, 30_000)
  })

  for (const [title, lines, words] of [
    ['a block that lost its end', begin, /no line '# posthorn hookup end'/],
    ['a block that lost its beginning', end, /no line '# posthorn hookup begin'/],
    ['a parent of the domain that is relayed', 'relay_domains = example.test\n', /all of its subdomains/],
  ] as const)
    test(`${title} is refused, and nothing is written`, async () => {
      const own = await prepare({ lines })
      const { code, err } = await hookup()
      equal(code === 0, false)
      match(err, words)
      equal(readFileSync(main(), 'utf8'), own)
    })
})
