import { equal, match } from 'node:assert/strict'
import { copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock, type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Log } from '../base/log.ts'
import { watchDatabase } from './database-watch.ts'

function watched(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-watch-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'posthorn.db')
  writeFileSync(path, 'lists')
  const lines: string[] = []
  const hear = (event: string): void => {
    lines.push(event)
  }
  const log: Log = { debug: hear, info: hear, warn: hear, error: hear, with: () => log }
  mock.timers.enable({ apis: ['setInterval'] })
  const watch = watchDatabase(path, { log })
  t.after(() => {
    watch.stop()
    mock.timers.reset()
  })
  /** Without `until`: as long as a look takes on an idle machine, and no longer. */
  const aSecond = async (until?: () => boolean): Promise<void> => {
    mock.timers.tick(1000)
    const end = performance.now() + 20_000
    for (let turns = 0; until === undefined ? turns < 200 : !until() && performance.now() < end; turns += 1)
      await turn()
  }
  return { path, watch, lines, aSecond }
}

test('a database that is removed is gone for good, and the log says so once', async (t) => {
  const { path, watch, lines, aSecond } = watched(t)
  await aSecond()
  equal(watch.isThere(), true)
  rmSync(path)
  await aSecond(() => !watch.isThere())
  equal(watch.isThere(), false)
  writeFileSync(path, 'another')
  await aSecond()
  equal(watch.isThere(), false)
  match(lines.join(), /^database\.gone$/)
})

test('another file in its place is not the database', async (t) => {
  const { path, watch, aSecond } = watched(t)
  copyFileSync(path, `${path}.restored`)
  renameSync(`${path}.restored`, path)
  await aSecond(() => !watch.isThere())
  equal(watch.isThere(), false)
})
