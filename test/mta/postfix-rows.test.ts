// Postfix as sites have it: LMDB tables, LMTP on port 24, an older list manager in the same domain, and Posthorn on another host
// (a network namespace of its own). Each is hooked up by `posthorn hookup postfix --write`.
// Needs root, iproute2, and Debian's postfix with postfix-lmdb: `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, equal, match } from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Sink } from '../mta-lab/sink.mjs'
import { soundToTheDoctor } from '../support/doctor.ts'
import { handIn, post } from '../support/hand-in.ts'
import { type PostfixLab, type PostfixLabOptions, postfixLab } from '../support/postfix-lab.ts'
import { eventually, freshSite, run, type Sections, type Site } from '../support/server.ts'

const [ann, bob] = ['ann@one.example.test', 'bob@two.example.test']
const lists = 'lists.example.test'

interface Row {
  readonly lab: PostfixLab
  readonly site: Site
  send(to: string, id: string): Promise<void>
  asked(...to: string[]): Promise<readonly string[]>
  /** How many messages of the world have this text. */
  copies(id: string): readonly { readonly from: string; readonly to: readonly string[] }[]
  /** Two copies of a post, each with its own envelope sender; an unknown list is refused; a bounce address is taken. */
  goesRound(list: string, id: string): Promise<void>
}

async function row(
  ending: AsyncDisposableStack,
  {
    options = {},
    domain = [lists, '--list-only'],
    sections = {},
    lmtpPort,
    before = async () => '',
  }: {
    readonly options?: PostfixLabOptions
    readonly domain?: readonly [string, ...string[]]
    readonly sections?: Sections
    readonly lmtpPort?: number
    readonly before?: (directory: string) => Promise<string>
  },
): Promise<Row> {
  const lab = ending.use(await postfixLab({ ...options, ...(lmtpPort === undefined ? {} : { lmtpPort }) }))
  const site = ending.use(
    await freshSite({
      relayPort: lab.smtpPort,
      lmtpPort: lab.lmtpPort,
      sections: { ...sections, mta: { incoming: 'postfix', ...sections.mta } },
    }),
  )
  const directory = join(lab.configDir, '..', '..')
  await site.must(['domain', 'add', ...domain])
  await site.list(`tea@${domain[0]}`, [ann, bob])
  await site.start()
  await lab.start(directory, domain[0], await before(directory), 'postfix-bare')
  await site.must(['hookup', 'postfix', '--config-dir', lab.configDir, '--write', '--yes'])
  const here = { host: lab.smtpHost, port: lab.smtpPort, dialect: 'smtp', from: ann } as const
  const asked: Row['asked'] = async (...to) => {
    const { recipients } = await handIn({ ...here, to })
    return recipients.map((reply) => reply.slice(0, 9))
  }
  const send: Row['send'] = async (to, id) => {
    const { end } = await handIn({ ...here, to: [to], message: post(ann, to, id) })
    match(end[0] ?? '', /^250 /)
  }
  const copies: Row['copies'] = (id) =>
    lab.world.messages.filter((envelope) => lab.textOf(envelope).includes(`<${id}@client.example.test>`))
  return {
    lab,
    site,
    send,
    asked,
    copies,
    goesRound: async (list, id) => {
      // smtpd processes that began before the reload may answer once more by what they read then.
      await eventually('the list to be known', async () => (await asked(list))[0] === '250 2.1.5')
      await send(list, id)
      await eventually('two copies', () => copies(id).length === 2)
      deepEqual(
        copies(id)
          .flatMap(({ to }) => to)
          .sort(),
        [ann, bob],
      )
      equal(new Set(copies(id).map(({ from }) => from)).size, 2)
      const [name, host] = list.split('@')
      deepEqual(await asked(`nosuch@${host}`, `${name}-bounces+1abc@${host}`), ['550 5.1.1', '250 2.1.5'])
      for (const { from } of copies(id)) deepEqual(await asked(from), ['250 2.1.5'])
    },
  }
}

