// Does Postfix take Posthorn's mail for the world? The smtpd at [mta] smtp_port is asked, in its own settings, as Posthorn
// comes to it.
import { isIP } from 'node:net'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { isLoopback } from './hosts.ts'
import { partsOf } from './postfix-configuration.ts'
import { copyFaults } from './postfix-diagnose-copies.ts'
import type { MasterService } from './postfix-files.ts'
import * as kinds from './postfix-kinds.ts'
import { inNetworks } from './postfix-networks.ts'
import { elsewhere } from './postfix-outgoing.ts'
import { refusalOf } from './postfix-restrictions.ts'
import { listeners, publicSmtpd, smtpdAt } from './postfix-services.ts'
import { type PostfixView, placeFor, placeOf, withWord } from './postfix-view.ts'

export async function* relayFaults(view: PostfixView): AsyncGenerator<Finding> {
  yield* noRelayRule(view)
  yield* copyFaults(view)
  const { facts, configuration } = view
  const { host, port } = facts.relay
  const names = [configuration.value('myhostname'), facts.hostname].map((name) => name.toLowerCase())
  if (!isLoopback(host) && !names.includes(host.toLowerCase())) return // the relay is another machine
  const all = listeners(configuration)
  if (configuration.master.services.length === 0) return
  const smtpd = smtpdAt(configuration, port)
  if (smtpd === null) {
    yield finding(kinds.notListening, {
      seen: `smtp_host: ${host}, smtp_port: ${port}; master.cf has ${all.length === 0 ? 'no smtpd at any port' : `smtpd at ${all.map((each) => each.service.name).join(', ')}`}`,
      file: facts.configFile,
      change: `${all[0] === undefined ? '' : `[mta] smtp_port: ${all[0].port}   (or `}a line '${port} inet n - y - - smtpd' in ${configuration.master.path}${all[0] === undefined ? '' : ')'}`,
    })
    return
  }
  const clients = await clientAddresses(view, smtpd, host)
  if (clients.length === 0) {
    yield finding(kinds.notListening, {
      ...placeOf(view, 'inet_interfaces'),
      why: `Posthorn sends to ${host}:${port}, and inet_interfaces and inet_protocols leave no such address. ${kinds.notListening.why}`,
      change: 'inet_interfaces = all',
    })
    return
  }
  const proxy = 'smtpd_upstream_proxy_protocol'
  if (configuration.valueFor(smtpd, proxy) !== '')
    yield finding(kinds.proxyProtocol, placeFor(view, smtpd, proxy))
  yield* security(view, smtpd)
  yield* refusals(view, smtpd, clients)
  for (const client of clients) yield* rateLimits(view, smtpd, client)
}

/** anvil(8) counts clients that smtpd_client_event_limit_exceptions does not name: by default those outside mynetworks. */
async function* rateLimits(view: PostfixView, smtpd: MasterService, client: string): AsyncGenerator<Finding> {
  const { configuration } = view
  for (const [name, least] of [
    ['smtpd_client_connection_rate_limit', 60],
    ['smtpd_client_message_rate_limit', 600],
    ['smtpd_client_recipient_rate_limit', 6000],
    ['smtpd_client_connection_count_limit', 5],
  ] as const) {
    const limit = Number(configuration.valueFor(smtpd, name))
    if (!(limit > 0 && limit < least)) continue
    if (await inNetworks(view, smtpd, client, 'smtpd_client_event_limit_exceptions')) continue
    yield finding(kinds.rateLimit, {
      ...placeFor(view, smtpd, name),
      why: `${name} counts for ${client} too, where Posthorn comes from. ${kinds.rateLimit.why}`,
      change: 'smtpd_client_event_limit_exceptions = $mynetworks',
    })
    return
  }
}

/** Without one, smtpd ends as soon as a recipient is named. */
function* noRelayRule(view: PostfixView): Generator<Finding> {
  const smtpd = publicSmtpd(view.configuration)
  const rules = ['smtpd_relay_restrictions', 'smtpd_recipient_restrictions']
  const words = rules.flatMap((name) => partsOf(view.configuration.valueFor(smtpd, name)))
  const keeps =
    /^(?:reject_unauth_destination|defer_unauth_destination|reject|defer|defer_if_permit|check_relay_domains)$/
  if (words.some((word) => keeps.test(word))) return
  const name =
    view.configuration.written('smtpd_relay_restrictions') === null
      ? 'smtpd_recipient_restrictions'
      : 'smtpd_relay_restrictions'
  yield finding(kinds.noRelayRule, placeFor(view, smtpd, name))
}

/** The addresses that Posthorn comes from, as this smtpd sees it; none when it does not listen there. */
async function clientAddresses(
  view: PostfixView,
  smtpd: MasterService,
  host: string,
): Promise<readonly string[]> {
  const { configuration } = view
  const listener = listeners(configuration).find(({ port }) => port === view.facts.relay.port)
  const bound = listener?.host ?? ''
  const wanted = isIP(host) !== 0 ? [host] : isLoopback(host) ? await loopbacks(view) : []
  if (wanted.length === 0) return ['127.0.0.1'] // our own name: an address that cannot be told from here
  const protocols = partsOf(configuration.valueFor(smtpd, 'inet_protocols'))
  const speaks = (address: string): boolean =>
    protocols.includes('all') || protocols.includes(isIP(address) === 6 ? 'ipv6' : 'ipv4')
  const interfaces = bound === '' ? partsOf(configuration.valueFor(smtpd, 'inet_interfaces')) : [bound]
  const listens = (address: string): boolean =>
    interfaces.some((each) => {
      const name = each.replace(/^\[|\]$/g, '').toLowerCase()
      if (['all', '*', '0.0.0.0', '::', 'loopback-only', 'localhost'].includes(name)) return true
      return (
        name === address ||
        (isIP(name) === 0 && !isLoopback(name) && name === view.facts.hostname.toLowerCase())
      )
    })
  return wanted.filter((address) => speaks(address) && listens(address))
}

/** What `localhost` is, by the hosts file. */
async function loopbacks({ host }: PostfixView): Promise<readonly string[]> {
  const text = (await host.readText('/etc/hosts')) ?? ''
  const found = text.split('\n').flatMap((line) => {
    const [address = '', ...names] = (line.split('#')[0] ?? '').trim().split(/\s+/)
    return names.includes('localhost') && isLoopback(address) ? [address] : []
  })
  return found.length === 0 ? ['127.0.0.1'] : [...new Set(found)]
}

// ---- TLS and login ----

function* security(view: PostfixView, smtpd: MasterService): Generator<Finding> {
  const { configuration, facts } = view
  const { secureMode, user } = facts.relay
  const level = configuration.valueFor(smtpd, 'smtpd_tls_security_level')
  const wrapper = configuration.valueFor(smtpd, 'smtpd_tls_wrappermode') === 'yes'
  const enforced = level === 'encrypt' || configuration.valueFor(smtpd, 'smtpd_enforce_tls') === 'yes'
  const offered =
    ['may', 'encrypt'].includes(level) || enforced || configuration.valueFor(smtpd, 'smtpd_use_tls') === 'yes'
  const hasKey = [
    'smtpd_tls_cert_file',
    'smtpd_tls_chain_files',
    'smtpd_tls_eccert_file',
    'smtpd_tls_dcert_file',
  ].some((name) => configuration.valueFor(smtpd, name) !== '')
  if (wrapper && secureMode !== 'smtps')
    yield finding(kinds.tlsMismatch, {
      ...placeFor(view, smtpd, 'smtpd_tls_wrappermode'),
      why: `This port speaks TLS from the first byte, and [mta] smtp_secure_mode is ${secureMode}. ${kinds.tlsMismatch.why}`,
      change: '[mta] smtp_secure_mode: smtps',
    })
  else if (!wrapper && secureMode === 'smtps')
    yield finding(kinds.tlsMismatch, {
      ...placeFor(view, smtpd, 'smtpd_tls_wrappermode'),
      why: `[mta] smtp_secure_mode is smtps, and this port speaks no TLS from the first byte. ${kinds.tlsMismatch.why}`,
      change: '[mta] smtp_secure_mode: smtp   (or the port where smtpd_tls_wrappermode = yes)',
    })
  else if (enforced && secureMode === 'smtp' && !wrapper)
    yield finding(kinds.tlsMismatch, {
      ...placeFor(view, smtpd, level === 'encrypt' ? 'smtpd_tls_security_level' : 'smtpd_enforce_tls'),
      why: `smtpd answers "530 Must issue a STARTTLS command first", and [mta] smtp_secure_mode is smtp. ${kinds.tlsMismatch.why}`,
      change: '[mta] smtp_secure_mode: starttls   (or smtpd_tls_security_level = may)',
    })
  else if (secureMode === 'starttls' && (!offered || !hasKey))
    yield finding(kinds.tlsMismatch, {
      ...placeFor(view, smtpd, 'smtpd_tls_security_level'),
      why: `[mta] smtp_secure_mode is starttls, and Postfix offers no STARTTLS here${hasKey ? '' : ': it has no certificate (smtpd_tls_cert_file)'}. ${kinds.tlsMismatch.why}`,
      change: 'smtpd_tls_security_level = may',
    })
  if (user === null) return
  if (configuration.valueFor(smtpd, 'smtpd_sasl_auth_enable') !== 'yes')
    yield finding(kinds.noAuth, placeFor(view, smtpd, 'smtpd_sasl_auth_enable'))
  else if (configuration.valueFor(smtpd, 'smtpd_tls_auth_only') === 'yes' && secureMode === 'smtp')
    yield finding(kinds.noAuth, {
      ...placeFor(view, smtpd, 'smtpd_tls_auth_only'),
      why: 'Postfix offers AUTH inside TLS only, and [mta] smtp_secure_mode is smtp.',
      change: '[mta] smtp_secure_mode: starttls',
    })
}

// ---- restrictions ----

async function* refusals(
  view: PostfixView,
  smtpd: MasterService,
  clients: readonly string[],
): AsyncGenerator<Finding> {
  const { facts } = view
  const domain = facts.domains.find(({ listNames }) => listNames.length > 0)
  const sender =
    domain === undefined
      ? ''
      : `${domain.listNames[0] ?? ''}-bounces${facts.delimiter}user=example.com@${domain.mailHost}`
  for (const client of clients) {
    const visit = { smtpd, client, login: facts.relay.user, recipient: elsewhere }
    const refusal =
      (await refusalOf(view, { ...visit, sender: '' })) ?? (await refusalOf(view, { ...visit, sender }))
    if (refusal === null) continue
    const place = placeFor(view, smtpd, refusal.parameter, refusal.word.split(' ')[0] ?? '')
    const answer = refusal.answer === null ? '' : `; ${refusal.table?.name} says: ${refusal.answer}`
    const isRelaying =
      refusal.parameter === 'smtpd_relay_restrictions' ||
      /unauth_destination|^reject$|^defer$/.test(refusal.word)
    const isBySender = /sender/.test(refusal.word) || refusal.parameter === 'smtpd_sender_restrictions'
    if (isBySender && refusal.word !== 'reject')
      yield finding(kinds.senderRefused, {
        ...place,
        seen: `${place.seen}${answer}`,
        why: `${refusal.word} refuses MAIL FROM:<${sender}> from ${client}. ${kinds.senderRefused.why}`,
        change: `${refusal.parameter} = permit_mynetworks, ${partsOf(view.configuration.valueFor(smtpd, refusal.parameter)).join(', ')}`,
      })
    else {
      const rule = `${refusal.parameter}${smtpd.overrides.has(refusal.parameter) ? ` of ${smtpd.name} in master.cf` : ''}`
      const networks = placeFor(view, smtpd, 'mynetworks')
      const isNamed = partsOf(view.configuration.valueFor(smtpd, refusal.parameter)).includes(
        'permit_mynetworks',
      )
      // Named behind what refuses, it comes too late.
      const asksNetworks = isNamed && !(await inNetworks(view, smtpd, client))
      yield finding(kinds.relayRefused, {
        ...(asksNetworks && answer === '' ? networks : place),
        ...(answer === '' ? {} : { seen: `${place.seen}${answer}` }),
        why: `${refusal.word} in ${rule} refuses Posthorn, which comes from ${client}${isRelaying && asksNetworks ? ', and mynetworks has no such address' : ''}. ${kinds.relayRefused.why}`,
        change: asksNetworks
          ? withWord(
              view,
              'mynetworks',
              client.includes(':') ? `[${client}]/128` : client.startsWith('127.') ? '127.0.0.0/8' : client,
            )
          : `${refusal.parameter} = permit_mynetworks, ${partsOf(
              view.configuration.valueFor(smtpd, refusal.parameter),
            )
              .filter((word) => word !== 'permit_mynetworks')
              .join(', ')}`,
      })
    }
    return
  }
}
