// Records a database as this release writes it, for the tests of later ones: a list with two members, a held post, and
// copies that wait for the relay. Run it once for each release that changed the schema.
//
//   node scripts/record-database.ts        writes test/databases/VERSION.db.gz
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { copyDatabase } from '../src/store/snapshot.ts'
import { Sink } from '../test/mta-lab/sink.mjs'
import { handIn, post } from '../test/support/hand-in.ts'
import { eventually, freshSite } from '../test/support/server.ts'

const root = new URL('..', import.meta.url).pathname
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string
}
const tea = 'tea@lists.example.test'
const [ann, ben, stranger] = ['ann@one.example.test', 'ben@two.example.test', 'eve@three.example.test']

const relay = new Sink({ port: 0, greeting: 421 })
await relay.listen()
await using site = await freshSite({ relayPort: relay.port })
const server = await site.start()
await site.list(tea, [ann, ben])
for (const [from, id] of [
  [ann, 'waits'],
  [stranger, 'held'],
] as const) {
  await handIn({ port: server.lmtpPort, from, to: [tea], message: post(from, tea, id) })
  await eventually(
    'a verdict',
    async () => (await site.posthorn(['trace', `<${id}@client.example.test>`])).code === 0,
  )
}
await server.stop()
await relay.close()
const copy = join(site.directory, 'copy.db')
copyDatabase(join(site.varDir, 'posthorn.db'), copy)
const target = join(root, 'test/databases', `${version}.db.gz`)
writeFileSync(target, gzipSync(readFileSync(copy), { level: 9 }))
process.stdout.write(`${target}\n`)
