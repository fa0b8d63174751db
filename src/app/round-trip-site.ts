// What a round trip (`doctor --deep`) is given, in the server: its relay, secret and tables, and the domain to go through.
import { hostname } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { instant, SECOND } from '../base/clock.ts'
import type { RoundTripSite } from '../hookup/deep/round-trip-news.ts'
import type { DirectoryDomain } from '../model/mail-server.ts'
import type { Services } from '../services.ts'
import { directory } from '../store/units/lists.ts'
import { removeTrials } from '../store/units/trials.ts'
import { messagesDirectory } from './data-directory.ts'
import { relayOf, verpSecret } from './relay.ts'

/** `wait` in milliseconds: for each hop, and for each reply of the mail server. */
export async function roundTripSite(
  services: Services,
  publish: RoundTripSite['publish'],
  wait: number,
): Promise<RoundTripSite> {
  const { store, clock, random, config } = services
  const relay = relayOf(config, hostname())
  const patience = Math.max(wait, 10 * SECOND)
  const timeouts = {
    ...relay.timeouts,
    connect: patience,
    greeting: patience,
    mail: patience,
    rcpt: patience,
  }
  return {
    store,
    clock,
    random,
    relay: { ...relay, timeouts: { ...timeouts, data: patience, dot: 2 * patience } },
    hostname: hostname(),
    incoming: [config.mta.incoming].flat().map((one) => (one.kind === 'built-in' ? one.name : one.file)),
    delimiter: config.mta.verpDelimiter,
    verpKey: await verpSecret(services),
    spool: messagesDirectory(config),
    publish,
    rest: (milliseconds, signal) => pause(milliseconds, undefined, { signal }),
  }
}

/** The domain of that name, or the one that says most: for lists alone, with lists. Null for none. */
export function domainToTry({ store }: Pick<Services, 'store'>, name: string | null): DirectoryDomain | null {
  const { domains } = store.read(directory, null).directory
  if (name !== null) return domains.find(({ mailHost }) => mailHost === name.toLowerCase()) ?? null
  const worth = (domain: DirectoryDomain): number =>
    (domain.listNames.length > 0 ? 2 : 0) + (domain.listOnly ? 1 : 0)
  return [...domains].sort((a, b) => worth(b) - worth(a))[0] ?? null
}

/** Removes the lists of round trips that a dead server left behind: none can be under way when one starts. */
export async function forgetTrials({ store, log }: Pick<Services, 'store' | 'log'>): Promise<void> {
  const removed = await store.commit(removeTrials, { lists: [], before: instant(Number.MAX_SAFE_INTEGER) })
  if (removed > 0) log.info('round-trip.forgotten', { removed })
}
