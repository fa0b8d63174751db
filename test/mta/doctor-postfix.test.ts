// The doctor of Postfix against configurations that are sound, odd, and broken one way or two at a time. They are those of
// the laboratory, asked by the real postconf and postmap; no Postfix runs.
import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { planChanges } from '../../src/hookup/apply.ts'
import { postfix } from '../../src/hookup/guides/postfix.ts'
import type { Finding } from '../../src/model/hookup.ts'
import {
  anywhere,
  around,
  type Breakage,
  withHash,
  withRegexp,
  withTables,
  withVerify,
  withVmap,
} from '../support/postfix-breakages.ts'
import {
  findingsIn,
  type Layout,
  labBase,
  listDomain,
  lists,
  type PostfixFolder,
  postfixFolder,
  write,
} from '../support/postfix-folder.ts'
import { type PostfixLab, postfixLab } from '../support/postfix-lab.ts'
import { oddOfHash, soundLayouts } from '../support/postfix-oddities.ts'
import { freshSite, type Site } from '../support/server.ts'

const hash: Layout = {
  main: `${labBase}transport_maps = hash:MAPS/postfix_lmtp hash:MAPS/postfix_routes
local_recipient_maps = hash:MAPS/postfix_lmtp
relay_domains = hash:MAPS/postfix_domains
relay_recipient_maps = hash:MAPS/postfix_lmtp
`,
}
const regexp: Layout = {
  type: 'regexp',
  main: `${labBase}transport_maps = regexp:MAPS/postfix_lmtp
local_recipient_maps = regexp:MAPS/postfix_lmtp
relay_domains = regexp:MAPS/postfix_domains
relay_recipient_maps = regexp:MAPS/postfix_lmtp
`,
}
const vmap: Layout = {
  domains: [listDomain({ aliasDomain: 'x.example.test' })],
  main: `${labBase}transport_maps = hash:MAPS/postfix_lmtp hash:MAPS/postfix_routes
relay_domains = hash:MAPS/postfix_domains
relay_recipient_maps = hash:MAPS/postfix_lmtp
virtual_alias_domains = ${lists}
virtual_alias_maps = hash:MAPS/postfix_vmap
`,
}
const verify: Layout = {
  main: `${labBase}transport_maps = inline:{ { ${lists} = lmtp:[127.0.0.1]:18402 } }
relay_domains = ${lists}
relay_recipient_maps =
smtpd_recipient_restrictions = check_recipient_access inline:{ { ${lists} = reject_unverified_recipient } }, permit_mynetworks, reject_unauth_destination
unverified_recipient_reject_code = 550
address_verify_negative_expire_time = 10s
address_verify_negative_refresh_time = 10s
address_verify_poll_delay = 1s
`,
}

const codeOf = ({ kind }: Finding): string => kind.code.replace('postfix.', '')
const toMend = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ kind }) => kind.severity !== 'info').map(codeOf)

async function broken(layout: Layout, breakages: readonly Breakage[]): Promise<PostfixFolder> {
  const made = await postfixFolder(layout)
  let folder = made
  for (const { main, master, facts, files } of breakages) {
    await files?.(folder)
    folder = {
      ...folder,
      main: main?.(folder.main, folder) ?? folder.main,
      master: master?.(folder.master) ?? folder.master,
      facts: facts?.(folder.facts) ?? folder.facts,
    }
  }
  await write(folder.directory, folder.main, folder.master)
  return folder
}

async function findings(layout: Layout, breakages: readonly Breakage[] = []): Promise<readonly Finding[]> {
  const folder = await broken(layout, breakages)
  try {
    return await findingsIn(folder)
  } finally {
    await rm(folder.directory, { recursive: true })
  }
}

for (const [name, layout, breakages] of [
  ['hash', hash, [...anywhere, ...around, ...withTables('hash'), ...withHash]],
  ['regexp', regexp, [...anywhere, ...withTables('regexp'), ...withRegexp]],
  ['vmap', vmap, [...anywhere, ...withVmap]],
  ['verify', verify, [...anywhere, ...withVerify]],
] as const)
  describe(name, { concurrency: 4 }, () => {
    test('sound', async () => assert.deepEqual(toMend(await findings(layout)), []))
    for (const breakage of breakages)
      test(breakage.name, async () => {
        const [first] = await findings(layout, [breakage])
        assert.equal(first === undefined ? 'nothing' : codeOf(first), breakage.code)
        assert.ok(first?.seen !== '' && first?.why !== '' && first?.change !== '', JSON.stringify(first))
      })
  })

