// What the mail server offers in its answer to EHLO, against what we need (RFC 1870, RFC 6152, RFC 6531, RFC 2920).
import { isLoopback } from '../../config/hosts.ts'
import type { Finding } from '../../model/hookup.ts'
import type { Extensions } from '../../smtp/extensions.ts'
import { allLists } from '../../store/units/lists.ts'
import { finding } from '../finding.ts'
import { ownAddresses } from './addresses.ts'
import type { CheckedSite } from './checked-site.ts'
import { placeText } from './knock.ts'
import { readRecords } from './records.ts'
import { no8BitMime, noPipelining, noSmtpUtf8, passwordInClear, smaller, tooSmall } from './relay-kinds.ts'

export async function* offers(site: CheckedSite, offered: Extensions): AsyncIterable<Finding> {
  const place = placeText(site.facts.relay)
  if (await readableOnTheWay(site, offered))
    yield finding(passwordInClear, { seen: `${place}: AUTH ${offered.auth.join(' ')}, without TLS` })
  if (offered.size !== null && offered.size > 0) yield* sizes(site, place, offered.size)
  if (!offered.eightBitMime) yield finding(no8BitMime, { seen: `${place}: EHLO offers no 8BITMIME` })
  if (!offered.smtpUtf8) yield finding(noSmtpUtf8, { seen: `${place}: EHLO offers no SMTPUTF8` })
  if (!offered.pipelining) yield finding(noPipelining, { seen: `${place}: EHLO offers no PIPELINING` })
}

async function readableOnTheWay(
  { facts, relay, patience, addressesOf }: CheckedSite,
  offered: Extensions,
): Promise<boolean> {
  if (relay.credentials === null || relay.security !== 'plain' || offered.auth.includes('CRAM-MD5'))
    return false
  const own = ownAddresses()
  const addresses = await addressesOf(facts.relay.host, patience.connect)
  return !addresses.every((address) => own.has(address) || isLoopback(address))
}

async function* sizes(
  { config, database }: CheckedSite,
  place: string,
  size: number,
): AsyncIterable<Finding> {
  const lists = readRecords(database, allLists, { domains: [] }) ?? []
  const [largest] = lists
    .map(({ name, mailHost, settings }) => ({
      list: `${name}@${mailHost}`,
      limit: settings.maxMessageSize * 1024,
    }))
    .filter(({ limit }) => limit > size)
    .sort((a, b) => b.limit - a.limit)
  if (largest !== undefined)
    yield finding(tooSmall, {
      seen: `${place}: SIZE ${size}; ${largest.list} takes ${largest.limit} bytes`,
      change: `posthorn set ${largest.list} max_message_size ${Math.floor((size * 0.9) / 1024)}   (KiB), or raise the limit of the mail server (Postfix: message_size_limit)`,
    })
  else if (size < config.lmtp.maxMessageSize)
    yield finding(smaller, {
      seen: `${place}: SIZE ${size}; [lmtp] max_message_size is ${config.lmtp.maxMessageSize}`,
    })
}
