import { equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { takeLock } from '../app/data-directory.ts'
import { defaultConfig } from '../config/config.ts'

const program = fileURLToPath(new URL('../../bin/posthorn', import.meta.url))

function site(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-cli-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const varDir = join(directory, 'var')
  const file = join(directory, 'posthorn.cfg')
  const lines = [
    '[mailman]',
    'layout: local',
    '[paths.local]',
    `var_dir: ${varDir}`,
    '[mta]',
    'incoming: null',
  ]
  writeFileSync(file, `${lines.join('\n')}\nlmtp_port: 0\n`)
  return { directory, varDir, file }
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** `bin/posthorn` as a person calls it. */
function posthorn(argv: readonly string[], input = '', cwd = tmpdir()): Promise<Ended> {
  const child = spawn(program, argv, { cwd, stdio: 'pipe' })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  child.stdin.on('error', () => undefined) // a command need not read
  child.stdin.end(input)
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...said })))
}

for (const { argv, code, says } of [
  { argv: [], code: 0, says: /^Usage: posthorn .*\n[\s\S]*\n {2}create / },
  { argv: ['--version'], code: 0, says: /^Posthorn \d/ },
  { argv: ['create', '-h'], code: 0, says: /^Usage: posthorn create \[OPTIONS\] LISTNAME\n[\s\S]*Examples:/ },
  { argv: ['craete'], code: 2, says: /Error: No such command 'craete'; did you mean 'create'\?\n$/ },
  { argv: ['-C', '/nowhere.cfg', 'lists'], code: 2, says: /the file '\/nowhere\.cfg' does not exist/ },
  {
    argv: ['create'],
    code: 2,
    says: /^Usage: posthorn create .*\nTry .*\n\nError: Missing argument 'LISTNAME'\.\n$/,
  },
])
  test(`posthorn ${argv.join(' ')} ends with ${code}`, async () => {
    const ended = await posthorn(argv)
    equal(ended.code, code)
    match(ended.out + ended.err, says)
  })

test('without a server, commands keep what they did; files are the caller’s', async (t) => {
  const { directory, file } = site(t)
  const run = (...argv: string[]) => posthorn(['-C', file, '--run-as-root', ...argv], '', directory)
  equal((await run('create', 'tea@lists.example.org')).out, 'Created mailing list: tea@lists.example.org\n')
  writeFileSync(join(directory, 'people.txt'), 'ann@example.com\n')
  equal((await run('addmembers', 'people.txt', 'tea@lists.example.org')).code, 0)
  equal((await run('members', '-o', 'roster.txt', 'tea@lists.example.org')).code, 0)
  equal(readFileSync(join(directory, 'roster.txt'), 'utf8'), 'ann@example.com\n')
  const missing = await run('addmembers', 'nobody.txt', 'tea@lists.example.org')
  equal(missing.code, 1)
  match(missing.err, /^posthorn: 'nobody\.txt' is no file/)
  equal((await run('status')).code, 2)
})

test('a lock that another process holds is 75, with its pid', async (t) => {
  const { file, varDir } = site(t)
  equal((await posthorn(['-C', file, 'lists'])).code, 0)
  const lock = takeLock(defaultConfig({ paths: { varDir } }), 'posthorn import')
  ok('release' in lock)
  t.after(() => lock.release())
  const ended = await posthorn(['-C', file, 'lists'])
  equal(ended.code, 75)
  match(
    ended.err,
    new RegExp(`is in use by process ${process.pid} \\(posthorn import\\); wait until it is done`),
  )
})

test('a configuration with a mistake is 2 and names the line', async (t) => {
  const { file } = site(t)
  writeFileSync(file, `${readFileSync(file, 'utf8')}smtp_port: many\n`)
  const ended = await posthorn(['-C', file, 'lists'])
  equal(ended.code, 2)
  match(ended.err, /posthorn\.cfg:8: mta\.smtp_port: /)
})
