// Databases as earlier releases wrote them (scripts/record-database.ts): this one reads them, goes on with what waits, and
// a database that only a newer release can read is left alone.
import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { Sink } from './mta-lab/sink.mjs'
import { eventually, freshSite } from './support/server.ts'

const recorded = new URL('databases/', import.meta.url).pathname
const tea = 'tea@lists.example.test'
const releases = readdirSync(recorded).filter((name) => name.endsWith('.db.gz'))

test('there is a database of a release', () => equal(releases.length > 0, true))

for (const release of releases)
  test(`the database of ${release.slice(0, -6)} is read, and its copies that waited leave`, async () => {
    const recipients: string[] = []
    const relay = new Sink({ port: 0, keep: true })
    relay.o.onMessage = ({ messages }) => void recipients.push(...(messages.at(-1)?.to ?? []))
    await relay.listen()
    await using site = await freshSite({ relayPort: relay.port })
    mkdirSync(site.varDir)
    writeFileSync(join(site.varDir, 'posthorn.db'), gunzipSync(readFileSync(join(recorded, release))))
    const server = await site.start()
    const [ann, ben] = ['ann@one.example.test', 'ben@two.example.test']
    equal(await site.must(['members', tea]), `${ann}\n${ben}\n`)
    match(await site.must(['trace', '<held@client.example.test>']), /held/)
    await eventually('the copies', () => [ann, ben].every((member) => recipients.includes(member)))
    await server.stop()
    await relay.close()
    deepEqual(recipients.filter((to) => to === ann || to === ben).sort(), [ann, ben], 'each of them once')
  })

for (const { title, minReader, starts } of [
  { title: 'a newer schema that this release can still read runs', minReader: 1, starts: true },
  { title: 'a schema that this release cannot read is refused with words', minReader: 999, starts: false },
])
  test(title, async () => {
    await using site = await freshSite({ relayPort: 9 })
    await site.list(tea, [])
    const db = new DatabaseSync(join(site.varDir, 'posthorn.db'))
    db.prepare('insert into schema (version, min_reader) values (999, ?)').run(minReader)
    db.close()
    if (starts) return void (await (await site.start()).stop())
    const { code, err } = await site.refusedStart()
    equal(code, 1)
    match(
      err,
      /was written by a newer Posthorn \(it needs schema 999, this one knows \d+\); install that version/,
    )
  })
