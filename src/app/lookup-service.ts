// Opens the look-up service as [lookup] says: with the delimiter and the guests of the door, so that a mail server is
// told the same at both.
import type { ListenAddress } from '../config/hosts.ts'
import { type LookupService, openLookup } from '../hookup/lookup.ts'
import { readsocket, socketmap, tcpTable } from '../hookup/lookup-protocols.ts'
import type { Services } from '../services.ts'
import type { Place } from '../smtp/listening.ts'

const maxConnections = 2000

/** Null where nothing is offered. Throws DoorRefusal when it cannot listen. */
export async function openLookupService(
  { config, store, log }: Services,
  allow: (address: string) => boolean,
): Promise<LookupService | null> {
  const { lookup, lmtp, mta } = config
  const listen = [
    { address: lookup.socketmap, protocol: socketmap },
    { address: lookup.tcpTable, protocol: tcpTable },
    { address: lookup.readsocket, protocol: readsocket },
  ].flatMap(({ address, protocol }) => (address === null ? [] : [{ place: placeOf(address), protocol }]))
  if (listen.length === 0) return null
  const { idleTimeout } = lmtp
  return openLookup(
    { store, log },
    { listen, allow, delimiter: mta.verpDelimiter, idleTimeout, maxConnections },
  )
}

function placeOf(address: ListenAddress): Place {
  return address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port }
}
