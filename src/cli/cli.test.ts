import { equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { typed, typedSite } from '../../test/support/command-line.ts'
import type { Said } from '../../test/support/shell.ts'
import { takeLock } from '../app/data-directory.ts'
import { defaultConfig } from '../config/config.ts'

const program = fileURLToPath(new URL('../../bin/posthorn', import.meta.url))

/** `bin/posthorn` as a person calls it. */
function posthorn(
  argv: readonly string[],
  input = '',
  cwd = tmpdir(),
): Promise<Omit<Said, 'code'> & { readonly code: number | null }> {
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
  { argv: ['help', 'create'], code: 0, says: /^Usage: posthorn create \[OPTIONS\] LISTNAME\n/ },
  { argv: ['lsits'], code: 2, says: /No such command 'lsits'; did you mean 'lists'\?\n$/ },
  { argv: ['craete'], code: 2, says: /Error: No such command 'craete'; did you mean 'create'\?\n$/ },
  { argv: ['-C', '/nowhere.cfg', 'lists'], code: 2, says: /the file '\/nowhere\.cfg' does not exist/ },
  { argv: ['-C', '/', 'lists'], code: 2, says: /^\/ is a directory; write the path of a file\n$/ },
  { argv: ['completion', 'bash'], code: 0, says: /^# bash completion for posthorn/ },
  { argv: ['completion', 'csh'], code: 2, says: /Error: 'csh' is none of bash, zsh, fish\.\n$/ },
  { argv: ['help', '--man'], code: 2, says: /Error: help --man needs the DIR/ },
  {
    argv: ['import21', 'tea@lists.example.org', 'config.pck'],
    code: 2,
    says: /^posthorn import21: This release does not import .*\n$/,
  },
  {
    argv: ['create'],
    code: 2,
    says: /^Usage: posthorn create .*\nTry .*\n\nError: Missing argument 'LISTNAME'\.\n$/,
  },
])
  test(`posthorn ${argv.join(' ')} ends with ${code}`, async () => {
    const ended = await typed(argv)
    equal(ended.code, code)
    match(ended.out + ended.err, says)
  })

// Each on a site of its own, so that one may wait while another works.
describe('on a site', { concurrency: true }, () => {
  test('without a server, commands keep what they did; files are the caller’s, from where it stands', async (t) => {
    const { directory, file, run } = typedSite(t)
    equal((await run('create', 'tea@lists.example.org')).out, 'Created mailing list: tea@lists.example.org\n')
    writeFileSync(join(directory, 'people.txt'), 'ann@example.com\n')
    const child = (...argv: string[]) => posthorn(['-C', file, '--run-as-root', ...argv], '', directory)
    equal((await child('addmembers', 'people.txt', 'tea@lists.example.org')).code, 0)
    equal((await child('members', '-o', 'roster.txt', 'tea@lists.example.org')).code, 0)
    equal(readFileSync(join(directory, 'roster.txt'), 'utf8'), 'ann@example.com\n')
    const missing = await run('addmembers', 'nobody.txt', 'tea@lists.example.org')
    equal(missing.code, 1)
    match(missing.err, /^posthorn: there is no file 'nobody\.txt'/)
    equal((await run('status')).code, 2)
  })

  test('a lock that another process holds is 75, with its pid', async (t) => {
    const { run, varDir } = typedSite(t)
    equal((await run('lists')).code, 0)
    const lock = takeLock(defaultConfig({ paths: { varDir } }), 'posthorn import')
    ok('release' in lock)
    t.after(() => lock.release())
    const ended = await run('lists')
    equal(ended.code, 75)
    match(
      ended.err,
      new RegExp(`is in use by process ${process.pid} \\(posthorn import\\); wait until it is done`),
    )
  })

  test('a configuration with a mistake is 2 and names the line', async (t) => {
    const { file, run } = typedSite(t)
    writeFileSync(file, `${readFileSync(file, 'utf8')}smtp_port: many\n`)
    const ended = await run('lists')
    equal(ended.code, 2)
    match(ended.err, /posthorn\.cfg:8: mta\.smtp_port: /)
  })

  test('a list of all settings goes to a file as JSON, by section', async (t) => {
    const { directory, run } = typedSite(t)
    const target = join(directory, 'all.json')
    equal((await run('conf', '--json', '-o', target)).code, 0)
    const all = JSON.parse(readFileSync(target, 'utf8')) as Record<string, Record<string, string>>
    equal(all.mta?.lmtp_port, '0')
    equal((await run('conf', '-s', 'mta', '-k', 'lmtp_port')).out, '0\n')
  })

  test('stop returns when the server is gone: its pid, its lock and its socket', async (t) => {
    const { file, run, varDir } = typedSite(t)
    const started = await posthorn(['-C', file, '--run-as-root', 'start'])
    const pid = Number(/\(pid (\d+)\)/.exec(started.out)?.[1])
    equal(started.code, 0)
    equal((await run('status')).code < 2, true)
    const stopped = await run('stop')
    let isThere = true
    try {
      process.kill(pid, 0)
      isThere = !/^\d+ \(.*\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')) // its parent is late
    } catch {
      isThere = false
    }
    equal(stopped.out, 'Shutting down Posthorn\n')
    equal(isThere, false)
    const lock = takeLock(defaultConfig({ paths: { varDir } }), 'posthorn lists')
    ok('release' in lock)
    lock.release()
  })
})