describe('odd, and sound', { concurrency: 4 }, () => {
  for (const { name, ...odd } of oddOfHash)
    test(name, async () => assert.deepEqual(toMend(await findings(hash, [{ name, code: '', ...odd }])), []))
  for (const { name, ...layout } of soundLayouts)
    test(name, async () => assert.deepEqual(toMend(await findings(layout)), []))
})

const named = (name: string, from: readonly Breakage[]): Breakage =>
  from.find((each) => each.name === name) ?? assert.fail(`no breakage '${name}'`)

describe('two at a time', { concurrency: 4 }, () => {
  const tables = withTables('hash')
  for (const [one, other, first] of [
    [named('a line without =', anywhere), named('no recipient_delimiter', withHash), 'unreadable-line'],
    [named('a letter is missing', tables), named('mynetworks without us', anywhere), 'misspelled-name'],
    [named('no transport_maps', tables), named('owner_request_special', anywhere), 'no-transport'],
    [named('the compiled file is gone', withHash), named('no relay_domains', tables), 'table-not-compiled'],
    [named('a blank before the name', tables), named('another relay domain', tables), 'swallowed-setting'],
    [named('no relay_domains', tables), named('no transport_maps', tables), 'domain-not-accepted'],
    [
      named('a route to another port', tables),
      named('an empty relay_recipient_maps', tables),
      'wrong-endpoint',
    ],
    [named('a virtual alias domain too', tables), named('soft_bounce', anywhere), 'two-classes'],
    [named('a later line', tables), named('masquerading', anywhere), 'overridden-setting'],
    [named('no recipient_delimiter', withHash), named('smtpd demands TLS', anywhere), 'recipient-delimiter'],
    [
      named('a type that nobody has', tables),
      named('lmtp is not in master.cf', anywhere),
      'unsupported-type',
    ],
    [named('a code that is none', anywhere), named('a misspelled path', tables), 'bad-value'],
  ] as const)
    test(`${one.name}, and ${other.name}`, async () => {
      const found = await findings(hash, [one, other])
      assert.equal(found[0] === undefined ? 'nothing' : codeOf(found[0]), first)
    })
})

