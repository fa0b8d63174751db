// What must hold before the recipe for Postfix can be written, and the settings that hang on this host; pure. Law: a line
// that would cut off people's mail is refused with words that say what to do instead.
import { BlockList, isIP } from 'node:net'
import { isLoopback, isWildcard } from '../../config/hosts.ts'
import type { Hookup, HostFacts, Setting } from '../../model/hookup.ts'
import { partsOf } from './postfix-configuration.ts'
import { joined, plain } from './postfix-lines.ts'
import { type RecipeInput, tableTypeOf } from './postfix-recipe-input.ts'
import { publicSmtpd } from './postfix-services.ts'
import type { SeenDomain } from './postfix-situation.ts'

/** Empty when the recipe can be made. */
export function refusalsFor(input: RecipeInput): readonly string[] {
  const { facts, domains, way } = input
  if (domains.length === 0)
    return [
      "There is no domain yet, and the lines depend on it: 'posthorn domain add lists.example.org --list-only' for one that is for lists alone, or without --list-only where people live too.",
    ]
  const host = isWildcard(facts.lmtp.host)
    ? [
        `[mta] lmtp_host is ${facts.lmtp.host}, which is no place to go to: give the address at which the mail server reaches Posthorn, 127.0.0.1 when both are on this machine.`,
      ]
    : []
  const perDomain = domains.flatMap((domain) => domainRefusals(domain, way))
  return [...host, ...perDomain, ...(way === 'tables' ? tableRefusals(input) : askingRefusals(input))]
}

function domainRefusals(domain: SeenDomain, way: RecipeInput['way']): readonly string[] {
  const { mailHost, aliasDomain, listOnly, catchAll, aliasClass } = domain
  const found = domain.class
  const place = placeOf[found]
  if (catchAll !== null && aliasDomain === null)
    return [
      `${mailHost}: ${catchAll} (virtual_alias_maps) rewrites every address of the domain, lists too. Give it an alias domain ('posthorn domain set ${mailHost} --alias-domain lists.invalid', any unused name), so that the lists have lines of their own there.`,
    ]
  if (way !== 'tables') {
    const others = found === 'none' || found === 'relay' ? [] : [`it is in ${place}`]
    const reasons = [
      ...others,
      ...(listOnly ? [] : ['it is not marked as list-only']),
      ...(aliasDomain === null ? [] : ['it has an alias domain']),
    ]
    if (reasons.length === 0) return []
    return [
      `${mailHost}: the way '${way}' routes the whole domain to Posthorn, which is for domains of lists alone, but ${reasons.join(', and ')}. Take the way 'tables', or, if nobody else lives there, 'posthorn domain set ${mailHost} --list-only'.`,
    ]
  }
  if (listOnly && (found === 'local' || found === 'virtual-mailbox'))
    return [
      `${mailHost} is marked as list-only, but it is in ${place}, where people live: its line in postfix_routes would bounce all their mail. 'posthorn domain set ${mailHost} --shared', or take it out of ${place}.`,
    ]
  if (found === 'virtual-alias' && aliasDomain === null)
    return [
      `${mailHost} is in virtual_alias_domains, whose addresses Postfix rewrites and never routes. 'posthorn domain set ${mailHost} --alias-domain lists.invalid' (any unused name) gives its lists a domain to be rewritten to; or take it out of virtual_alias_domains.`,
    ]
  if (aliasDomain !== null && aliasClass !== 'none' && aliasClass !== 'relay')
    return [
      `${aliasDomain}, the alias domain of ${mailHost}, is in ${placeOf[aliasClass]}: it must be a name that nothing else uses. 'posthorn domain set ${mailHost} --alias-domain OTHER'.`,
    ]
  return []
}

const placeOf: Readonly<Record<SeenDomain['class'], string>> = {
  local: 'mydestination',
  'virtual-alias': 'virtual_alias_domains',
  'virtual-mailbox': 'virtual_mailbox_domains',
  relay: 'relay_domains',
  none: 'no class',
}

function tableRefusals(input: RecipeInput): readonly string[] {
  const { facts, configuration } = input
  const type = tableTypeOf(input)
  const has = (one: string): boolean => configuration.tableTypes?.includes(one) ?? true
  const usual = configuration.value('default_database_type')
  const better = [usual, 'lmdb', 'btree', 'cdb', 'texthash'].find((one) => one !== type && has(one))
  const refusals: string[] = []
  if (!has(type))
    refusals.push(
      `This Postfix has no ${type} tables ('postconf -m' lists what it has). In the file that [mta] configuration names, section [postfix], write 'transport_file_type: ${better ?? 'texthash'}', restart Posthorn and run this again.`,
    )
  const current = configuration.value('recipient_delimiter')
  const clash = [...current].find((sign) => /[-_.0-9a-z]/i.test(sign))
  if (clash !== undefined && !isPatternType(type))
    refusals.push(
      `recipient_delimiter = ${current}: Postfix cuts addresses at the first '${clash}', which list names and their -bounces have inside, and would not find them in ${type} tables. Take 'transport_file_type: regexp' in the file of [mta] configuration, whose tables match whole addresses, or take '${clash}' out of recipient_delimiter.`,
    )
  if (facts.delimiter.length > 1 && !isPatternType(type))
    refusals.push(
      `[mta] verp_delimiter is '${facts.delimiter}', and Postfix knows delimiters of one sign alone: take one, '+', or tables of regular expressions.`,
    )
  return refusals
}

