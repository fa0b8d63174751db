import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { defaultConfig } from '../config/config.ts'
import { openForWriting } from '../store/database.ts'
import {
  claimControlPath,
  DirectoryRefusal,
  databasePath,
  findControlPath,
  prepareDataDirectory,
  takeLock,
  whoHoldsLock,
} from './data-directory.ts'
import { giveToOwner } from './ownership.ts'

function fresh(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-directory-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const varDir = join(directory, 'var')
  return { directory, varDir, config: defaultConfig({ paths: { varDir } }) }
}

test('the directories are made, closed to others', (t) => {
  const { config, varDir } = fresh(t)
  prepareDataDirectory(config)
  for (const name of ['data', 'lists', 'run', 'messages', 'logs'])
    equal(statSync(join(varDir, name)).mode & 0o007, 0, name)
  prepareDataDirectory(config)
})

const asRoot = { skip: process.geteuid?.() !== 0 && 'only root can give files away' }

test("what root makes in another's data directory is given to that one", asRoot, (t) => {
  const { config, varDir } = fresh(t)
  mkdirSync(varDir)
  chownSync(varDir, 65_534, 65_534)
  prepareDataDirectory(config)
  const lock = takeLock(config, 'posthorn lists')
  ok('release' in lock)
  giveToOwner(varDir)
  for (const name of ['data', 'run', 'logs', 'run/lock.db'])
    equal(statSync(join(varDir, name)).uid, 65_534, name)
  lock.release()
})

test('nothing outside is given away, by whatever link of the owner', asRoot, (t) => {
  const { directory, varDir } = fresh(t)
  mkdirSync(varDir)
  chownSync(varDir, 65_534, 65_534)
  const outside = join(directory, 'etc')
  mkdirSync(outside)
  for (const name of ['shadow', 'passwd']) writeFileSync(join(outside, name), '')
  symlinkSync(outside, join(varDir, 'messages'))
  linkSync(join(outside, 'shadow'), join(varDir, 'shadow'))
  giveToOwner(varDir)
  for (const name of ['', 'shadow', 'passwd']) equal(statSync(join(outside, name)).uid, 0, name)
})

test('database and lock are for owner and group, whatever the umask, and so is what SQLite lays beside them', (t) => {
  const { config, varDir } = fresh(t)
  prepareDataDirectory(config)
  const lock = takeLock(config, 'posthorn lists')
  ok('release' in lock)
  lock.release()
  const connection = openForWriting(databasePath(config))
  const modes = ['run/lock.db', 'posthorn.db', 'posthorn.db-wal', 'posthorn.db-shm'].map(
    (name) => statSync(join(varDir, name)).mode & 0o777,
  )
  connection.close()
  deepEqual(modes, [0o660, 0o660, 0o660, 0o660])
})

test('a file in the way is told, with what to do', (t) => {
  const { config, varDir } = fresh(t)
  writeFileSync(varDir, '')
  throws(
    () => prepareDataDirectory(config),
    (fault) => {
      match((fault as Error).message, /a file is in its way; move it away/)
      return fault instanceof DirectoryRefusal
    },
  )
})

test('one has the lock, the next hears who; the server leaves its pid file while it has it', (t) => {
  const { config } = fresh(t)
  prepareDataDirectory(config)
  equal(whoHoldsLock(config), null)
  const lock = takeLock(config, 'server')
  ok('release' in lock)
  deepEqual(takeLock(config, 'posthorn lists'), { heldBy: { pid: process.pid, what: 'server' } })
  deepEqual(whoHoldsLock(config), { pid: process.pid, what: 'server' })
  equal(readFileSync(config.paths.pidFile, 'utf8'), `${process.pid}\n`)
  lock.release()
  ok(!existsSync(config.paths.pidFile))
  const next = takeLock(config, 'posthorn lists')
  ok('release' in next)
  next.release()
})

test('the lock of a process that was killed is free at once', async (t) => {
  const { config } = fresh(t)
  prepareDataDirectory(config)
  const program = `
    const { takeLock } = await import(${JSON.stringify(new URL('./data-directory.ts', import.meta.url).href)})
    takeLock(${JSON.stringify({ paths: config.paths })}, 'server')
    process.send('has it')
    setInterval(() => undefined, 1000)`
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  )
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'message')
  deepEqual(takeLock(config, 'posthorn lists'), { heldBy: { pid: child.pid, what: 'server' } })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const lock = takeLock(config, 'posthorn lists')
  ok('release' in lock)
  lock.release()
})

test('a control socket whose path is too long lives elsewhere, and its client finds it', (t) => {
  const { config, varDir, directory } = fresh(t)
  prepareDataDirectory(config)
  equal(claimControlPath(config), join(varDir, 'run/control.sock'))
  equal(findControlPath(config), join(varDir, 'run/control.sock'))
  const long = defaultConfig({ paths: { varDir: join(varDir, 'a-long-name'.repeat(10)) } })
  prepareDataDirectory(long)
  const elsewhere = join(directory, 'elsewhere')
  const path = claimControlPath(long, elsewhere)
  match(path, /elsewhere\/[0-9a-f]{16}\.sock$/)
  equal(findControlPath(long), path)
})