describe('the command, with a Postfix that runs', { timeout: 240_000 }, () => {
  const ending = new AsyncDisposableStack()
  let lab: PostfixLab
  let site: Site

  before(async () => {
    lab = ending.use(await postfixLab())
    const { smtpPort: relayPort, lmtpPort } = lab
    site = ending.use(await freshSite({ relayPort, lmtpPort, sections: { mta: { incoming: 'postfix' } } }))
    await site.must(['domain', 'add', lists, '--list-only'])
    await site.must(['create', `tea@${lists}`])
    await site.start()
    await lab.start(join(site.varDir, 'data'), lists)
  })
  after(() => ending.disposeAsync())

  const look = async (...words: readonly string[]) => {
    const { code, out, err } = await site.posthorn([
      'doctor',
      ...words,
      '--config-dir',
      lab.configDir,
      'postfix',
    ])
    return { code, out, err }
  }
  const firstOf = (out: string): unknown =>
    (JSON.parse(out) as { findings: readonly { code: string; file: string; line: number }[] }).findings[0]

  test('0 and nothing to mend when all is sound', async () => {
    const { code, out } = await look()
    assert.equal(code, 0, out)
    assert.deepEqual((await look('--json')).code, 0)
  })

  test('1, and the line that takes our table out of force', async () => {
    const main = join(lab.configDir, 'main.cf')
    const sound = await readFile(main, 'utf8')
    try {
      await write(
        lab.configDir,
        `${sound}transport_maps =\n`,
        await readFile(join(lab.configDir, 'master.cf'), 'utf8'),
      )
      const { code, out } = await look('--json')
      assert.equal(code, 1)
      const { code: told, file, line } = firstOf(out) as { code: string; file: string; line: number }
      assert.deepEqual(
        { told, file, line },
        { told: 'postfix.overridden-setting', file: main, line: sound.split('\n').length },
      )
      assert.match((await look()).out, /^error: .*\(postfix\.overridden-setting\)\n {2}seen:/)
    } finally {
      await writeFile(main, sound)
    }
  })

  for (const [what, line, code] of [
    ['the filter of all mail', 'content_filter = smtp:[127.0.0.1]:1', 'postfix.filter-not-there'],
    ['a milter', 'smtpd_milters = inet:127.0.0.1:1', 'postfix.filter-not-there'],
    [
      'a policy service',
      'smtpd_end_of_data_restrictions = check_policy_service { unix:private/none, timeout=1s }',
      'postfix.filter-not-there',
    ],
    ['the next mail server', 'relayhost = [127.0.0.1]:1', 'postfix.next-server-not-there'],
    ['a milter that may be missing', 'smtpd_milters = { inet:127.0.0.1:1, default_action=accept }', null],
  ] as const)
    test(`while Postfix runs, nobody listens: ${what}`, async () => {
      const main = join(lab.configDir, 'main.cf')
      const sound = await readFile(main, 'utf8')
      const name = line.slice(0, line.indexOf(' '))
      const master = await readFile(join(lab.configDir, 'master.cf'), 'utf8')
      try {
        await write(
          lab.configDir,
          `${sound.replace(new RegExp(`^${name} = .*\\n`, 'm'), '')}${line}\n`,
          master,
        )
        const { out } = await look('--json')
        const { code: told, line: at } = (firstOf(out) ?? {}) as { code?: string; line?: number }
        const last = (await readFile(main, 'utf8')).split('\n').length - 1
        assert.deepEqual(code === null ? [] : [told, at], code === null ? [] : [code, last], out)
        if (code === null) assert.doesNotMatch(out, /not-there/)
      } finally {
        await writeFile(main, sound)
      }
    })

  test('2 when there is nothing to look at', async () => {
    const { code, out } = await site.posthorn(['doctor', '--json', '--config-dir', '/nowhere', 'postfix'])
    assert.equal(code, 2)
    assert.match(out, /there is no \/nowhere\/main\.cf/)
  })
})

const debian = '/usr/share/postfix/main.cf.debian'

describe("Debian's main.cf with what hookup prints", { concurrency: 4 }, () => {
  for (const [name, type, domains, way] of [
    ['hash', 'hash', [listDomain()], 'tables'],
    ['a domain for lists alone', 'hash', [listDomain({ listOnly: true })], 'tables'],
    ['regexp', 'regexp', [listDomain()], 'tables'],
    ['texthash', 'texthash', [listDomain()], 'tables'],
    ['an alias domain', 'hash', [listDomain({ aliasDomain: 'x.example.test' })], 'tables'],
    ['the door at RCPT', 'hash', [listDomain({ listOnly: true })], 'verify'],
    ['the look-up service', 'hash', [listDomain({ listOnly: true })], 'lookup'],
  ] as const)
    test(name, async () => {
      const lookup = { socketmap: '127.0.0.1:8026', tcpTable: null, readsocket: null }
      const relay = { host: 'localhost', port: 25, secureMode: 'smtp', user: null } as const
      const folder = await postfixFolder({
        type,
        domains,
        main: await readFile(debian, 'utf8'),
        master: await readFile('/usr/share/postfix/master.cf.dist', 'utf8'),
        facts: { lookup, relay },
      })
      try {
        const host = mailServerHost({ configDir: folder.directory, commandPrefix: [] })
        const { files, refusals } = await postfix.hookup(folder.facts, host, way)
        assert.deepEqual(refusals, [])
        const plan = await planChanges(files)
        assert.deepEqual(plan.refusals, [])
        for (const { after } of plan.changes) await write(folder.directory, after, folder.master)
        assert.deepEqual(toMend(await findingsIn(folder)), [])
      } finally {
        await rm(folder.directory, { recursive: true })
      }
    })
})