test('LMDB tables, where the distribution has no hash any more', { timeout: 180_000 }, async () => {
  await using ending = new AsyncDisposableStack()
  const configuration = join(ending.use(await tables('lmdb')).directory, 'postfix.cfg')
  const it = await row(ending, { sections: { mta: { configuration } } })
  match(readFileSync(join(it.lab.configDir, 'main.cf'), 'utf8'), /lmdb:/)
  await it.goesRound(`tea@${lists}`, 'lmdb')
  await it.site.list(`milk@${lists}`, [ann, bob])
  await it.goesRound(`milk@${lists}`, 'new')
  await it.site.must(['remove', `milk@${lists}`])
  await eventually('milk to be gone', async () => (await it.asked(`milk@${lists}`))[0] === '550 5.1.1')
  await soundToTheDoctor(it.site, it.lab)
})

async function tables(type: string): Promise<AsyncDisposable & { readonly directory: string }> {
  const site = await freshSite({ relayPort: 9 })
  const text = `[postfix]\npostmap_command: /usr/sbin/postmap\ntransport_file_type: ${type}\n`
  writeFileSync(join(site.directory, 'postfix.cfg'), text)
  return site
}

test('LMTP on port 24', { timeout: 180_000 }, async () => {
  await using ending = new AsyncDisposableStack()
  const it = await row(ending, { lmtpPort: 24 })
  await it.goesRound(`tea@${lists}`, 'port24')
  await soundToTheDoctor(it.site, it.lab)
})

test('another list manager in the same domain keeps its lists', { timeout: 180_000 }, async () => {
  await using ending = new AsyncDisposableStack()
  const older = await new Sink({ port: 0, keep: true, lmtp: true }).listen()
  ending.defer(() => older.close())
  const people = 'people.example.test'
  const it = await row(ending, {
    domain: [people],
    before: async (directory) => {
      const known = join(directory, 'older-lists')
      writeFileSync(
        known,
        ['old', 'old-owner'].map((name) => `${name}@${people} lmtp:[127.0.0.1]:${older.port}\n`).join(''),
      )
      equal((await run(['/usr/sbin/postmap', `hash:${known}`])).code, 0)
      return `mydestination = ${people}\ntransport_maps = hash:${known}\nlocal_recipient_maps = proxy:unix:passwd.byname $alias_maps hash:${known}\n`
    },
  })
  await it.goesRound(`tea@${people}`, 'ours')
  await it.send(`old@${people}`, 'theirs')
  await eventually('the older list manager to get its post', () => older.messages.length === 1)
  deepEqual(await it.asked(`old-owner@${people}`, `older@${people}`), ['250 2.1.5', '550 5.1.1'])
  await soundToTheDoctor(it.site, it.lab)
})

test('Postfix on another host', { timeout: 180_000 }, async () => {
  await using ending = new AsyncDisposableStack()
  const { name, here, there } = await otherHost(ending)
  const it = await row(ending, {
    options: { namespace: name, smtpHost: there, worldHost: here },
    sections: { mta: { lmtp_host: here, smtp_host: there } },
    before: async () => `inet_interfaces = all\nmynetworks = 127.0.0.0/8 ${here}/32\n`,
  })
  await it.goesRound(`tea@${lists}`, 'afar')
})

/** A network namespace with one link to this one; both ends have an address. */
async function otherHost(
  ending: AsyncDisposableStack,
): Promise<{ readonly name: string; readonly here: string; readonly there: string }> {
  const name = `posthorn-${process.pid}`
  const [near, far] = [`phn${process.pid % 10_000}`, `phf${process.pid % 10_000}`]
  const net = `10.213.${process.pid % 250}`
  const [here, there] = [`${net}.1`, `${net}.2`]
  const ip = async (...words: string[]): Promise<void> => {
    const { code, err } = await run(['ip', ...words])
    equal(code, 0, `ip ${words.join(' ')}: ${err}`)
  }
  await ip('netns', 'add', name)
  ending.defer(() => ip('netns', 'delete', name))
  await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name)
  await ip('address', 'add', `${here}/24`, 'dev', near)
  await ip('link', 'set', near, 'up')
  await ip('-n', name, 'address', 'add', `${there}/24`, 'dev', far)
  for (const device of [far, 'lo']) await ip('-n', name, 'link', 'set', device, 'up')
  return { name, here, there }
}
