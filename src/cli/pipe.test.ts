import { equal, match } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshDoor } from '../../test/support/fresh-door.ts'

const program = new URL('../../bin/posthorn-qmail', import.meta.url).pathname
const qmailLocal = new URL('../../test/mta-lab/qmail-local-sim.sh', import.meta.url).pathname

async function run(
  command: string,
  argv: readonly string[],
  stdin: string | Buffer,
  env: Readonly<Record<string, string>> = {},
) {
  const child = spawn(command, argv, { stdio: 'pipe', env: { PATH: process.env.PATH, ...env } })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  let unread = false
  child.stdin.on('error', () => {
    unread = true
  })
  child.stdin.end(stdin)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, err, unread }
}

const post = 'From: ann@example.com\nMessage-ID: <1@example.com>\nSubject: caf\xe9\n\n.hello\nlast line'
const usual = { EXT: 'tea', HOST: 'lists.example.org', SENDER: 'ann@example.com' }
const bytes = Buffer.from(post, 'latin1')

test('a post goes in by port, and by UNIX socket', async () => {
  await using door = await freshDoor()
  const port = String((door.address as { port: number }).port)
  const by = await run(program, [port, '1'], bytes, usual)
  equal(by.err, '')
  equal(by.code, 0)
  equal(
    door.items()[0]?.bytes.toString('latin1'),
    'From: ann@example.com\r\nMessage-ID: <1@example.com>\r\nSubject: caf\xe9\r\n\r\n.hello\r\nlast line\r\n',
  )
  equal(door.items()[0]?.envelope.sender, 'ann@example.com')
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-pipe-'))
  try {
    const path = join(folder, 'lmtp.sock')
    await using other = await freshDoor({ listen: [{ path }] })
    equal((await run(program, ['--unix', path, '1'], bytes, { ...usual, SENDER: '#@[]' })).code, 0)
    equal(other.items()[0]?.envelope.sender, '<>')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

const large = Buffer.alloc(2_000_000, 'a line of a large message\n')

test('a list that is not there is 100, or 67; a message that is refused 100, or 70; a wrong call 111, or 75', async () => {
  await using door = await freshDoor()
  const port = String((door.address as { port: number }).port)
  const unknown = { ...usual, EXT: 'milk' }
  for (const { argv, env, code, words } of [
    { argv: [port, '1'], env: unknown, code: 100, words: /550 5\.1\.1 no such list/ },
    { argv: ['--sysexits', port, '1'], env: unknown, code: 67, words: /550 5\.1\.1 no such list/ },
    { argv: [port, '1'], env: usual, code: 100, words: /552 / },
    { argv: ['--sysexits', port, '1'], env: usual, code: 70, words: /552 / },
    { argv: [port, '1'], env: { HOST: 'lists.example.org' }, code: 111, words: /EXT is not set/ },
    { argv: [port, '--sysexits', '1'], env: {}, code: 75, words: /EXT is not set/ },
    { argv: ['1', '1'], env: usual, code: 111, words: /cannot reach the LMTP server/ },
    { argv: ['--help'], env: usual, code: 111, words: /usage: posthorn-qmail/ },
    { argv: [], env: usual, code: 111, words: /PORT is ''/ },
  ]) {
    const ended = await run(program, argv, large, env)
    equal(ended.code, code, argv.join(' '))
    match(ended.err, words)
    equal(ended.unread, false)
  }
})

test('without a Node it is 111, and the message is read all the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-pipe-'))
  try {
    // Links to what the launcher needs, but not to a Node.
    for (const tool of ['sh', 'dirname', 'readlink', 'uname', 'cat'])
      symlinkSync(`/bin/${tool}`, join(folder, tool))
    const copy = join(folder, 'bin') // beside no node_modules
    cpSync(program, join(copy, 'posthorn-qmail'))
    const ended = await run(join(copy, 'posthorn-qmail'), ['8024', '1'], large, { ...usual, PATH: folder })
    equal(ended.code, 111)
    match(ended.err, /no Node\.js 24/)
    equal(ended.unread, false)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('called as qmail-local calls it, by another name, it delivers and refuses', async () => {
  await using door = await freshDoor()
  const port = String((door.address as { port: number }).port)
  const home = mkdtempSync(join(tmpdir(), 'posthorn-qmail-'))
  try {
    chmodSync(home, 0o755)
    symlinkSync(program, join(home, 'qmail-lmtp'))
    const deliver = (to: string, sender: string) =>
      run(
        qmailLocal,
        [
          '--recipient',
          `mailman-${to}@lists.example.org`,
          '--sender',
          sender,
          '--default',
          '--home',
          home,
        ].concat('--command', `./qmail-lmtp ${port} 1`),
        bytes,
      )
    const taken = await deliver('Tea-bounces+x=example.net', '')
    equal(taken.code, 0, taken.err)
    equal(door.items()[0]?.envelope.recipient, 'Tea-bounces+x=example.net@lists.example.org')
    equal(door.items()[0]?.envelope.sender, '<>')
    const refused = await deliver('milk', 'ann@example.com')
    equal(refused.code, 100)
    match(refused.err, /no such list/)
  } finally {
    rmSync(home, { recursive: true })
  }
})
