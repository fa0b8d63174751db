import { deepEqual, match } from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { type FreshSite, findingsOf, freshChecked } from '../../../test/support/checked-site.ts'
import type { ConfigOverrides } from '../../config/config.ts'
import { files } from './files.ts'

type Store = NonNullable<ConfigOverrides['store']>
const everything = { reserve: Number.MAX_SAFE_INTEGER as NonNullable<Store['reserve']> }
// Other owners can be made by root alone.
const byRoot = process.geteuid?.() === 0 ? {} : { skip: 'chown needs root' }

/** The whole site to another account, as a service has it. */
function giveAway({ fresh, site }: FreshSite, uid: number): void {
  const paths = [fresh.directory, site.facts.dataDir, fresh.path, `${fresh.path}-wal`, `${fresh.path}-shm`]
  for (const path of paths) chownSync(path, uid, uid)
}

for (const { title, store = {}, before, options = {}, codes, seen } of [
  { title: 'a fresh one is in order', before: () => undefined, codes: [], seen: /^$/ },
  { title: 'one that is not there was never started', before: ({ fresh }: FreshSite) => rmSync(fresh.path), codes: ['files.missing'], seen: /posthorn\.db: no such file/ },
  { title: 'less disk than the reserve is told', store: everything, before: () => undefined, codes: ['files.disk-low'], seen: /MiB free, \[store\] reserve is/ },
  { title: 'one of another account is in order', options: byRoot, before: (site: FreshSite) => giveAway(site, 12_345), codes: [], seen: /^$/ },
  { title: 'a table that root has written is told', options: byRoot, before: (site: FreshSite) => { giveAway(site, 12_345); writeFileSync(join(site.site.facts.dataDir, 'postfix_lmtp'), '', { mode: 0o644 }) }, codes: ['files.foreign-owner'], seen: /postfix_lmtp \(user 0, group 0, 0644\)/ },
  { title: 'a table that root has written for the group is in order', options: byRoot, before: (site: FreshSite) => { giveAway(site, 12_345); const path = join(site.site.facts.dataDir, 'postfix_lmtp'); writeFileSync(path, ''); chownSync(path, 0, 12_345); chmodSync(path, 0o660) }, codes: [], seen: /^$/ },
  { title: 'a folder that root has made is told', options: byRoot, before: (site: FreshSite) => { giveAway(site, 12_345); mkdirSync(join(site.fresh.directory, 'run'), { mode: 0o755 }) }, codes: ['files.not-writable'], seen: /run: mode 0755, user 0/ },
  { title: 'a folder that its owner may not write is told', options: byRoot, before: (site: FreshSite) => { giveAway(site, 12_345); chmodSync(site.site.facts.dataDir, 0o500) }, codes: ['files.not-writable'], seen: /data: mode 0500/ },
  { title: 'a database that everybody may read is told', before: ({ fresh }: FreshSite) => { chmodSync(fresh.directory, 0o755); chmodSync(fresh.path, 0o644) }, codes: ['files.readable-by-all'], seen: /posthorn\.db: mode 0644/ },
  { title: 'a closed folder hides such a database', before: ({ fresh }: FreshSite) => { chmodSync(fresh.directory, 0o750); chmodSync(fresh.path, 0o644) }, codes: [], seen: /^$/ },
]) // biome-ignore format: a table
  test(`files: ${title}`, options, async () => {
    await using fresh = await freshChecked({ store })
    chmodSync(fresh.fresh.directory, 0o750)
    before(fresh)
    const findings = await findingsOf(files, fresh.site)
    deepEqual(
      findings.map(({ kind }) => kind.code),
      codes,
    )
    match(findings[0]?.seen ?? '', seen)
  })

for (const { title, write, code } of [
  { title: 'a newer database', write: (path: string) => { const db = new DatabaseSync(path); db.exec('create table schema (version integer, min_reader integer); insert into schema values (9999, 9999)'); db.close() }, code: 'files.database-newer' },
  { title: 'a file that is no database', write: (path: string) => writeFileSync(path, 'tea\n'.repeat(2000)), code: 'files.database-damaged' },
]) // biome-ignore format: a table
  test(`files: ${title} is told`, async () => {
    await using fresh = await freshChecked()
    const path = join(fresh.fresh.directory, 'other.db')
    write(path)
    chmodSync(path, 0o660)
    const findings = await findingsOf(files, { ...fresh.site, database: path })
    deepEqual(
      findings.map(({ kind }) => kind.code),
      [code],
    )
  })

for (const { title, mode, mta, codes } of [
  { title: 'a password that everybody may read is told', mode: 0o644, mta: { smtpUser: 'posthorn', smtpPass: 'secret' }, codes: ['files.configuration-readable-by-all'] },
  { title: 'a password for the group is in order', mode: 0o640, mta: { smtpUser: 'posthorn', smtpPass: 'secret' }, codes: [] },
  { title: 'a file without a password may be read', mode: 0o644, mta: {}, codes: [] },
]) // biome-ignore format: a table
  test(`files: in the configuration ${title}`, async () => {
    await using fresh = await freshChecked({ mta })
    chmodSync(fresh.fresh.directory, 0o755)
    const configFile = join(fresh.fresh.directory, 'posthorn.cfg')
    writeFileSync(configFile, '')
    chmodSync(configFile, mode)
    const findings = await findingsOf(files, { ...fresh.site, facts: { ...fresh.site.facts, configFile } })
    deepEqual(
      findings.map(({ kind }) => kind.code),
      codes,
    )
  })
