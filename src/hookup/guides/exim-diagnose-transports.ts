// The transports that hand mail to Posthorn: protocol, host, port, and what must come along.
import { isIP } from 'node:net'
import type { Finding } from '../../model/hookup.ts'
import { removedHeaders } from './exim-diagnose-routers.ts'
import * as kinds from './exim-kinds.ts'
import { domainIn, itemsOf } from './exim-lists.ts'
import { isTrue, option } from './exim-ours.ts'
import { at, type EximSite, origin, reload } from './exim-site.ts'
import type { Driver, Place, Setting } from './exim-syntax.ts'
import { isLoopback, isWildcard, reachable, reaches } from './hosts.ts'

export async function* diagnoseTransports(site: EximSite): AsyncIterable<Finding> {
  const used = site.routers.map((router) => option(router, 'transport'))
  const transports = site.transports.filter(({ name }) => used.includes(name))
  for (const transport of transports.length > 0 ? transports : site.transports)
    yield* diagnose(site, transport)
}

async function* diagnose(site: EximSite, transport: Driver): AsyncIterable<Finding> {
  const { exim, facts } = site
  const place = (name: string): Place => transport.options.get(name)?.place ?? transport.place
  const driver = option(transport, 'driver')
  const socket = option(transport, 'socket')
  const isSocket = driver === 'lmtp' && socket !== '' && socket === facts.lmtp.socket
  if (driver !== 'smtp' && !isSocket) {
    yield at(place(driver === 'lmtp' ? 'socket' : 'driver'), kinds.transportDriver, {
      why:
        driver === 'lmtp' && socket !== ''
          ? `The socket of Posthorn is ${facts.lmtp.socket ?? 'not configured ([lmtp] socket)'}. ${kinds.transportDriver.why}`
          : kinds.transportDriver.why,
      change: `driver = smtp\nprotocol = lmtp\nhosts = ${usualHost(site)}\nport = ${facts.lmtp.port}\nallow_localhost\n${reload(exim)}`,
    })
    return
  }
  if (driver === 'smtp') {
    yield* connection(site, transport, place)
    yield* hosts(site, transport, place)
  }
  yield* contents(site, transport, place)
  yield* removedHeaders(transport)
}

function* connection(
  { exim, facts }: EximSite,
  transport: Driver,
  place: (name: string) => Place,
): Iterable<Finding> {
  const protocol = option(transport, 'protocol').toLowerCase()
  const port = option(transport, 'port')
  const isIntake = protocol !== 'lmtp' && facts.smtpIntake !== null && port === String(facts.smtpIntake.port)
  if (protocol !== 'lmtp' && !isIntake)
    yield at(transport.options.has('protocol') ? place('protocol') : transport.place, kinds.protocol, {
      change: `protocol = lmtp\n${reload(exim)}`,
    })
  const expected = isIntake ? port : String(facts.lmtp.port)
  const effective = port === '' && protocol === 'lmtp' ? '24' : port === 'lmtp' ? '24' : port
  if (!port.includes('$') && !looksUndefined(port) && effective !== expected)
    yield at(origin(transport.options.get('port'), exim) ?? transport.place, kinds.port, {
      why: `Exim goes to port ${effective === '' ? '25' : effective}; Posthorn listens at ${expected} ([mta] lmtp_port). ${kinds.port.why}`,
      change: portChange(transport, expected, reload(exim)),
    })
}

const looksUndefined = (value: string): boolean => /[A-Z]\w*_\w+/.test(value)

function portChange(transport: Driver, port: string, then: string): string {
  const written = transport.options.get('port')?.place.text ?? ''
  const macro = /\b([A-Z]\w*_\w+)\b/.exec(written)?.[1]
  return `${macro === undefined ? 'port' : macro} = ${port}\n${then}`
}

const usualHost = ({ facts }: EximSite): string =>
  isLoopback(facts.lmtp.host) && isIP(facts.lmtp.host) === 0 ? '127.0.0.1' : reachable(facts.lmtp.host)

