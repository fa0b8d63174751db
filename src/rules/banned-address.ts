// Hits when an address that a post names as its sender, in whichever field, is banned from the list or the site.
import type { Rule } from '../model/rule.ts'

export const bannedAddress: Rule = {
  name: 'banned-address',
  summary: 'Message sender is banned from this list',
  check: ({ banned: [address] }) => (address === undefined ? null : { address }),
  reason: ({ address }) => `Message sender ${address} is banned from this list`,
}
