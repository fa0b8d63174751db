import { deepEqual, equal, match, throws } from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openLineSink } from './line-sink.ts'

function freshPath(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-lines-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, 'log')
}

test('each line is in the file when write returns', (t) => {
  const path = freshPath(t)
  const sink = openLineSink(path)
  sink.write('one\n')
  equal(readFileSync(path, 'utf8'), 'one\n')
  openLineSink(path).write('two\n')
  equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
})

test('a full disk costs lines and nothing else', () => {
  const sink = openLineSink('/dev/full')
  for (let i = 0; i < 10; i += 1) sink.write('gone\n')
})

test('when there is room again, the log says how many lines are lost and why', (t) => {
  const path = freshPath(t)
  const descriptor = openSync(path, 'a')
  const sink = openLineSink(descriptor)
  sink.write('one\n')
  closeSync(descriptor)
  sink.write('two\n')
  sink.write('three\n')
  // The kernel gives the lowest free number: the file is open under the old one again.
  equal(openSync(path, 'a'), descriptor)
  sink.write('four\n')
  closeSync(descriptor)
  const [one, lost, four] = readFileSync(path, 'utf8').split('\n')
  deepEqual([one, four], ['one', 'four'])
  match(lost ?? '', /"level":"error".*"lines":2,"reason":"EBADF: .*"event":"log\.lost"/)
})

test('lines go to the new file once the old one was moved and reopen was called', (t) => {
  const path = freshPath(t)
  const sink = openLineSink(path)
  renameSync(path, `${path}.1`)
  sink.write('old\n')
  sink.reopen()
  sink.write('new\n')
  deepEqual([readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')], ['old\n', 'new\n'])
})

test('where the new file cannot be opened, the old one goes on', (t) => {
  const path = freshPath(t)
  const sink = openLineSink(path)
  renameSync(dirname(path), `${dirname(path)}.moved`)
  t.after(() => rmSync(`${dirname(path)}.moved`, { recursive: true }))
  sink.reopen()
  sink.write('old\n')
  equal(readFileSync(join(`${dirname(path)}.moved`, 'log'), 'utf8'), 'old\n')
})

test('a path that cannot be opened at the start is told', (t) => {
  throws(() => openLineSink(join(freshPath(t), 'below', 'a', 'file')), { code: 'ENOENT' })
})
