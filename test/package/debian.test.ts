// The Debian package as an operator meets it: built from this tree, installed by dpkg, started as its own user under
// a service manager, removed again. The lists stay. Needs root, npm with its registry, dpkg and systemd-notify.
import { equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Sink } from '../mta-lab/sink.mjs'
import { handIn, post } from '../support/hand-in.ts'
import { configuration, eventually, freePort, type Ran, run } from '../support/server.ts'

const root = new URL('../..', import.meta.url).pathname
const directory = mkdtempSync(join(tmpdir(), 'posthorn-package-'))
const tea = 'tea@lists.example.test'
const ann = 'ann@one.example.test'
let installed = false

async function must(argv: readonly string[], stdin = ''): Promise<string> {
  const { code, out, err } = await run(argv, stdin)
  equal(code, 0, `${argv.join(' ')}: ${err}${out}`)
  return out
}
const user = (...argv: string[]): string[] => [
  'setpriv',
  '--reuid=posthorn',
  '--regid=posthorn',
  '--clear-groups',
  ...argv,
]

before(async () => {
  equal(process.geteuid?.(), 0, 'installing a package needs root')
  ok(!existsSync('/var/lib/posthorn'), '/var/lib/posthorn is there: this test would touch real lists')
  chmodSync(directory, 0o755)
  const path = (await must(['sh', join(root, 'packaging/debian/build.sh'), directory])).trim()
  match(
    await must(['dpkg', '--install', path]),
    /set site_owner in \/etc\/posthorn\.cfg, then: systemctl enable --now posthorn/,
  )
  installed = true
})

after(async () => {
  if (installed) await must(['dpkg', '--purge', 'posthorn'])
  rmSync('/var/lib/posthorn', { recursive: true, force: true })
  rmSync(directory, { recursive: true, force: true })
})

test('the package brings program, pages, completion, unit and a configuration that holds', async () => {
  match(await must(['posthorn', 'version']), /^Posthorn \d/)
  const check: Ran = await run(['posthorn', '-C', '/etc/posthorn.cfg', 'conf', '--check'])
  equal(check.code, 0, check.err)
  match(
    await must(['posthorn', '-C', '/etc/posthorn.cfg', 'conf', '-s', 'mailman', '-k', 'layout']),
    /^system\n/,
  )
  equal(statSync('/etc/posthorn.cfg').mode & 0o777, 0o640)
  equal(statSync('/var/lib/posthorn').mode & 0o7777, 0o770)
  for (const file of [
    '/usr/share/man/man1/posthorn.1.gz',
    '/usr/share/bash-completion/completions/posthorn',
    '/lib/systemd/system/posthorn.service',
    '/usr/bin/posthorn-qmail',
  ])
    ok(existsSync(file), file)
  ok(!existsSync('/usr/lib/posthorn/src'), 'the sources stay at home')
})

test('systemd finds nothing wrong with the unit, and calls its exposure low', async () => {
  const verified = await run([
    'systemd-analyze',
    'verify',
    '--man=no',
    '/lib/systemd/system/posthorn.service',
  ])
  equal(verified.code, 0, verified.err)
  equal(verified.err.includes('posthorn.service:'), false, verified.err)
  const exposure = await must([
    'systemd-analyze',
    'security',
    '--offline=true',
    '/lib/systemd/system/posthorn.service',
  ])
  const level = Number(/Overall exposure level for posthorn\.service: ([\d.]+)/.exec(exposure)?.[1] ?? 10)
  ok(level <= 3, `exposure ${level}`)
})

test('as its own user it says READY to the service manager, carries a post, and says STOPPING', async () => {
  const copies: string[] = []
  const relay = new Sink({ port: 0, keep: true })
  relay.o.onMessage = ({ messages }) => void copies.push(...(messages.at(-1)?.to ?? []))
  await relay.listen()
  const lmtpPort = await freePort()
  const config = join(directory, 'posthorn.cfg')
  writeFileSync(config, configuration({ relayPort: relay.port, lmtpPort }, '/var/lib/posthorn'))
  await using manager = await notifySocket()
  const [command = '', ...argv] = user('posthorn', '-C', config, 'start', '--foreground')
  const server = spawn(command, argv, {
    stdio: 'ignore',
    env: { ...process.env, NOTIFY_SOCKET: manager.path },
  })
  const ended = once(server, 'exit')
  try {
    await eventually('READY', () => manager.said().includes('READY=1'))
    match(manager.said(), /STATUS=takes mail at 127\.0\.0\.1:\d+/)
    await must(user('posthorn', '-C', config, 'create', tea))
    await must(user('posthorn', '-C', config, 'addmembers', '-', tea), `${ann}\n`)
    await handIn({ port: lmtpPort, from: ann, to: [tea], message: post(ann, tea, 'one') })
    await eventually('the copy', () => copies.includes(ann))
    equal(
      statSync('/var/lib/posthorn/posthorn.db').uid,
      Number((await must(['id', '-u', 'posthorn'])).trim()),
    )
  } finally {
    server.kill('SIGTERM')
    const [code] = (await ended) as [number | null]
    equal(code, 0)
    await relay.close()
  }
  await eventually('STOPPING', () => manager.said().includes('STOPPING=1'))
})

test('removed and purged, the lists are still there', async () => {
  await must(['dpkg', '--remove', 'posthorn'])
  const said = await must(['dpkg', '--purge', 'posthorn'])
  installed = false
  match(said, /\/var\/lib\/posthorn holds your lists and is left alone/)
  ok(existsSync('/var/lib/posthorn/posthorn.db'))
  ok(!existsSync('/usr/lib/posthorn'))
})

/** What a service manager listens on; Node cannot, so Perl does. */
async function notifySocket(): Promise<AsyncDisposable & { readonly path: string; said(): string }> {
  const [path, heard] = [join(directory, 'notify.sock'), join(directory, 'notify.txt')]
  writeFileSync(heard, '')
  const script = `use Socket; socket(S, PF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un($ARGV[0])) or die $!;
    chmod 0777, $ARGV[0]; open(L, '>>', $ARGV[1]); select L; $| = 1;
    while (defined recv(S, $m, 65536, 0)) { print L "$m\\n" }`
  const listener = spawn('perl', ['-e', script, path, heard], { stdio: 'ignore' })
  await eventually('the socket', () => existsSync(path))
  chownSync(directory, 0, 0)
  return {
    path,
    said: () => readFileSync(heard, 'utf8'),
    [Symbol.asyncDispose]: async () => {
      const gone = once(listener, 'exit')
      listener.kill()
      await gone
    },
  }
}
