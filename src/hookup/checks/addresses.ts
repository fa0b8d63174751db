// From names to addresses, as the system's resolver knows them (/etc/hosts and DNS), in a bounded time.
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** All addresses of a name, in the system's order; of an address itself. Empty when there are none, or no answer. */
export async function addressesOf(host: string, milliseconds: number): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host]
  const late = Promise.withResolvers<readonly string[]>()
  const timer = setTimeout(() => late.resolve([]), milliseconds)
  const found = lookup(host, { all: true, order: 'verbatim' }).then(
    (all) => [...new Set(all.map(({ address }) => address))],
    () => [],
  )
  try {
    return await Promise.race([found, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** This machine's own addresses, loopback included. */
export function ownAddresses(): ReadonlySet<string> {
  return new Set(
    Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)),
  )
}
