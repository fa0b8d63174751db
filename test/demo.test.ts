// The first thing that a newcomer does, as they do it: the command line of `npm start`, and the lines it prints.
import { equal, match, ok } from 'node:assert/strict'
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..')
const environment = {
  ...process.env,
  PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
  POSTHORN_NODE: process.execPath,
}
const shell = promisify(execFile)
const scratch = mkdtempSync(join(tmpdir(), 'posthorn-demo-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}

interface Demo extends AsyncDisposable {
  /** Everything that was printed, once `wanted` is in it. */
  output(wanted: RegExp): Promise<string>
  /** Ctrl-C as npm gives it: from the terminal and once more from npm. */
  interrupt(): Promise<{ readonly code: number | null; readonly output: string }>
  /** The exit code, when it ends by itself. */
  ended(): Promise<number | null>
}

function startDemo(...words: readonly string[]): Demo {
  const child = spawn('sh', ['-c', `${scripts.start} ${words.join(' ')}`], { cwd: root, env: environment })
  const gone = once(child, 'close')
  let output = ''
  let wake: () => void = () => undefined
  const hear = (chunk: Buffer): void => {
    output += chunk.toString()
    wake()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  child.once('close', () => wake())
  return {
    output: async (wanted) => {
      while (!wanted.test(output)) {
        ok(child.exitCode === null && child.signalCode === null, `the demo ended: ${output}`)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return output
    },
    interrupt: async () => {
      child.kill('SIGINT')
      child.kill('SIGINT')
      await gone
      return { code: child.exitCode, output }
    },
    ended: async () => {
      await gone
      return child.exitCode
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await gone
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The line of this program, as it was printed; it goes on behind a backslash. */
function lineOf(program: 'printf' | 'curl' | 'swaks', output: string): string {
  const found = new RegExp(`^ {2}${program} .*\\\\\\n.*$`, 'm').exec(output)?.[0]
  ok(found !== undefined, output)
  return found
}

async function ports(): Promise<readonly string[]> {
  return ['--lmtp-port', String(await freePort()), '--web-port', String(await freePort())]
}

const isThere = (program: string): boolean => spawnSync(program, ['--version']).error === undefined

test('npm start: the line it prints makes three copies, Ctrl-C ends it, a second start goes on', async () => {
  const words = ['--directory', join(scratch, 'tea'), ...(await ports())]
  {
    await using demo = startDemo(...words)
    const welcome = await demo.output(/Ctrl-C/)
    await shell('sh', ['-c', lineOf('printf', welcome)], { cwd: root, env: environment })
    const output = await demo.output(/Copy 3 for [\s\S]*\| The Darjeeling is here\.\n/)
    for (const member of ['ann@example.org', 'ben@example.net', 'cleo@example.com'])
      match(output, new RegExp(`^Copy \\d for ${member}\\n {2}envelope sender: tea-bounces\\+`, 'm'))
    match(output, /^ {2}Subject: \[Tea\] First flush$/m)
    const end = await demo.interrupt()
    equal(end.code, 0)
    match(end.output, /The demo has ended/)
  }
  {
    await using demo = startDemo(...words)
    const welcome = await demo.output(/Ctrl-C/)
    const remove = lineOf('printf', welcome)
      .replace(/^.*\n\s*/, '')
      .replace(/inject (.*)$/, 'delmembers -G -m ben@example.net -l $1')
    await shell('sh', ['-c', remove], { cwd: root, env: environment })
    await shell('sh', ['-c', lineOf('printf', welcome)], { cwd: root, env: environment })
    await demo.output(/Copy 2 for [\s\S]*\| The Darjeeling is here\.\n/)
    const end = await demo.interrupt()
    equal(end.code, 0)
    ok(!end.output.includes('Copy 3'), end.output)
  }
})

for (const [program, subject, text] of [
  ['curl', 'Third flush', 'The Ceylon is here.'],
  ['swaks', 'Second flush', 'The Assam is here.'],
] as const)
  test(`npm start: the ${program} line that it prints makes three copies`, {
    skip: !isThere(program),
  }, async () => {
    await using demo = startDemo('--directory', join(scratch, program), ...(await ports()))
    const welcome = await demo.output(/Ctrl-C/)
    const { stdout } = await shell('sh', ['-c', lineOf(program, welcome)], { cwd: root, env: environment })
    match(stdout, /250 2\.6\.0 queued as 1\n/)
    const output = await demo.output(new RegExp(`Copy 3 for [\\s\\S]*\\| ${text}\\n`))
    match(output, new RegExp(`^ {2}Subject: \\[Tea\\] ${subject}$`, 'm'))
    equal((await demo.interrupt()).code, 0)
  })

test('Ctrl-C ends the demo while a browser listens for news', async () => {
  const words = await ports()
  await using demo = startDemo('--directory', join(scratch, 'listening'), ...words)
  await demo.output(/Ctrl-C/)
  const news = await fetch(`http://localhost:${words[3]}/events`)
  const reading = news.text().then(
    () => 'ended',
    () => 'cut',
  )
  equal((await demo.interrupt()).code, 0)
  match(await reading, /^(?:ended|cut)$/)
})

test('a port that is taken and a folder that is in use are told with the way out', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const taken = String((server.address() as AddressInfo).port)
  const directory = join(scratch, 'milk')
  for (const [option, other] of [
    ['--lmtp-port', '--web-port'],
    ['--web-port', '--lmtp-port'],
  ] as const) {
    const free = String(await freePort())
    await using refused = startDemo('--directory', directory, option, taken, other, free)
    equal(await refused.ended(), 1)
    match(
      await refused.output(/./),
      new RegExp(`port ${taken} is taken by another program: .*${option} N.*npm start -- ${option} \\d+`),
    )
  }
  server.close()

  await using first = startDemo('--directory', directory, ...(await ports()))
  await first.output(/Ctrl-C/)
  await using second = startDemo('--directory', directory, ...(await ports()))
  equal(await second.ended(), 1)
  match(await second.output(/./), /milk is in use by process \d+ \(server\): .*--directory FOLDER/)
})

for (const { title, name, text } of [
  { title: "a site's configuration", name: 'posthorn.cfg', text: '[mailman]\nsite_owner: ann@example.org\n' },
  { title: "a site's database", name: 'posthorn.db', text: '' },
]) {
  test(`the demo leaves a folder with ${title} alone`, async () => {
    const directory = join(scratch, name)
    mkdirSync(directory)
    writeFileSync(join(directory, name), text)
    await using demo = startDemo('--directory', directory, ...(await ports()))
    equal(await demo.ended(), 1)
    match(await demo.output(/./), /is no folder of a demo, .*--directory FOLDER/)
    equal(readFileSync(join(directory, name), 'utf8'), text)
  })
}
