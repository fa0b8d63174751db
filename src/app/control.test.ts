import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Call, listenControl } from './control.ts'
import { callServer } from './control-client.ts'

function freshPath(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-control-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'control.sock')
}

async function listening(t: TestContext, answer: (call: Call) => Promise<number>): Promise<string> {
  const path = freshPath(t)
  const listener = await listenControl(path, answer)
  t.after(() => listener.close())
  return path
}

const request = { command: 'lists', argv: ['-q'], cwd: '/', stdin: null }

test('a command runs in the server, its words and its exit code come back in order', async (t) => {
  const path = await listening(t, async ({ command, argv, cwd, output }) => {
    output.out(`${command} ${argv.join(' ')} in ${cwd}\n`)
    output.err('careful\n')
    output.progress('half')
    return 3
  })
  equal(statSync(path).mode & 0o777, 0o660)
  const heard: string[] = []
  const answer = await callServer(path, request, ({ kind, text }) => {
    heard.push(`${kind}: ${text}`)
  })
  deepEqual(answer, { kind: 'exit', code: 3 })
  deepEqual(heard, ['out: lists -q in /\n', 'err: careful\n', 'progress: half'])
})

test('ten megabytes of input and of output pass, whole', async (t) => {
  const size = 10 * 1024 * 1024
  const path = await listening(t, async ({ stdin, output }) => {
    let came = 0
    for await (const chunk of stdin) {
      came += chunk.length
      output.out('x'.repeat(chunk.length))
      await output.drained()
    }
    return came === size ? 0 : 1
  })
  async function* input() {
    for (let left = size; left > 0; left -= 1024 * 1024) yield Buffer.alloc(1024 * 1024, 'y')
  }
  let heard = 0
  const answer = await callServer(path, { ...request, stdin: input() }, ({ text }) => {
    heard += text.length
  })
  deepEqual(answer, { kind: 'exit', code: 0 })
  equal(heard, size)
})

test('a command that ends before its input does not wait for the rest', async (t) => {
  const path = await listening(t, async () => 2)
  async function* endless() {
    for (;;) yield Buffer.alloc(65536)
  }
  const answer = await callServer(path, { ...request, stdin: endless() }, () => undefined)
  deepEqual(answer, { kind: 'exit', code: 2 })
})

test('a command hears when its client goes', async (t) => {
  const path = freshPath(t)
  const gone = Promise.withResolvers<string>()
  const listener = await listenControl(path, async ({ stdin, signal }) => {
    try {
      for await (const _ of stdin);
    } catch (fault) {
      gone.resolve(`${(fault as Error).message}, ${signal.aborted}`)
    }
    return 0
  })
  t.after(() => listener.close())
  const socket = createConnection(path)
  await once(socket, 'connect')
  socket.write(
    '{"v":1,"id":1,"command":"addmembers","argv":[],"stdin":true}\n{"id":1,"stdin":"YQ=="}\n',
    () => socket.destroy(),
  )
  equal(await gone.promise, 'the client went away, true')
})

test('a version that the server does not know gets exit 75 and words', async (t) => {
  const path = await listening(t, async () => 0)
  const socket = createConnection(path).setEncoding('utf8')
  socket.write('{"v":9,"id":4,"command":"lists","argv":[]}\n')
  let text = ''
  for await (const chunk of socket) {
    text += chunk
    if (text.includes('exit')) break
  }
  match(text, /"id":4,"err":"posthorn: the server speaks version 1/)
  match(text, /\{"id":4,"exit":75\}\n$/)
})

test('nobody answers where there is no socket, nor at one that a dead server left', async (t) => {
  const path = freshPath(t)
  deepEqual(await callServer(path, request, () => undefined), { kind: 'nobody' })
  const listener = await listenControl(path, async () => 0)
  await listener.close()
  ok(!existsSync(path))
  writeFileSync(path, '')
  deepEqual(await callServer(path, request, () => undefined), { kind: 'nobody' })
  const again = await listenControl(path, async () => 5)
  t.after(() => again.close())
  deepEqual(await callServer(path, request, () => undefined), { kind: 'exit', code: 5 })
})

test('a server that goes away in the middle is lost, not done', async (t) => {
  const path = freshPath(t)
  const began = Promise.withResolvers<void>()
  const listener = await listenControl(path, ({ signal }) => {
    began.resolve()
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(0)))
  })
  const answer = callServer(path, request, () => undefined)
  await began.promise
  await listener.close()
  deepEqual(await answer, { kind: 'lost' })
})

test('a fault of the input ends the call and comes out', async (t) => {
  const path = await listening(t, async ({ stdin }) => {
    for await (const _ of stdin);
    return 0
  })
  async function* broken() {
    yield Buffer.from('a')
    throw new Error('the file cannot be read')
  }
  await rejects(
    callServer(path, { ...request, stdin: broken() }, () => undefined),
    /the file cannot be read/,
  )
})
