// Does [lmtp] allow let in the mail server that our mail goes out through? Mostly it is the one that hands mail in.
import { BlockList, isIP } from 'node:net'
import { finding } from '../finding.ts'
import { ownAddresses } from './addresses.ts'
import type { Check } from './checked-site.ts'
import { notLetIn } from './lmtp-kinds.ts'

export const lmtpAllow: Check = {
  kinds: [notLetIn],
  async *look({ config, facts, patience, addressesOf }) {
    const { allow } = config.lmtp
    if (allow === null) return // smtp_host is let in then
    const list = new BlockList()
    for (const { address, prefix, family } of allow) list.addSubnet(address, prefix, family)
    const own = ownAddresses()
    const addresses = await addressesOf(facts.relay.host, patience.connect)
    // This machine's own addresses are tried at the door itself.
    const left = addresses.filter(
      (address) => !own.has(address) && !list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6'),
    )
    if (left.length === 0) return
    const networks = allow.map(({ address, prefix }) => `${address}/${prefix}`).join(' ')
    yield finding(notLetIn, {
      seen: `[lmtp] allow: ${networks}; smtp_host is ${left.join(', ')}`,
      file: facts.configFile,
      change: `If mail for lists comes from there: [lmtp] allow: ${networks} ${left.join(' ')}`,
    })
  },
}
