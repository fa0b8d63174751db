// Hosts, networks and listen addresses in a configuration: what can be bound, called, or allowed in.
import { isIP } from 'node:net'
import { quote } from './mistake.ts'
import { isHostName, typeOf, type ValueType } from './values.ts'

/** An address range (RFC 4632, RFC 4291 §2.3); a single address has the full prefix. */
export interface Network {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Where to listen: a TCP port, or a Unix socket at a path. */
export type ListenAddress =
  | ({ readonly kind: 'tcp' } & HostPort)
  | { readonly kind: 'unix'; readonly path: string }

const hostAccepted = 'a host name, an IPv4 address or an IPv6 address'

/** A name or an address; IPv6 addresses come out without brackets. */
export const host = typeOf('host', hostAccepted, 'host', parseHost)

/** `host:port`; an IPv6 address stands in brackets. */
export const hostPort = typeOf(
  'host:port',
  'host:port such as 127.0.0.1:2525 or [::1]:2525',
  'host with port',
  (text) => parseHostPort(text),
)

/** `host:port`, or the absolute path of a Unix socket. */
export const listenAddress = typeOf<ListenAddress>(
  'listen address',
  'host:port such as 127.0.0.1:8080, or the absolute path of a socket',
  'listen address',
  (text) => {
    if (text.startsWith('/')) return Object.freeze({ kind: 'unix', path: text })
    const parsed = parseHostPort(text)
    return parsed === undefined ? undefined : Object.freeze({ kind: 'tcp', ...parsed })
  },
)

/** Addresses and ranges between blanks or commas; empty is null. */
export const networks: ValueType<readonly Network[] | null> = {
  name: 'networks',
  accepted: 'addresses or networks such as 192.0.2.1 198.51.100.0/24 2001:db8::/32',
  parse: (text) => {
    const found: Network[] = []
    for (const word of text.split(/[\s,]+/).filter((each) => each !== '')) {
      const network = parseNetwork(word)
      if (network === null) return { wrong: `${quote(word)} is not a network` }
      found.push(network)
    }
    return { value: found.length === 0 ? null : Object.freeze(found) }
  },
}

/** True for names and addresses that only this machine can reach (RFC 6761 §6.3). */
export function isLoopback(name: string): boolean {
  const lower = name.toLowerCase()
  if (isIP(lower) === 4) return lower.startsWith('127.')
  return lower === '::1' || lower === 'localhost' || lower.endsWith('.localhost')
}

/** True for the addresses that stand for all of this machine's. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || (isIP(address) === 6 && /^[0:]+$/.test(address))
}

function parseHost(text: string): string | undefined {
  const bare = /^\[(?:ipv6:)?([^\]]+)\]$/i.exec(text)?.[1] ?? text
  if (isIP(bare) !== 0) return bare.toLowerCase()
  const looksNumeric = /^[\d.]+$/.test(bare)
  return bare === text && !looksNumeric && isHostName(text) ? text : undefined
}

function parseHostPort(text: string): HostPort | undefined {
  const [, left = '', right = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? []
  const bracketless = isIP(left) === 6 ? undefined : parseHost(left)
  return bracketless === undefined || Number(right) > 65535
    ? undefined
    : { host: bracketless, port: Number(right) }
}

function parseNetwork(text: string): Network | null {
  const [address = '', length, ...rest] = text.split('/')
  const version = isIP(address)
  const longest = version === 4 ? 32 : 128
  const prefix = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : -1
  if (version === 0 || rest.length > 0 || prefix < 0 || prefix > longest) return null
  return Object.freeze({ address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' })
}
