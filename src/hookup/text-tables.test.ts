import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { opensmtpd, sendmail } from './text-tables.ts'

const lists = (...listNames: string[]) => ({
  domains: [{ mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames }],
})

function fresh(t: TestContext): { readonly directory: string; readonly reloadCommand: readonly string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-text-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return { directory, reloadCommand: [] }
}

for (const { name, table, make, names } of [
  {
    name: 'Sendmail',
    table: 'sendmail_lists',
    make: sendmail,
    names: /^tea-owner@lists\.example\.org owner$/m,
  },
  {
    name: 'OpenSMTPD',
    table: 'opensmtpd_recipients',
    make: (settings: Parameters<typeof sendmail>[0]) => opensmtpd({ ...settings, delimiter: '+' }),
    names: /^\^tea\(-.*\)\?@lists\\\.example\\\.org\$$/m,
  },
]) {
  test(`${name}: tables are there from the start, change with the lists, and are left alone when they do not`, async (t) => {
    const settings = fresh(t)
    const path = join(settings.directory, table)
    const text = () => readFileSync(path, 'utf8')
    const server = make(settings)
    const changed = async (...names: string[]) =>
      (await server.publish(lists(...names))).filter((file) => file.changed).map((file) => file.path)
    equal((await changed()).includes(path), true)
    deepEqual(await changed('tea', 'milk'), [path])
    match(text(), names)
    const { ino, mode } = statSync(path)
    equal(mode & 0o777, 0o644)
    deepEqual(await changed('tea', 'milk'), [])
    equal(statSync(path).ino, ino)
    deepEqual(await changed('milk'), [path])
    equal(names.test(text()), false)
    deepEqual(
      readdirSync(settings.directory).filter((file) => file.endsWith('.new')),
      [],
    )
  })

  test(`${name}: a table that someone edited or removed is put right, by another process too`, async (t) => {
    const settings = fresh(t)
    const path = join(settings.directory, table)
    const server = make(settings)
    await server.publish(lists('tea'))
    const good = readFileSync(path, 'utf8')
    writeFileSync(path, 'mine\n')
    await server.publish(lists('tea'))
    equal(readFileSync(path, 'utf8'), good)
    rmSync(path)
    await make(settings).publish(lists('tea'))
    equal(readFileSync(path, 'utf8'), good)
  })

  test(`${name}: a directory that is not there is named`, async () => {
    const settings = { directory: '/nowhere/data', reloadCommand: [] }
    await rejects(make(settings).publish(lists('tea')), { name: 'Unavailable', message: /\/nowhere\/data/ })
  })
}
