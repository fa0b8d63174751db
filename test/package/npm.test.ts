// The npm package as somebody without this tree meets it: packed, installed by npm into an empty folder, and run while
// an older Node is first on PATH. Needs npm with its registry or its cache.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Sink } from '../mta-lab/sink.mjs'
import { handIn, post } from '../support/hand-in.ts'
import { eventually, freePort, freshSite, run } from '../support/server.ts'

const root = new URL('../..', import.meta.url).pathname
const directory = mkdtempSync(join(tmpdir(), 'posthorn-npm-'))
const home = join(directory, 'home')
const installed = join(home, 'node_modules/posthorn')
const program = (name: string): string => join(home, 'node_modules/.bin', name)
const tea = 'tea@lists.example.test'
const members = ['ann@one.example.test', 'bob@two.example.test']
const [ann = ''] = members
const usualPath = process.env.PATH

before(async () => {
  const packed = await run(['sh', join(root, 'packaging/npm/build.sh'), join(directory, 'packed')])
  equal(packed.code, 0, packed.err)
  mkdirSync(home)
  const npm = ['npm', '--prefix', home, 'install', '--prefer-offline', '--no-audit', '--no-fund']
  const { code, err } = await run([...npm, packed.out.trim()])
  equal(code, 0, err)
  // What the system may have: a Node that cannot read this program.
  const old = join(directory, 'old')
  mkdirSync(old)
  writeFileSync(join(old, 'node'), '#!/bin/sh\necho "an old Node was started: $*" >&2\nexit 9\n', {
    mode: 0o755,
  })
  process.env.PATH = `${old}:/usr/bin:/bin`
})

after(() => {
  process.env.PATH = usualPath
  rmSync(directory, { recursive: true, force: true })
})

test('it brings the compiled program, its documentation and the examples, and nothing that only development needs', () => {
  deepEqual(readdirSync(installed).sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'bin',
    'dist',
    'docs',
    'examples',
    'package.json',
  ])
  const others = readdirSync(join(home, 'node_modules'))
  ok(
    others.some((name) => name.startsWith('node-linux-')),
    'a Node of its own',
  )
  deepEqual(
    others.filter((name) => /^(@biomejs|@types|typescript|fast-check|playwright-core|mailauth)$/.test(name)),
    [],
  )
  const { private: hidden, scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  deepEqual([hidden, scripts], [undefined, undefined])
})

test('a checkout says how a package is made, rather than making one without its program', async () => {
  process.env.PATH = usualPath
  const { code, err } = await run(['npm', '--prefix', root, 'pack', root, '--dry-run'])
  ok(code !== 0)
  match(err, /a checkout is no package: sh packaging\/npm\/build\.sh DIR makes one/)
  process.env.PATH = `${join(directory, 'old')}:/usr/bin:/bin`
})

for (const { name, argv, says } of [
  { name: 'posthorn', argv: ['version'], says: /^Posthorn \d/ },
  { name: 'mailman', argv: ['version'], says: /^Posthorn \d/ },
  { name: 'posthorn-qmail', argv: ['--help'], says: /usage: posthorn-qmail/ },
  { name: 'qmail-lmtp', argv: ['--help'], says: /usage: posthorn-qmail/ },
])
  test(`${name} ${argv.join(' ')} runs on the Node that came with it`, async () => {
    const { out, err } = await run([program(name), ...argv])
    match(out + err, says)
  })

test('posthorn demo takes a post by LMTP, shows its copies on its page, and ends in order', async () => {
  const folder = join(directory, 'demo')
  const [lmtpPort, webPort] = [await freePort(), await freePort()]
  const ports = ['--lmtp-port', String(lmtpPort), '--web-port', String(webPort)]
  const child = spawn(program('posthorn'), ['demo', '--directory', folder, ...ports], { stdio: 'pipe' })
  const gone = once(child, 'close') as Promise<[number | null]>
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk))
  try {
    await eventually('the welcome', () => child.exitCode !== null || said.includes('Ctrl-C'))
    const [, from = '', to = ''] = /swaks .*--from (\S+) .*--to (\S+)/s.exec(said) ?? []
    ok(to.includes('@'), said)
    await handIn({ port: lmtpPort, from, to: [to], message: post(from, to, 'packed') })
    const page = `http://localhost:${webPort}/`
    await eventually('the post on the page', async () =>
      (await (await fetch(page)).text()).includes('tea packed'),
    )
    await eventually('its copies', () => (said.match(/tea packed/g) ?? []).length >= 3)
  } finally {
    child.kill('SIGTERM')
  }
  const [code] = await gone
  equal(code, 0, said)
})

test('a server on it keeps a list, and carries a post to each member', async () => {
  await using relay = await relaySink()
  await using site = await freshSite({ relayPort: relay.port, program: program('posthorn') })
  await site.list(tea, members)
  const server = await site.start()
  await handIn({ port: server.lmtpPort, from: ann, to: [tea], message: post(ann, tea, 'one') })
  await eventually('both copies', () => members.every((member) => relay.got.includes(member)))
  match(await site.must(['trace', '<one@client.example.test>']), /2 sent/)
  match(
    readFileSync(`/proc/${server.pid}/cmdline`, 'latin1'),
    /node-linux-\w+\/bin\/node\0.*posthorn\/dist\/cli\/main\.js/,
  )
  equal(await server.stop(), 0)
  ok(!existsSync(join(installed, 'src')))
})

/** A relay that takes everything. */
async function relaySink(): Promise<AsyncDisposable & { readonly port: number; readonly got: string[] }> {
  const got: string[] = []
  const sink = new Sink({ port: 0, keep: true })
  sink.o.onMessage = ({ messages }) => void got.push(...(messages.at(-1)?.to ?? []))
  await sink.listen()
  return { port: sink.port, got, [Symbol.asyncDispose]: () => sink.close() }
}
