import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Unavailable } from '../base/unavailable.ts'
import type { ConfigurationFile } from '../model/hookup.ts'
import { diffOf, planChanges, writeChanges } from './apply.ts'
import { unifiedDiff } from './diff.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'posthorn-apply-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const block = (path: string, line: string, replaces: readonly number[] = []): ConfigurationFile => ({
  path,
  kind: 'block',
  comment: '#',
  place: 'end',
  settings: [{ lines: [line], why: 'Grüße.', replaces }],
  mode: 0o640,
})

const stamp = '2026-11-25T21-48-31Z'

test('a file gets the block, keeps owner, mode and octets, and the text before stays beside it', async (t) => {
  const directory = folder(t)
  const path = join(directory, 'main.cf')
  const before = Buffer.from('# Gr\xfc\xdfe\ntransport_maps = hash:/etc/x\n', 'latin1')
  writeFileSync(path, before)
  chmodSync(path, 0o604)
  const { changes, refusals } = await planChanges([block(path, 'transport_maps = y', [2])])
  deepEqual(refusals, [])
  const [change] = changes
  ok(change !== undefined && changes.length === 1)
  match(diffOf(change), /^--- .*\n\+\+\+ .*\n@@ -1,2 \+1,6 @@\n/)
  match(diffOf(change), /^-transport_maps = hash:\/etc\/x\n\+# posthorn was: transport_maps = hash/m)
  match(diffOf(change), /^\+# Grüße\.$/m)
  const backup = `${path}.posthorn-${stamp}`
  deepEqual(await writeChanges(changes, stamp), [{ path, backup }])
  const after = readFileSync(path)
  ok(after.subarray(0, 8).equals(before.subarray(0, 8)))
  match(after.toString('utf8'), /# Grüße\.\ntransport_maps = y\n# posthorn hookup end\n$/)
  for (const file of [path, backup]) equal(statSync(file).mode & 0o7777, 0o604)
  ok(readFileSync(backup).equals(before))
  deepEqual(readdirSync(directory).sort(), ['main.cf', `main.cf.posthorn-${stamp}`])
  deepEqual(await planChanges([block(path, 'transport_maps = y', [2])]), { changes: [], refusals: [] })
})

test('a new file has the mode that the hook-up says, and no backup', async (t) => {
  const path = join(folder(t), 'fresh')
  const { changes } = await planChanges([block(path, 'x')])
  deepEqual(await writeChanges(changes, stamp), [{ path, backup: null }])
  equal(statSync(path).mode & 0o7777, 0o640)
})

test('behind a symbolic link the file itself is written', async (t) => {
  const directory = folder(t)
  const [real, link] = [join(directory, 'real'), join(directory, 'link')]
  writeFileSync(real, 'a\n')
  symlinkSync(real, link)
  const written = await writeChanges((await planChanges([block(link, 'x')])).changes, stamp)
  deepEqual(written, [{ path: real, backup: `${real}.posthorn-${stamp}` }])
  ok(lstatSync(link).isSymbolicLink())
  match(readFileSync(real, 'utf8'), /^a\n# posthorn hookup begin/)
})

test('a file that was changed after it was shown is left alone, and so are all others', async (t) => {
  const directory = folder(t)
  const [one, two] = [join(directory, 'one'), join(directory, 'two')]
  for (const path of [one, two]) writeFileSync(path, 'a\n')
  const { changes } = await planChanges([block(one, 'x'), block(two, 'x')])
  writeFileSync(two, 'b\n')
  await rejects(writeChanges(changes, stamp), /two was changed by somebody else .* run this again/)
  equal(readFileSync(one, 'utf8'), 'a\n')
  equal(readFileSync(two, 'utf8'), 'b\n')
  deepEqual(readdirSync(directory).sort(), ['one', 'two'])
})

test('when one file cannot be written, none is', async (t) => {
  const directory = folder(t)
  const [one, two] = [join(directory, 'one'), join(directory, 'missing', 'two')]
  writeFileSync(one, 'a\n')
  const { changes } = await planChanges([block(one, 'x'), block(two, 'x')])
  await rejects(writeChanges(changes, stamp), (fault) => {
    ok(fault instanceof Unavailable)
    match(fault.message, /missing\/two cannot be written \(ENOENT/)
    return true
  })
  equal(readFileSync(one, 'utf8'), 'a\n')
  deepEqual(readdirSync(directory), ['one'])
})

test('what cannot be read is told, with the file', async (t) => {
  await rejects(planChanges([block(folder(t), 'x')]), /cannot be read \(EISDIR/)
})

for (const { title, before, after, wanted } of [
  { title: 'equal texts have none', before: 'a\n', after: 'a\n', wanted: '' },
  {
    title: 'a new file comes from nowhere',
    before: null,
    after: 'a\nb\n',
    wanted: '--- /dev/null\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n',
  },
  {
    title: 'changes far apart are hunks of their own',
    before: '1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n',
    after: '1a\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n',
    wanted: '--- f\n+++ f\n@@ -1,4 +1,4 @@\n-1\n+1a\n 2\n 3\n 4\n@@ -8,3 +8,4 @@\n 8\n 9\n 10\n+11\n',
  },
])
  test(`unified diff: ${title}`, () => {
    equal(unifiedDiff('f', before, after), wanted)
  })

test('a file of ours alone is replaced without a copy beside it, and put back when another cannot be written', async (t) => {
  const directory = folder(t)
  const path = join(directory, 'posthorn')
  const ours = (line: string): ConfigurationFile => ({ ...block(path, line), kind: 'whole' })
  await writeChanges((await planChanges([ours('one')])).changes, stamp)
  const first = readFileSync(path, 'utf8')
  chmodSync(path, 0o604)
  const other = join(directory, 'other')
  const { changes } = await planChanges([ours('two'), block(other, 'x')])
  writeFileSync(other, 'made meanwhile\n')
  await rejects(writeChanges(changes, stamp), Unavailable)
  equal(readFileSync(path, 'utf8'), first)
  await writeChanges((await planChanges([ours('two')])).changes, stamp)
  match(readFileSync(path, 'utf8'), /^two$/m)
  equal(statSync(path).mode & 0o7777, 0o604)
  deepEqual(readdirSync(directory).sort(), ['other', 'posthorn'])
})
