// What the general checks of `doctor` are given, from the configuration and the facts that the frame has gathered.
import { systemRandom } from '../base/random.ts'
import type { Config } from '../config/config.ts'
import { addressesOf } from '../hookup/checks/addresses.ts'
import { type CheckedSite, usualPatience } from '../hookup/checks/checked-site.ts'
import type { HostFacts, MailServerHost } from '../model/hookup.ts'
import { databasePath, whoHoldsLock } from './data-directory.ts'
import { relayOf } from './relay.ts'

/** `host` is where the mail server is. Throws DirectoryRefusal when the lock cannot be looked at. */
export function checkedSite(
  config: Config,
  facts: HostFacts,
  host: Pick<MailServerHost, 'stat' | 'run'>,
): CheckedSite {
  const holder = whoHoldsLock(config)
  return {
    config,
    facts,
    relay: relayOf(config, facts.hostname),
    database: databasePath(config),
    serverRuns: holder !== null && (holder === 'unknown' || holder.what === 'server'),
    host,
    random: systemRandom,
    addressesOf,
    patience: usualPatience,
    nameServers: null,
  }
}
