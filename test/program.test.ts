// The program's first step, bin/posthorn: which Node it becomes, with what flags, and where what that Node makes of the sources is
// kept. Law: nothing is kept where another user could have put code.
import { deepEqual, equal, match } from 'node:assert/strict'
import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from './support/server.ts'

const program = new URL('../bin/posthorn', import.meta.url).pathname
const said = 'console.log(JSON.stringify([process.env.NODE_COMPILE_CACHE ?? null, process.execArgv]))'
const isRoot = process.getuid?.() === 0

/** An installation whose main file tells what it was started with. */
function installation(kind: 'checkout' | 'package') {
  const home = mkdtempSync(join(tmpdir(), 'posthorn-program-'))
  const folder = kind === 'checkout' ? 'src' : 'dist'
  for (const part of ['bin', `${folder}/cli`, 'node_modules', 'user'])
    mkdirSync(join(home, part), { recursive: true })
  cpSync(program, join(home, 'bin/posthorn'))
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(home, folder, 'cli', kind === 'checkout' ? 'main.ts' : 'main.js'), said)
  return {
    home,
    start: async (environment: Readonly<Record<string, string>> = {}) => {
      const given = { POSTHORN_NODE: process.execPath, HOME: join(home, 'user'), ...environment }
      const words = Object.entries(given).map(([name, value]) => `${name}=${value}`)
      const { code, out, err } = await run([
        'env',
        ...['-u', 'NODE_COMPILE_CACHE', '-u', 'XDG_CACHE_HOME'],
        ...words,
        join(home, 'bin/posthorn'),
      ])
      equal(code, 0, err)
      return JSON.parse(out) as [cache: string | null, flags: string[]]
    },
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  }
}

test('a checkout keeps what was made of its sources below node_modules, for its owner alone', async () => {
  using site = installation('checkout')
  const [cache] = await site.start()
  equal(cache, join(site.home, 'node_modules/.cache/posthorn'))
  equal(statSync(cache ?? '').mode & 0o777, 0o700)
})

test('who does not own the checkout keeps it at home', {
  skip: isRoot ? false : 'only root can give files away',
}, async () => {
  using site = installation('checkout')
  chownSync(join(site.home, 'node_modules'), 65534, 65534)
  deepEqual((await site.start())[0], join(site.home, 'user/.cache/posthorn'))
  deepEqual(
    (await site.start({ XDG_CACHE_HOME: join(site.home, 'user/xdg') }))[0],
    join(site.home, 'user/xdg/posthorn'),
  )
})

test('without a folder of its own it keeps nothing, and starts all the same', {
  skip: isRoot ? false : 'only root can give files away',
}, async () => {
  using site = installation('checkout')
  for (const folder of ['node_modules', 'user']) chownSync(join(site.home, folder), 65534, 65534)
  equal((await site.start())[0], null)
  // One that is there already, and somebody else's.
  chownSync(join(site.home, 'user'), 0, 0)
  mkdirSync(join(site.home, 'user/.cache/posthorn'), { recursive: true })
  chownSync(join(site.home, 'user/.cache/posthorn'), 65534, 65534)
  equal((await site.start())[0], null)
})

test('a folder that the operator names is taken', async () => {
  using site = installation('checkout')
  equal((await site.start({ NODE_COMPILE_CACHE: join(site.home, 'named') }))[0], join(site.home, 'named'))
})

test('a package keeps nothing, and has the flags that keep it small', async () => {
  using site = installation('package')
  const [cache, flags] = await site.start()
  equal(cache, null)
  match(flags.join(' '), /--optimize-for-size --max-semi-space-size=8/)
})
