// mynetworks, as smtpd matches a client against it (postconf(5), match_list(3)): networks, files, tables, `!` excludes.
import { BlockList, isIP } from 'node:net'
import { partsOf } from './postfix-configuration.ts'
import type { MasterService } from './postfix-files.ts'
import { tableOf } from './postfix-look-ups.ts'
import type { PostfixView } from './postfix-view.ts'

/** Is the client one of $mynetworks (or of another such list), as this smtpd sees them? The first word that fits decides. */
export async function inNetworks(
  view: PostfixView,
  smtpd: MasterService | null,
  client: string,
  parameter = 'mynetworks',
): Promise<boolean> {
  const words = partsOf(view.configuration.valueFor(smtpd, parameter))
  const verdict = await match(view, words, client, 0)
  return verdict ?? false
}

async function match(
  view: PostfixView,
  words: readonly string[],
  client: string,
  depth: number,
): Promise<boolean | null> {
  for (const word of words) {
    const isNegated = word.startsWith('!')
    const bare = word.replace(/^!/, '')
    const table = tableOf(bare)
    let fits = false
    if (bare.startsWith('/') && depth < 3) {
      const text = (await view.host.readText(bare)) ?? ''
      const lines = text.split('\n').filter((line) => !line.trim().startsWith('#'))
      fits =
        (await match(
          view,
          lines.flatMap((line) => line.split(/[\s,]+/)).filter(Boolean),
          client,
          depth + 1,
        )) ?? false
    } else if (isNetwork(bare)) fits = contains(bare, client)
    else if (table !== null) fits = (await view.ask.askOne(table, client)) !== null
    if (fits) return !isNegated
  }
  return null
}

const isNetwork = (word: string): boolean => networkOf(word) !== null

function networkOf(word: string): { readonly address: string; readonly prefix: number } | null {
  const found = /^\[?([^\]/]+)\]?(?:\/(\d+))?$/.exec(word)
  const address = (found?.[1] ?? '').replace(/^ipv6:/i, '')
  const family = isIP(address)
  if (family === 0) return null
  return { address, prefix: found?.[2] === undefined ? (family === 4 ? 32 : 128) : Number(found[2]) }
}

/** Why a word that means a network is none; null for a good one, and for what is no network. */
export function wrongNetwork(word: string): string | null {
  const network = networkOf(word.replace(/^!/, ''))
  if (network === null) return null
  const family = isIP(network.address)
  if (network.prefix > (family === 4 ? 32 : 128)) return `${word} has a prefix that is too long`
  if (family === 6) return null
  const bits = network.address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const hostBits = 2 ** (32 - network.prefix)
  return bits % hostBits === 0 ? null : `${word} has bits of an address behind its prefix`
}

/** Does a network of mynetworks hold the address? False for what is none. */
export function contains(word: string, client: string): boolean {
  const network = networkOf(word)
  if (network === null) return false
  const family = isIP(network.address)
  if (network.prefix > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(network.address, network.prefix, family === 4 ? 'ipv4' : 'ipv6')
  return isIP(client) === family && list.check(client, family === 4 ? 'ipv4' : 'ipv6')
}
