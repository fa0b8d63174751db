import { deepEqual, equal, match } from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findingsOf, freshChecked } from '../../../test/support/checked-site.ts'
import { withNameServer, type Zone } from '../../../test/support/name-server.ts'
import { usualPatience } from './checked-site.ts'
import { dns, isPublic } from './dns.ts'

const domain = 'lists.example.edu'
const sound: Zone = {
  [`${domain} MX`]: ['10 mail.example.edu'],
  'mail.example.edu A': ['127.0.0.1'], // an address of this machine, wherever the test runs
  [`${domain} TXT`]: ['google-site-verification=x', 'v=spf1 mx -all'],
  '_dmarc.example.edu TXT': ['v=DMARC1; p=none'],
}
const without = (...keys: readonly string[]): Zone =>
  Object.fromEntries(Object.entries(sound).filter(([key]) => !keys.includes(key)))

for (const { title, zone, codes, seen = /./ } of [
  { title: 'a domain that has all of it is in order', zone: sound, codes: [], seen: /^$/ },
  { title: 'no MX and no address', zone: { ...without(`${domain} MX`) }, codes: ['dns.no-mx'], seen: /lists\.example\.edu has no MX and no address/ },
  { title: 'an address does without an MX', zone: { ...without(`${domain} MX`), [`${domain} A`]: ['127.0.0.1'] }, codes: [], seen: /^$/ },
  { title: 'an MX without an address', zone: without('mail.example.edu A'), codes: ['dns.no-mx'], seen: /MX mail\.example\.edu: without an address/ },
  { title: 'an MX elsewhere', zone: { ...sound, 'mail.example.edu A': ['192.0.2.7'] }, codes: ['dns.mx-elsewhere'], seen: /MX mail\.example\.edu \(192\.0\.2\.7\)/ },
  { title: 'a null MX', zone: { ...sound, [`${domain} MX`]: ['0 .'] }, codes: ['dns.refuses-mail'] },
  { title: 'no SPF', zone: { ...sound, [`${domain} TXT`]: ['other'] }, codes: ['dns.no-spf'] },
  { title: 'two SPF', zone: { ...sound, [`${domain} TXT`]: ['v=spf1 mx -all', 'v=spf1 a -all'] }, codes: ['dns.spf-twice'], seen: /"v=spf1 mx -all".*"v=spf1 a -all"/ },
  { title: 'no DMARC', zone: without('_dmarc.example.edu TXT'), codes: ['dns.no-dmarc'], seen: /_dmarc\.lists\.example\.edu/ },
]) // biome-ignore format: a table
  test(`dns: ${title}`, () =>
    withNameServer(zone, async (server) => {
      const findings = await look(server)
      deepEqual(
        findings.map(({ kind }) => kind.code),
        codes,
      )
      match(findings[0]?.seen ?? '', seen)
    }))

test('dns: where no name server answers, nothing is said', () =>
  withNameServer(null, async (server) => deepEqual(await look(server, 300), [])))

async function look(server: string, names: number = usualPatience.names) {
  await using fresh = await freshChecked({}, { nameServers: [server], patience: { ...usualPatience, names } })
  const { facts } = fresh.site
  const domains = facts.domains.map((one) => ({ ...one, mailHost: domain }))
  return findingsOf(dns, { ...fresh.site, facts: { ...facts, domains } })
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const text = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')

for (const { title, records, codes } of [
  {
    title: 'the key that belongs to ours is in order',
    records: [`v=DKIM1; k=ed25519; p=${text}`],
    codes: [],
  },
  { title: 'no key is told', records: [], codes: ['dns.no-dkim-key'] },
  { title: 'a key that was taken back is none', records: ['v=DKIM1; p='], codes: ['dns.no-dkim-key'] },
  { title: 'another key is told', records: ['v=DKIM1; k=ed25519; p=AAAA'], codes: ['dns.other-dkim-key'] },
])
  test(`dns: ${title}`, () =>
    withNameServer({ ...sound, [`s1._domainkey.${domain} TXT`]: records }, async (server) => {
      await using fresh = await freshChecked({}, { nameServers: [server] })
      const { facts, config } = fresh.site
      const file = join(fresh.fresh.directory, 'key.pem')
      writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }))
      const domains = facts.domains.map((one) => ({ ...one, mailHost: domain }))
      const dkim = { ...config.dkim, keys: [{ domain, selector: 's1', file }] }
      const findings = await findingsOf(dns, {
        ...fresh.site,
        facts: { ...facts, domains },
        config: { ...config, dkim },
      })
      deepEqual(
        findings.map(({ kind }) => kind.code),
        codes,
      )
      for (const { change } of findings) match(change, new RegExp(`p=${text.replace(/[+/]/g, '\\$&')}"$`))
    }))

for (const name of ['a.test', 'a.example', 'lists.example.com', 'a.invalid', 'localhost', 'a.localhost'])
  test(`dns: nobody is asked about ${name}`, () => equal(isPublic(name), false))
