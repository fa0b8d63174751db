// Who may hand in mail: LMTP has no password, so the client's address is what counts. Pure but for the default,
// which asks the machine for its own addresses.
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

/** `::ffff:192.0.2.1` is `192.0.2.1` (RFC 4291 §2.5.5.2), and an interface's name goes. */
export function plainAddress(address: string): string {
  const [bare = ''] = address.split('%')
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(bare) ? bare.slice(7) : bare
}

export type Networks = { readonly allow: (address: string) => boolean } | { readonly mistake: string }

/** Networks such as `192.0.2.0/24`, `2001:db8::/32`, or single addresses. */
export function allowNetworks(networks: readonly string[]): Networks {
  const list = new BlockList()
  for (const network of networks) {
    const mistake = add(list, network)
    if (mistake !== null) return { mistake }
  }
  return {
    allow: (address) => {
      const plain = plainAddress(address)
      const family = isIP(plain)
      return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
    },
  }
}

/**
 * The default: loopback, this machine's own addresses (asked anew when an unknown one comes: interfaces come and
 * go), and those of `smtp_host`, resolved by the caller.
 */
export function allowOwn(smtpHostAddresses: readonly string[]): (address: string) => boolean {
  const known = allowNetworks(['127.0.0.0/8', '::1', ...smtpHostAddresses.map(plainAddress)])
  if ('mistake' in known) throw new TypeError(`an address of smtp_host: ${known.mistake}`)
  return (address) => known.allow(address) || ownAddresses().has(plainAddress(address))
}

const ownAddresses = (): ReadonlySet<string> =>
  new Set(
    Object.values(networkInterfaces()).flatMap((each) =>
      (each ?? []).map(({ address }) => plainAddress(address)),
    ),
  )

/** Returns what is wrong with it, or null. */
function add(list: BlockList, network: string): string | null {
  const [address = '', bits, ...more] = network.trim().split('/')
  const family = isIP(address)
  const longest = family === 4 ? 32 : 128
  if (family === 0 || more.length > 0) {
    return `'${network}' is not a network: write it as 192.0.2.0/24, 2001:db8::/32 or a single address`
  }
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= longest)) {
    return `'${network}': after the / comes a number from 0 to ${longest}`
  }
  list.addSubnet(address, bits === undefined ? longest : Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return null
}