async function* hosts(
  site: EximSite,
  transport: Driver,
  place: (name: string) => Place,
): AsyncIterable<Finding> {
  const { exim, facts } = site
  const change = `hosts = ${usualHost(site)}\n${reload(exim)}`
  const router = site.routers.find((one) => option(one, 'transport') === transport.name)
  const routed = isTrue(transport, 'hosts_override') ? null : routedHosts(site, router)
  const setting = routed?.setting ?? transport.options.get('hosts')
  if (setting === undefined || setting.value === '') {
    const given = option(router ?? transport, 'route_data')
    if (given === '') yield at(setting?.place ?? transport.place, kinds.noHosts, { change })
    return
  }
  const value = routed?.hosts ?? setting.value
  if (value.includes('$')) return
  // A host may have a port of its own: [127.0.0.1]:8024, host::8024.
  const names = itemsOf(value).map((item) =>
    item.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/:\d+$/, withoutPort),
  )
  const listener = facts.lmtp.host
  if (
    names.every(
      (name) => isIP(name) !== 0 && isIP(listener) !== 0 && !isWildcard(listener) && !reaches(name, listener),
    )
  )
    yield at(origin(setting, exim), kinds.lmtpHost, {
      why: `Exim goes to ${names.join(', ')}; Posthorn listens at ${listener} ([mta] lmtp_host). ${kinds.lmtpHost.why}`,
      change: routed === null ? change : `route_list = * ${usualHost(site)}\n${reload(exim)}`,
    })
  for (const name of names)
    if (isIP(name) === 0 && !isTrue(transport, 'gethostbyname') && (await isUnknown(site, name)))
      yield at(origin(setting, exim), kinds.hostName, {
        why: `No resolver knows ${name}. ${kinds.hostName.why}`,
        change,
      })
  const isHere = names.some((name) => isLoopback(name))
  const ownSelf = router !== undefined && option(router, 'driver') === 'manualroute'
  if (isHere && !isTrue(transport, 'allow_localhost') && !ownSelf)
    yield at(place('allow_localhost'), kinds.allowLocalhost, { change: `allow_localhost\n${reload(exim)}` })
}

/** The hosts that a manualroute router gives to the domains of lists, which count rather than those of the transport. */
function routedHosts(
  { exim, facts }: EximSite,
  router: Driver | undefined,
): { readonly setting: Setting; readonly hosts: string } | null {
  const setting = router?.options.get('route_list')
  if (router === undefined || setting === undefined || option(router, 'driver') !== 'manualroute') return null
  for (const entry of itemsOf(setting.value)) {
    const [, domains = '', rest = ''] = /^(\S+)\s+(.*)$/s.exec(entry) ?? []
    const hosts = /^"([^"]*)"/.exec(rest)?.[1] ?? rest.split(/\s/)[0] ?? ''
    const fits = facts.domains.some(
      ({ mailHost }) => domainIn(domains, mailHost.toLowerCase(), exim.text, facts.hostname) !== false,
    )
    if (fits && hosts !== '') return { setting, hosts }
  }
  return null
}

/** Only from a name or an IPv4 address: an IPv6 address ends in digits too. */
const withoutPort = (port: string, _offset: number, whole: string): string => (isIP(whole) === 6 ? port : '')

/** Whether Exim's own resolver knows no address of this name. */
async function isUnknown({ exim, host }: EximSite, name: string): Promise<boolean> {
  if (exim.command === null) return false
  for (const type of ['a', 'aaaa']) {
    const ended = await host.run([...exim.command, '-be', `\${lookup dnsdb{>:${type}=${name}}{yes}{no}}`])
    const said = `${ended?.out ?? ''}${ended?.err ?? ''}`
    // An Exim without DNS look-ups cannot be asked.
    if (/unknown lookup type/.test(said) || said.trim() === 'yes') return false
  }
  return true
}

function* contents(
  { exim, routers }: EximSite,
  transport: Driver,
  place: (name: string) => Place,
): Iterable<Finding> {
  const takesSuffix = routers.some(
    (router) =>
      option(router, 'transport') === transport.name &&
      (option(router, 'local_part_suffix') !== '' || option(router, 'local_part_prefix') !== ''),
  )
  if (takesSuffix && !isTrue(transport, 'rcpt_include_affixes'))
    yield at(place('rcpt_include_affixes'), kinds.affixes, {
      change: `rcpt_include_affixes = true\n${reload(exim)}`,
    })
  for (const name of ['hosts_require_tls', 'hosts_require_auth', 'hosts_require_dane'])
    if (option(transport, name) !== '' && option(transport, name) !== ':')
      yield at(place(name), kinds.demands)
  if (option(transport, 'return_path') !== '') yield at(place('return_path'), kinds.returnPath)
  for (const name of ['body_only', 'headers_only'])
    if (isTrue(transport, name)) yield at(place(name), kinds.partOnly)
  const limit = octets(option(transport, 'message_size_limit'))
  if (limit !== null && limit > 0 && limit < smallest) yield at(place('message_size_limit'), kinds.sizeLimit)
}

/** A message with a picture should pass. */
export const smallest = 1024 * 1024

/** `50M` in octets; null when it is no plain number. */
export function octets(text: string): number | null {
  const [, digits, unit = ''] = /^(\d+)([KMG]?)$/i.exec(text) ?? []
  if (digits === undefined) return null
  return (
    Number(digits) *
    { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[unit.toUpperCase() as '' | 'K' | 'M' | 'G']
  )
}
