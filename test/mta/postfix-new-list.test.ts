// A list is made while a real Postfix runs: its first post comes by LMTP at once, unknown lists are refused at RCPT.
// Needs root and Debian's postfix: `test/mta-lab/lab.sh install postfix-hash`.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { postfix } from '../../src/hookup/postfix.ts'
import { Sink } from '../mta-lab/sink.mjs'

const lab = new URL('../mta-lab/lab.sh', import.meta.url).pathname
const lists = (...listNames: string[]) => ({
  domains: [{ mailHost: 'lists.example.test', aliasDomain: null, listOnly: true, listNames }],
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Sends one message; the codes of the replies to each RCPT. */
async function send(port: number, recipients: readonly string[]): Promise<readonly string[]> {
  const socket = connect(port, '127.0.0.1')
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  const reply = async (): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error('Postfix hung up')
      if (value[3] !== '-') return value
    }
  }
  const say = (line: string) => {
    socket.write(`${line}\r\n`)
    return reply()
  }
  await reply()
  await say('EHLO one.example.test')
  await say('MAIL FROM:<ann@one.example.test>')
  const codes: string[] = []
  for (const to of recipients) codes.push((await say(`RCPT TO:<${to}@lists.example.test>`)).slice(0, 9))
  if (codes.some((code) => code.startsWith('250'))) {
    match(await say('DATA'), /^354/)
    match(await say('Subject: tea\r\n\r\nhot\r\n.'), /^250/)
  }
  await say('QUIT')
  socket.destroy()
  return codes
}

test('the first post of a new list reaches us at once, and unknown lists are refused', async () => {
  ok(
    existsSync('/usr/sbin/postfix'),
    "Postfix is missing: run 'test/mta-lab/lab.sh install postfix-hash' as root",
  )
  await using ending = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-postfix-live-'))
  chmodSync(directory, 0o755)
  ending.defer(() => rmSync(directory, { recursive: true, force: true }))
  const [maps, instance] = [join(directory, 'maps'), join(directory, 'postfix')]
  mkdirSync(maps)
  const door = await new Sink({ lmtp: true, port: 0, keep: true }).listen()
  ending.defer(() => door.close())
  const world = await new Sink({ port: 0, keep: true }).listen()
  ending.defer(() => world.close())
  const server = postfix({
    directory: maps,
    lmtpHost: '127.0.0.1',
    lmtpPort: door.port,
    postmapCommand: '/usr/sbin/postmap',
    tableType: 'hash',
    compatible: false,
  })
  await server.publish(lists())
  const port = await freePort()
  const ports = ['--smtp-port', `${port}`, '--lmtp-port', `${door.port}`, '--sink-port', `${world.port}`]
  const start = [
    'start',
    'postfix-hash',
    '--dir',
    instance,
    ...ports,
    '--domain',
    'lists.example.test',
    '--maps',
    maps,
  ]
  execFileSync(lab, start, { stdio: 'pipe' })
  ending.defer(() => void execFileSync(lab, ['stop', '--dir', instance], { stdio: 'pipe' }))

  deepEqual(await send(port, ['tea']), ['550 5.1.1'])
  await server.publish(lists('tea'))
  const replies = await send(port, ['tea', 'TEA-bounces+x=y.z', 'tea-confirm+abc', 'nosuch', 'tea-nosuch'])
  deepEqual(replies, ['250 2.1.5', '250 2.1.5', '250 2.1.5', '550 5.1.1', '550 5.1.1'])
  const delivered = () => door.messages.flatMap(({ to }) => to).sort()
  await door.waitFor(1, 20_000)
  deepEqual(
    delivered().map((to) => to.toLowerCase()),
    ['tea-bounces+x=y.z', 'tea-confirm+abc', 'tea'].map((local) => `${local}@lists.example.test`),
  )
  equal(world.messages.length, 0)
  await server.publish(lists())
  deepEqual(await send(port, ['tea']), ['550 5.1.1'])
})
