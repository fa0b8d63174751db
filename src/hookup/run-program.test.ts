import { match, ok, rejects } from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../test/support/server.ts'
import { type ProgramRun, runProgram } from './run-program.ts'

const run = (script: string, more: Partial<ProgramRun> = {}) =>
  runProgram({
    argv: ['/bin/sh', '-c', script],
    timeLimit: 30_000,
    otherwise: 'all stays as it was',
    whenMissing: 'install it',
    ...more,
  })

test('a program gets its input and nothing is told when it ends with 0', async () => {
  await run('read -r line; test "$line" = "tea \\$HOME"; ', { input: 'tea $HOME\n' })
})

for (const { title, script, argv, words } of [
  {
    title: 'that fails',
    script: 'echo one >&2; echo two >&2; exit 3',
    words:
      /failed with exit status 3, saying 'one \| two'; all stays as it was; mend the cause, then run 'posthorn aliases'$/,
  },
  { title: 'that is killed', script: 'kill -9 $$', words: /was ended by SIGKILL; all stays/ },
  {
    title: 'that there is not',
    argv: ['/nowhere/x'] as const,
    words: /^'\/nowhere\/x' is no program here; .*; install it, then/,
  },
  {
    title: 'that may not be run',
    argv: ['/etc/passwd'] as const,
    words: /cannot be run \(EACCES\); .*check that \/etc\/passwd may be run/,
  },
  {
    title: 'with a long story',
    script: 'head -c 100000 /dev/zero | tr "\\0" x >&2; exit 1',
    words: /saying 'x{500}'/,
  },
])
  test(`a program ${title} is told with its words`, async () => {
    await rejects(run(script ?? '', argv === undefined ? {} : { argv }), {
      name: 'Unavailable',
      message: words,
    })
  })

test('a program that hangs ends at its limit, with all that it started', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-run-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const child = join(directory, 'child')
  // The grandchild holds standard error open, as a daemon would.
  const script = `sleep 600 & echo $! > ${child}.new; mv ${child}.new ${child}; echo waiting >&2; wait`
  await rejects(run(script, { timeLimit: 1000 }), {
    message: /was ended after 1 s.*run it by hand to see what it waits for/,
  })
  if (!existsSync(child)) return // too slow a machine to have begun at all
  const pid = Number(readFileSync(child, 'utf8'))
  await eventually('the grandchild to be gone', () => !isAlive(pid))
})

test('a child that it leaves behind does not hold the caller up', async () => {
  await run('sleep 5 & exit 0')
  ok(true)
})

test('words are one line', async () => {
  const fault = await run('printf "a\\n  b\\r\\n" >&2; exit 1').catch((error: Error) => error.message)
  match(String(fault), /'a \| b'/)
})

// A process that was killed and not yet waited for counts as gone.
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
