// Does Postfix take Posthorn's mail for the world? The smtpd at [mta] smtp_port is asked, in its own settings, as Posthorn
// comes to it; and nothing may rewrite the envelope senders of lists.
import { isIP } from 'node:net'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { isLoopback } from './hosts.ts'
import { partsOf } from './postfix-configuration.ts'
import type { MasterService } from './postfix-files.ts'
import * as kinds from './postfix-kinds.ts'
import { readNexthop } from './postfix-nexthop.ts'
import { refusalOf } from './postfix-restrictions.ts'
import { mapOnce, transportOf } from './postfix-routing.ts'
import { inside, listeners, publicSmtpd, smtpdAt } from './postfix-services.ts'
import { type PostfixView, placeFor, placeOf, withWord } from './postfix-view.ts'

export async function* relayFaults(view: PostfixView): AsyncGenerator<Finding> {
  yield* noRelayRule(view)
  yield* rewrittenSenders(view)
  yield* wayOut(view)
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
  yield* security(view, smtpd)
  yield* refusals(view, smtpd, clients)
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
      ...placeFor(view, smtpd, 'smtpd_tls_security_level'),
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
    const visit = { smtpd, client, login: facts.relay.user, recipient: 'user@example.com' }
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
      const asksNetworks = partsOf(view.configuration.valueFor(smtpd, refusal.parameter)).includes(
        'permit_mynetworks',
      )
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
          : `${refusal.parameter} = permit_mynetworks, ${partsOf(view.configuration.valueFor(smtpd, refusal.parameter)).join(', ')}`,
      })
    }
    return
  }
}

// ---- the way to the world ----

async function* wayOut(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration, facts } = view
  const { channel, nexthop, parameter, entry } = await transportOf(view, 'user@example.com')
  const named =
    parameter === 'default_transport' && configuration.value('relayhost') === nexthop
      ? 'relayhost'
      : parameter
  const place = placeFor(view, inside(configuration, 'rewrite'), named, entry?.table.shown)
  const command = inside(configuration, channel)?.command
  if (command === undefined && configuration.master.services.length > 0) {
    yield finding(kinds.serviceMissing, {
      ...place,
      seen: `${place.seen}; master.cf has no service '${channel}'`,
      change: `${channel.padEnd(9)} unix  -       -       y       -       -       smtp`,
    })
    return
  }
  if (command === 'error' || command === 'discard' || command === 'local' || command === 'virtual') {
    yield finding(kinds.noWayOut, place)
    return
  }
  const read = readNexthop(nexthop)
  if (read.kind !== 'inet' || !isLoopback(read.host) || !nexthopIsNamed(nexthop)) return
  const port = read.port ?? (command === 'lmtp' ? 24 : 25)
  const own = listeners(configuration).some((each) => each.port === port && isPlain(view, each.service))
  if (port !== facts.lmtp.port && port !== facts.smtpIntake?.port && !own) return
  yield finding(kinds.loop, {
    ...place,
    why: `Mail for user@example.com goes to ${channel}:${nexthop}, which is ${own ? 'this Postfix itself' : "Posthorn's own door"}. ${kinds.loop.why}`,
  })
}

/** The recipient's own domain stands there when nothing is named. */
const nexthopIsNamed = (nexthop: string): boolean => nexthop !== 'example.com'

/** An smtpd that passes mail on as this one did: no instance of its own, no filter behind which mail comes back. */
const isPlain = ({ configuration }: PostfixView, service: MasterService): boolean =>
  !service.overrides.has('relayhost') &&
  !service.overrides.has('content_filter') &&
  configuration.value('content_filter') === ''

// ---- rewriting on the way out ----

async function* rewrittenSenders(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration, facts } = view
  const domain = facts.domains.find(({ listNames }) => listNames.length > 0)
  if (domain === undefined) return
  const sender = `${domain.listNames[0] ?? ''}-bounces${facts.delimiter}user=example.com@${domain.mailHost}`
  const cleanup = inside(configuration, 'cleanup')
  const classes = partsOf(configuration.valueFor(cleanup, 'canonical_classes'))
  const client = inside(configuration, 'smtp')
  for (const [parameter, service] of [
    ['sender_canonical_maps', cleanup],
    ['canonical_maps', cleanup],
    ['smtp_generic_maps', client],
  ] as const) {
    if (parameter === 'canonical_maps' && classes.length > 0 && !classes.includes('envelope_sender')) continue
    const mapped = await mapOnce(view, sender, parameter, service)
    if (mapped === null || mapped.to.includes(sender)) continue
    yield finding(kinds.senderRewritten, {
      ...placeFor(view, service, parameter, mapped.table.shown),
      why: `${parameter} makes ${mapped.to.join(', ')} of ${sender} (${mapped.table.shown}: ${mapped.key}). ${kinds.senderRewritten.why}`,
      change: `Take ${mapped.key} out of ${mapped.table.name}${mapped.key.startsWith('@') ? `, or name the addresses that it is for one by one` : ''}.`,
    })
    return
  }
  const masked = masqueradedBy(view, domain.mailHost)
  if (masked !== null)
    yield finding(kinds.senderRewritten, {
      ...placeFor(view, cleanup, 'masquerade_domains', masked),
      why: `masquerade_domains makes ${masked} of ${domain.mailHost} in envelope senders. ${kinds.senderRewritten.why}`,
      change: `masquerade_domains = !${domain.mailHost}, ${partsOf(configuration.value('masquerade_domains')).join(', ')}`,
    })
}

/** The domain that is put in place of ours; the first word that fits decides, `!` keeps it. */
function masqueradedBy({ configuration }: PostfixView, domain: string): string | null {
  const cleanup = inside(configuration, 'cleanup')
  const classes = partsOf(configuration.valueFor(cleanup, 'masquerade_classes'))
  if (classes.length > 0 && !classes.includes('envelope_sender')) return null
  for (const word of partsOf(configuration.valueFor(cleanup, 'masquerade_domains'))) {
    const bare = word.replace(/^!/, '').toLowerCase()
    if (domain !== bare && !domain.endsWith(`.${bare}`)) continue
    return word.startsWith('!') || domain === bare ? null : word
  }
  return null
}
