import { equal, match, ok, rejects } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshDoor, speak } from '../../test/support/fresh-door.ts'
import { addressOf, DoorRefusal, listen, oneKey, whyNot } from './listening.ts'

const nobody = () => undefined

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'posthorn-listening-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

test('a UNIX socket is for owner and group, and needs no leave by address', async () => {
  using place = folder()
  const path = join(place.path, 'lmtp.sock')
  await using door = await freshDoor({ listen: [{ path }], allow: () => false })
  equal(statSync(path).mode & 0o777, 0o660)
  match(await (await speak({ path: door.door.addresses[0] ?? '' })).line(), /^220/)
})

test('the file of a socket at which nobody answers is replaced', async () => {
  using place = folder()
  const path = join(place.path, 'lmtp.sock')
  // A child that is killed leaves its file behind, as a crash does.
  const child = spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ])
  equal(child.signal, 'SIGKILL')
  ok(statSync(path).isSocket())
  const server = await listen({ path }, nobody)
  equal(addressOf(server), path)
  server.close()
})

test('a socket at which somebody answers stays his', async () => {
  using place = folder()
  const path = join(place.path, 'lmtp.sock')
  const other = await listen({ path }, (socket) => socket.destroy())
  await rejects(listen({ path }, nobody), (fault) => {
    ok(fault instanceof DoorRefusal)
    match(fault.message, /another program listens on .*\[lmtp\] socket/)
    return true
  })
  ok(statSync(path).isSocket())
  other.close()
})

test('a file that is no socket is left alone', async () => {
  using place = folder()
  const path = join(place.path, 'lmtp.sock')
  writeFileSync(path, 'letters')
  await rejects(listen({ path }, nobody), /in the way and no socket/)
  equal(statSync(path).size, 7)
})

test('a taken port says which, and what to set', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  ok(address !== null && typeof address !== 'string')
  await rejects(
    listen({ host: '127.0.0.1', port: address.port }, nobody),
    new RegExp(`port ${address.port} on 127\\.0\\.0\\.1 is taken by another program.*\\[mta\\] lmtp_port`),
  )
  other.close()
})

test('a door that cannot open at one place lets go of the others', async () => {
  using place = folder()
  const path = join(place.path, 'lmtp.sock')
  await rejects(
    freshDoor({ listen: [{ path }, { path: join(place.path, 'none', 'lmtp.sock') }] }),
    /its folder is missing/,
  )
  const again = await listen({ path }, nobody)
  again.close()
})

test('a door of another protocol names its own setting', () => {
  const fault = Object.assign(new Error('why'), { code: 'EADDRINUSE' })
  match(
    whyNot({ host: '127.0.0.1', port: 2525 }, fault, oneKey('SMTP', '[lmtp] smtp_intake')),
    /port 2525 on 127\.0\.0\.1 is taken.*set \[lmtp\] smtp_intake to a free port/,
  )
})

for (const { code, want } of [
  { code: 'EACCES', want: /port 24 .*root alone.*lmtp_port to 1024 or more/ },
  { code: 'EADDRNOTAVAIL', want: /no address 192\.0\.2\.1: set \[mta\] lmtp_host/ },
  { code: 'EMFILE', want: /cannot listen on 192\.0\.2\.1:24 \(why\); see \[mta\]/ },
]) {
  test(`${code} comes with its remedy`, () => {
    match(whyNot({ host: '192.0.2.1', port: 24 }, Object.assign(new Error('why'), { code })), want)
  })
}