const isPatternType = (type: string): boolean => type === 'regexp' || type === 'pcre'

function askingRefusals({ facts, configuration, way }: RecipeInput): readonly string[] {
  const needed = way === 'lookup' ? ['inline', 'socketmap'] : ['inline']
  const lacking = needed.filter((type) => !(configuration.tableTypes?.includes(type) ?? true))
  const refusals = lacking.map(
    (type) =>
      `This Postfix has no ${type} tables ('postconf -m' lists what it has), which the way '${way}' needs: take the way 'tables'.`,
  )
  const smtpd = publicSmtpd(configuration)
  if (way === 'lookup' && facts.lookup.socketmap?.startsWith('/') && smtpd?.columns[2] === 'y')
    refusals.push(
      `${configuration.master.path}:${smtpd.line}: smtpd runs in a chroot, where ${facts.lookup.socketmap} is not to be found. Take a port, '[lookup] socketmap: 127.0.0.1:8026', restart Posthorn and run this again.`,
    )
  return refusals
}

/** Lines that our own configuration lacks for this way. */
export function ourSide({ facts, way }: RecipeInput): Hookup['ours'] {
  if (way === 'tables' && !facts.incoming.includes('postfix')) {
    const names = [...facts.incoming.filter((name) => name !== 'null'), 'postfix']
    const why = 'Posthorn writes the tables of Postfix only when it is named here.'
    return [{ section: 'mta', line: `incoming: ${names.join(' ')}`, why }]
  }
  if (way === 'lookup' && facts.lookup.socketmap === null) {
    const why = 'Posthorn answers there which addresses exist.'
    return [{ section: 'lookup', line: 'socketmap: 127.0.0.1:8026', why }]
  }
  return []
}

/** recipient_delimiter: what it has stays, and ours comes to it. */
export function delimiterSettings(input: RecipeInput): readonly Setting[] {
  const { facts, configuration, way } = input
  const current = configuration.value('recipient_delimiter')
  if (facts.delimiter === '' || current.includes(facts.delimiter)) return []
  // Where whole addresses are matched, a delimiter of the site's own need not change.
  if (current !== '' && (way !== 'tables' || isPatternType(tableTypeOf(input)))) return []
  return plain(
    configuration,
    'recipient_delimiter',
    current + facts.delimiter,
    `LIST-bounces${facts.delimiter}TEXT and LIST-confirm${facts.delimiter}TEXT are looked up without what follows LIST-bounces and LIST-confirm.`,
  )
}

/** What hangs on where Posthorn is: may it send through this Postfix, and does its name mean an address here. */
export function hostSettings({ facts, configuration }: RecipeInput): readonly Setting[] {
  const lookups = partsOf(configuration.value('lmtp_host_lookup'))
  const named =
    isIP(facts.lmtp.host) === 0 && !lookups.includes('native')
      ? joined(
          configuration,
          'lmtp_host_lookup',
          ['native'],
          `[mta] lmtp_host is the name ${facts.lmtp.host}, which may stand in the hosts file alone: Postfix asks only the DNS otherwise.`,
          { where: 'last', isOurs: () => false },
        )
      : []
  const addresses = ourAddresses(facts)
  const networks = partsOf(configuration.value('mynetworks'))
  if (facts.relay.user !== null || addresses.length === 0 || addresses.some((one) => isWithin(one, networks)))
    return named
  const [address = ''] = addresses
  const network = isIP(address) === 6 ? `[${address}]/128` : `${address}/32`
  const why = 'Posthorn hands its mail to this Postfix from there, and may send to the world.'
  return [
    ...named,
    ...joined(configuration, 'mynetworks', [network], why, { where: 'last', isOurs: () => false }),
  ]
}

/** From which one of Posthorn's addresses its mail comes; none when that cannot be told. */
function ourAddresses({ relay, lmtp }: HostFacts): readonly string[] {
  if (relay.host === '127.0.0.1' || relay.host === '::1') return [relay.host]
  if (isLoopback(relay.host)) return ['127.0.0.1', '::1']
  return isIP(lmtp.host) !== 0 && !isLoopback(lmtp.host) ? [lmtp.host] : []
}

/** True also when a part cannot be judged from here: a file or a table. */
function isWithin(address: string, networks: readonly string[]): boolean {
  const list = new BlockList()
  for (const part of networks) {
    const [, bracketed, bare, bits] = /^(?:\[([^\]]+)\]|([^/[\]]+))(?:\/(\d+))?$/.exec(part) ?? []
    const base = bracketed ?? bare ?? ''
    const version = isIP(base)
    if (version === 0) return true
    const family = version === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(base, family)
    else list.addSubnet(base, Number(bits), family)
  }
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
