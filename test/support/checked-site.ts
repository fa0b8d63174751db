// A site for the tests of doctor's general checks: a real data directory and database with the list tea, and settings as
// a test wants them. Its mail server and its door are what the test puts there.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { hostFacts } from '../../src/app/host-facts.ts'
import { mailServerHost } from '../../src/app/mail-server-host.ts'
import { relayOf } from '../../src/app/relay.ts'
import { systemClock } from '../../src/base/clock.ts'
import { systemRandom } from '../../src/base/random.ts'
import { type ConfigOverrides, defaultConfig } from '../../src/config/config.ts'
import { addressesOf } from '../../src/hookup/checks/addresses.ts'
import { type Check, type CheckedSite, usualPatience } from '../../src/hookup/checks/checked-site.ts'
import type { Finding } from '../../src/model/hookup.ts'
import { createList } from '../../src/store/units/lists.ts'
import { type FreshStore, freshStore } from './fresh-store.ts'

export interface Checked {
  readonly fresh: FreshStore
  readonly site: CheckedSite
}

export type FreshSite = Checked & AsyncDisposable

export const domain = 'lists.example.test'

/** A data directory with the list tea, for many sites. */
export async function freshTea(): Promise<FreshStore> {
  const fresh = await freshStore()
  const made = { mailHost: domain, settings: {}, createDomain: true, now: systemClock.now() }
  await fresh.store.commit(createList, { name: 'tea', ...made })
  mkdirSync(join(fresh.directory, 'data'))
  return fresh
}

/** A site with a data directory of its own. */
export async function freshChecked(
  overrides: ConfigOverrides = {},
  more: Partial<CheckedSite> = {},
): Promise<FreshSite> {
  const checked = await siteOver(await freshTea(), overrides, more)
  return { ...checked, [Symbol.asyncDispose]: () => checked.fresh[Symbol.asyncDispose]() }
}

/** `more` over the site; `overrides` over the configuration, whose ports are 1 (nobody listens) unless said. */
export async function siteOver(
  fresh: FreshStore,
  overrides: ConfigOverrides = {},
  more: Partial<CheckedSite> = {},
): Promise<Checked> {
  const config = defaultConfig({
    ...overrides,
    paths: { varDir: fresh.directory, dataDir: join(fresh.directory, 'data') },
    mailman: { siteOwner: defaultOwner, ...overrides.mailman },
    store: { ...overrides.store },
    mta: { lmtpHost: '127.0.0.1', lmtpPort: 1, smtpHost: '127.0.0.1', smtpPort: 1, ...overrides.mta },
  })
  const host = mailServerHost({ configDir: null, commandPrefix: [] })
  const facts = await hostFacts(config, host)
  const site: CheckedSite = {
    config,
    facts,
    relay: relayOf(config, 'posthorn.example.test'),
    database: fresh.path,
    serverRuns: true,
    host,
    random: systemRandom,
    addressesOf,
    patience: usualPatience,
    nameServers: null,
    ...more,
  }
  return { fresh, site }
}

const defaultOwner = 'owner@example.test' as CheckedSite['config']['mailman']['siteOwner']

/** Waits only this long for what never comes; for tests of silence. */
export const briefly = { ...usualPatience, greeting: 150, reply: 150 }

export async function findingsOf({ look }: Check, site: CheckedSite): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for await (const finding of look(site)) findings.push(finding)
  return findings
}

export async function codesOf(check: Check, site: CheckedSite): Promise<readonly string[]> {
  return (await findingsOf(check, site)).map(({ kind }) => kind.code)
}
