import { deepEqual, equal } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { freshStore } from '../../test/support/fresh-store.ts'
import { HOUR, ManualClock } from '../base/clock.ts'
import { writeMessageFile } from '../lmtp/message-file.ts'
import { acceptMessage, filesWithRows } from '../store/units/reception.ts'
import { removeStrays } from './housekeeping.ts'

const hashOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

test('files of large messages without a row go after an hour, and nothing else does', async () => {
  await using fresh = await freshStore()
  const { store } = fresh
  const spool = join(fresh.directory, 'messages')
  const clock = new ManualClock()
  const write = async (text: string): Promise<string> => {
    const bytes = Buffer.from(text)
    return writeMessageFile(spool, hashOf(bytes), bytes)
  }
  const put = (name: string): string => {
    mkdirSync(dirname(join(spool, name)), { recursive: true })
    writeFileSync(join(spool, name), 'x')
    return name
  }
  const kept = await write('has a row')
  const stray = await write('its row was never committed')
  const young = await write('its row may still come')
  const half = put(`${'ab'.repeat(32)}-abcdefgh.tmp`)
  const foreign = [put('AB/CD/ABCDEFGHIJ'), put('notes.tmp'), put('ab/cd/notes')]
  await store.commit(acceptMessage, {
    hash: hashOf(Buffer.from('has a row')),
    size: 9,
    body: { file: kept },
    transactionHash: new Uint8Array(32),
    recipients: [],
    now: clock.now(),
    mayRepeat: false,
  })
  deepEqual(store.read(filesWithRows, { files: [stray, kept, young] }), [kept])

  const seconds = clock.now() / 1000
  for (const name of [kept, stray, young, half, ...foreign]) utimesSync(join(spool, name), seconds, seconds)
  equal(await removeStrays({ store, clock }, spool), 0)
  clock.advance(HOUR + 1)
  utimesSync(join(spool, young), clock.now() / 1000, clock.now() / 1000)
  equal(await removeStrays({ store, clock }, spool), 2)
  deepEqual(
    [kept, stray, young, half, ...foreign].map((name) => existsSync(join(spool, name))),
    [true, false, true, false, true, true, true],
  )
})

test('a folder that is not there yet holds no strays', async () => {
  await using fresh = await freshStore()
  equal(
    await removeStrays({ store: fresh.store, clock: new ManualClock() }, join(fresh.directory, 'none')),
    0,
  )
})
