// Every way that `posthorn hookup postfix` knows, written into a bare Postfix by the command itself: a post goes round,
// bounce addresses are taken, unknown lists are refused, and a second run changes nothing.
// Needs root and Debian's postfix: `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, equal, match } from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { soundToTheDoctor } from '../support/doctor.ts'
import { handIn, post } from '../support/hand-in.ts'
import { type PostfixLab, postfixLab } from '../support/postfix-lab.ts'
import { eventually, freePort, freshSite, run, type Sections, type Site } from '../support/server.ts'

const [ann, bob] = ['ann@one.example.test', 'bob@two.example.test']

interface Case {
  readonly title: string
  /** The words of `posthorn domain add`, the domain first. */
  readonly domain: readonly [string, ...string[]]
  readonly words?: readonly string[]
  readonly sections?: (directory: string, port: number) => Sections
  /** Lines of main.cf that are there before; `directory` is the site's. */
  readonly before?: (directory: string) => Promise<string>
  /** What somebody else in the domain is answered. */
  readonly others?: Readonly<Record<string, string>>
  /** A line of main.cf that must be there afterwards. */
  readonly says: RegExp
}

async function table(path: string, text: string): Promise<string> {
  writeFileSync(path, text)
  equal((await run(['/usr/sbin/postmap', `hash:${path}`])).code, 0)
  return `hash:${path}`
}

function withTables(type: string): (directory: string) => Sections {
  return (directory) => {
    const file = join(directory, 'postfix-tables.cfg')
    writeFileSync(file, `[postfix]\npostmap_command: /usr/sbin/postmap\ntransport_file_type: ${type}\n`)
    return { mta: { incoming: 'postfix', configuration: file } }
  }
}

const lists = 'lists.example.test'
const people = 'people.example.test'
const aliased = [people, '--alias-domain', 'x.people.example.test'] as const

const cases: readonly Case[] = [
  {
    title: 'address verification at the door',
    domain: [lists, '--list-only'],
    words: ['--way', 'verify'],
    says: /reject_unverified_recipient/,
  },
  {
    title: 'the look-up service',
    domain: [lists, '--list-only'],
    words: ['--way', 'lookup'],
    sections: (_, port) => ({ mta: { incoming: 'null' }, lookup: { socketmap: `127.0.0.1:${port}` } }),
    says: /^relay_recipient_maps = socketmap:inet:127\.0\.0\.1:\d+:recipients$/m,
  },
  {
    title: 'tables of regular expressions',
    domain: [lists, '--list-only'],
    sections: withTables('regex'),
    says: /^ {4}regexp:/m,
  },
  {
    title: 'btree tables',
    domain: [lists, '--list-only'],
    sections: withTables('btree'),
    says: /^ {4}btree:/m,
  },
  {
    title: 'a virtual alias domain',
    domain: aliased,
    before: async (directory) =>
      `virtual_alias_domains = ${people}\nvirtual_alias_maps = ${await table(join(directory, 'virtual'), `carol@${people} ${ann}\n`)}\n`,
    others: { [`carol@${people}`]: '250 2.1.5' },
    says: /postfix_vmap/,
  },
  {
    title: 'an alias domain with tables of regular expressions',
    domain: aliased,
    sections: withTables('regex'),
    says: /^virtual_alias_domains =/m,
  },
  {
    title: 'a virtual mailbox domain',
    domain: [people],
    before: async (directory) =>
      `virtual_mailbox_domains = ${people}\nvirtual_mailbox_maps = ${await table(join(directory, 'boxes'), `carol@${people} carol/\n`)}\nvirtual_transport = lmtp:unix:private/elsewhere\n`,
    others: { [`carol@${people}`]: '250 2.1.5' },
    says: /^virtual_mailbox_maps =/m,
  },
  {
    title: 'an IPv6 address as lmtp_host',
    domain: [lists, '--list-only'],
    sections: () => ({ mta: { incoming: 'postfix', lmtp_host: '::1' } }),
    before: async () => 'inet_protocols = all\n',
    says: /^transport_maps =/m,
  },
  {
    title: 'a name of the hosts file as lmtp_host',
    domain: [lists, '--list-only'],
    sections: () => ({ mta: { incoming: 'postfix', lmtp_host: 'localhost' } }),
    before: async () => 'inet_protocols = all\ninet_interfaces = loopback-only\n',
    says: /^lmtp_host_lookup =/m,
  },
]

async function asked(lab: PostfixLab, ...to: string[]): Promise<readonly string[]> {
  const { recipients } = await handIn({ port: lab.smtpPort, dialect: 'smtp', from: ann, to })
  return recipients.map((reply) => reply.slice(0, 9))
}

async function goesRound(lab: PostfixLab, list: string): Promise<void> {
  const message = post(ann, list, 'round')
  const { end } = await handIn({ port: lab.smtpPort, dialect: 'smtp', from: ann, to: [list], message })
  match(end[0] ?? '', /^250 /)
  await eventually('two copies', () => lab.world.messages.length === 2, 30_000)
  deepEqual(lab.world.messages.flatMap(({ to }) => to).sort(), [ann, bob])
}

for (const { title, domain, words = [], sections, before, others = {}, says } of cases)
  test(`posthorn hookup postfix --write: ${title}`, { timeout: 120_000 }, async () => {
    await using lab = await postfixLab()
    const [mailHost] = domain
    const tea = `tea@${mailHost}`
    const { smtpPort: relayPort, lmtpPort } = lab
    const directory = join(lab.configDir, '..', '..')
    const usual = { mta: { incoming: 'postfix' } }
    await using site: Site = await freshSite({
      relayPort,
      lmtpPort,
      sections: sections?.(directory, await freePort()) ?? usual,
    })
    await site.must(['domain', 'add', ...domain])
    await site.list(tea, [ann, bob])
    await using stopping = new AsyncDisposableStack()
    const server = await site.start()
    stopping.defer(async () => void (await server.stop()))
    await lab.start(directory, mailHost, (await before?.(directory)) ?? '', 'postfix-bare')
    const argv = ['hookup', 'postfix', '--config-dir', lab.configDir, '--write', '--yes', ...words]
    await site.must(argv)
    match(readFileSync(join(lab.configDir, 'main.cf'), 'utf8'), says)
    match(await site.must(argv), /Nothing to do/)
    // smtpd processes that began before the reload may answer once more by what they read then.
    await eventually('the list to be known', async () => (await asked(lab, tea))[0] === '250 2.1.5', 30_000)
    const unknown = [`nosuch@${mailHost}`, `tea-nosuch@${mailHost}`]
    const known = [`tea-bounces+1abc@${mailHost}`, `tea-request@${mailHost}`, `tea-confirm+1abc@${mailHost}`]
    deepEqual(await asked(lab, ...known, ...unknown, ...Object.keys(others)), [
      ...known.map(() => '250 2.1.5'),
      ...unknown.map(() => '550 5.1.1'),
      ...Object.values(others),
    ])
    await goesRound(lab, tea)
    await soundToTheDoctor(site, lab)
  })
