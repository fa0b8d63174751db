// Looking at a mail server's machine: here, and behind a command prefix.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePort } from '../../test/support/server.ts'
import { Unavailable } from '../base/unavailable.ts'
import { mailServerHost } from './mail-server-host.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posthorn-host-'))
  await writeFile(join(folder, 'main.cf'), 'myhostname = mail.example.org\n')
  await chmod(join(folder, 'main.cf'), 0o640)
  await mkdir(join(folder, 'sasl'))
})
after(() => rm(folder, { recursive: true, force: true }))

for (const [where, commandPrefix] of [
  ['here', []],
  ['behind a prefix', ['/usr/bin/env']],
] as const) {
  const host = mailServerHost({ configDir: null, commandPrefix })

  test(`${where}: a file is read, one that is not there is null`, async () => {
    assert.equal(await host.readText(join(folder, 'main.cf')), 'myhostname = mail.example.org\n')
    assert.equal(await host.readText(join(folder, 'none')), null)
    assert.equal(await host.readText(join(folder, 'main.cf', 'none')), null)
    await assert.rejects(host.readText(folder), Unavailable)
  })

  test(`${where}: stat tells kind, mode and size`, async () => {
    const found = await host.stat(join(folder, 'main.cf'))
    assert.deepEqual(
      { kind: found?.kind, mode: found?.mode, size: found?.size },
      { kind: 'file', mode: 0o640, size: 30 },
    )
    assert.equal((await host.stat(folder))?.kind, 'directory')
    assert.equal(await host.stat(join(folder, 'none')), null)
  })

  test(`${where}: a directory is listed in order`, async () => {
    assert.deepEqual(await host.list(folder), ['main.cf', 'sasl'])
    assert.equal(await host.list(join(folder, 'none')), null)
  })

  test(`${where}: a program gets its input, and its end is told`, async () => {
    assert.deepEqual(await host.run(['cat'], 'a line\n'), { code: 0, out: 'a line\n', err: '' })
    assert.equal((await host.run(['sh', '-c', 'exit 3']))?.code, 3)
    assert.equal(await host.run(['posthorn-no-such-program']), null)
  })
}

test('a program that hangs is ended and told', async () => {
  const host = mailServerHost({ configDir: null, commandPrefix: [], timeLimit: 50 })
  await assert.rejects(host.run(['sleep', '60']), /'sleep 60' was ended after 0.05 s/)
})

test('a prefix that cannot be started is told as such', async () => {
  const host = mailServerHost({ configDir: null, commandPrefix: ['posthorn-no-such-program', 'mail'] })
  await assert.rejects(host.readText('/etc/hostname'), /there is no such program; look at --command-prefix/)
})

test('here it is known what listens; behind a prefix it is not', async () => {
  const path = join(folder, 'socket')
  const server = createServer().listen(path)
  await once(server, 'listening')
  const asked = async (commandPrefix: readonly string[]) => {
    const { listens } = mailServerHost({ configDir: null, commandPrefix })
    const nowhere = { host: '127.0.0.1', port: await freePort() }
    return Promise.all([{ path }, { path: join(folder, 'none') }, nowhere].map(listens))
  }
  try {
    assert.deepEqual(await asked([]), [true, false, false])
    assert.deepEqual(await asked(['/usr/bin/env']), [null, null, null])
  } finally {
    server.close()
  }
})
