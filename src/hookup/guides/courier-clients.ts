// From which addresses Posthorn comes to Courier's SMTP port. Pure.
import { isIP } from 'node:net'
import type { HostFacts } from '../../model/hookup.ts'
import { addressFromAfar, isLoopback } from './hosts.ts'

/** Both families where the name of the relay does not say which; empty when nobody can tell, or when Posthorn logs in. */
export function relayClients({ lmtp, relay }: HostFacts): readonly string[] {
  if (relay.user !== null) return []
  const afar = addressFromAfar(lmtp.host)
  if (afar !== null) return isIP(afar) === 0 ? [] : [afar]
  const host = relay.host.toLowerCase()
  if (!isLoopback(host)) return []
  return isIP(host) === 6 ? ['::1'] : isIP(host) === 4 ? [host] : ['127.0.0.1', '::1']
}
