// Settings that break mail for lists, or make it untidy, whatever the lists are: codes, delimiters, verification, the LMTP
// client, services that are switched off.
import { isIPv4, isIPv6 } from 'node:net'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { partsOf } from './postfix-configuration.ts'
import * as kinds from './postfix-kinds.ts'
import { firstAnswer, isPattern } from './postfix-look-ups.ts'
import { judgeRoute, readNexthop } from './postfix-nexthop.ts'
import { classesOf, transportOf } from './postfix-routing.ts'
import { inside, publicSmtpd } from './postfix-services.ts'
import { type PostfixView, placeFor, placeOf, tablesOf, withoutWord } from './postfix-view.ts'

export async function* settingFaults(view: PostfixView): AsyncGenerator<Finding> {
  yield* delimiterUnset(view)
  yield* refusalCodes(view)
  yield* ownerRequest(view)
  yield* verification(view)
  yield* lmtpClient(view)
  yield* servicesOff(view)
  yield* sizes(view)
}

// Where plain tables need it, the way of a VERP address has told it already.
function* delimiterUnset(view: PostfixView): Generator<Finding> {
  const { delimiter } = view.facts
  if (delimiter === '' || view.configuration.value('recipient_delimiter').includes(delimiter)) return
  if (
    view.facts.domains.some(({ listNames }) => listNames.length > 0) &&
    !tablesOf(view, 'transport_maps').every(isPattern)
  )
    return
  yield finding(kinds.delimiterUnused, {
    ...placeOf(view, 'recipient_delimiter'),
    change: `recipient_delimiter = ${delimiter}`,
  })
}

const codes = [
  'unknown_local_recipient_reject_code',
  'unknown_relay_recipient_reject_code',
  'unknown_virtual_alias_reject_code',
  'unknown_virtual_mailbox_reject_code',
] as const

async function* refusalCodes(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration } = view
  const smtpd = publicSmtpd(configuration)
  for (const name of codes)
    if (configuration.valueFor(smtpd, name).startsWith('4'))
      yield finding(kinds.softRefusal, { ...placeFor(view, smtpd, name), change: `${name} = 550` })
  if (configuration.valueFor(smtpd, 'soft_bounce') === 'yes')
    yield finding(kinds.softRefusal, {
      ...placeFor(view, smtpd, 'soft_bounce'),
      why: 'soft_bounce turns every refusal into a temporary one, also of members whose address is gone: neither side ever hears that.',
      change: 'soft_bounce = no',
    })
}

function* ownerRequest(view: PostfixView): Generator<Finding> {
  if (view.configuration.value('owner_request_special') !== 'yes') return
  yield finding(kinds.ownerRequest, placeOf(view, 'owner_request_special'))
}

// ---- reject_unverified_recipient ----

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

function inSeconds(text: string): number {
  const found = /^(\d+)([smhdw]?)$/.exec(text)
  return Number(found?.[1] ?? 0) * (seconds[found?.[2] || 's'] ?? 1)
}

/** A new list should not stay refused for longer. */
const mostSeconds = 600

async function* verification(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration } = view
  const smtpd = publicSmtpd(configuration)
  if (!(await verifies(view))) return
  if (configuration.value('address_verify_negative_cache') === 'no') {
    yield finding(kinds.verifyForever, placeOf(view, 'address_verify_negative_cache'))
    return
  }
  const code = configuration.valueFor(smtpd, 'unverified_recipient_reject_code')
  if (code.startsWith('4'))
    yield finding(kinds.softRefusal, {
      ...placeFor(view, smtpd, 'unverified_recipient_reject_code'),
      change: 'unverified_recipient_reject_code = 550',
    })
  if (configuration.valueFor(smtpd, 'unverified_recipient_defer_code').startsWith('5'))
    yield finding(kinds.verifyRefuses, placeFor(view, smtpd, 'unverified_recipient_defer_code'))
  yield* probesElsewhere(view)
  for (const name of ['address_verify_negative_expire_time', 'address_verify_negative_refresh_time']) {
    if (inSeconds(configuration.value(name)) > mostSeconds)
      yield finding(kinds.verifyLong, { ...placeOf(view, name), change: `${name} = 10s` })
  }
  if (configuration.master.services.length > 0 && inside(configuration, 'verify') === null)
    yield finding(kinds.serviceMissing, {
      seen: 'reject_unverified_recipient is in use, and there is no service verify',
      file: configuration.master.path,
      why: 'Address verification cannot be done: mail for lists is answered 450.',
      change: 'verify    unix  -       -       y       -       1       verify',
    })
}

/** address_verify_transport_maps is asked for probes alone; by default it is $transport_maps. */
async function* probesElsewhere(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration, facts } = view
  const name = 'address_verify_transport_maps'
  if (configuration.written(name) === null) return
  for (const { mailHost, listNames } of facts.domains.filter((domain) => domain.listNames.length > 0)) {
    const address = `${listNames[0] ?? ''}@${mailHost}`
    const entry = await firstAnswer(view.ask, tablesOf(view, name), [address, mailHost, '*'])
    const route = entry?.value ?? (await usualProbe(view, mailHost))
    const colon = route.indexOf(':')
    if (entry !== null && colon < 0) continue
    const [channel, nexthop] = colon < 0 ? [route, ''] : [route.slice(0, colon), route.slice(colon + 1)]
    const judged = judgeRoute(configuration, facts, channel, nexthop)
    if (judged.verdict === 'ours') continue
    yield finding(kinds.verifyElsewhere, {
      ...placeOf(view, name, entry?.table.shown),
      why: `For ${address} ${entry === null ? 'it says nothing, so the probe goes by' : 'it says'} ${route}: ${judged.words}. ${kinds.verifyElsewhere.why}`,
    })
    return
  }
}

/** The transport of probes where address_verify_transport_maps says nothing: that of the class. */
async function usualProbe(view: PostfixView, domain: string): Promise<string> {
  const [found] = await classesOf(view, domain)
  const value = (name: string) => view.configuration.value(`address_verify_${name}`)
  if (found?.class === 'local') return value('local_transport')
  if (found?.class === 'virtual-mailbox') return value('virtual_transport')
  const transport = value(found?.class === 'relay' ? 'relay_transport' : 'default_transport')
  return transport.includes(':') ? transport : `${transport}:${value('relayhost') || domain}`
}

/** Is a restriction in use that asks our door at RCPT? In the text of the restrictions, or in a table of them. */
async function verifies(view: PostfixView): Promise<boolean> {
  const { configuration } = view
  const smtpd = publicSmtpd(configuration)
  const isNamed = (text: string): boolean => /\breject_unverified_recipient\b/.test(text)
  for (const name of ['smtpd_recipient_restrictions', 'smtpd_relay_restrictions']) {
    if (isNamed(configuration.valueFor(smtpd, name))) return true
    for (const table of tablesOf(view, name, smtpd))
      for (const { mailHost } of view.facts.domains)
        if (isNamed((await view.ask.askOne(table, mailHost)) ?? '')) return true
  }
  return false
}

// ---- the LMTP client ----

async function* lmtpClient(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration, facts } = view
  const domain = facts.domains.find(({ listNames }) => listNames.length > 0)
  if (domain === undefined) return
  const address = `${domain.listNames[0] ?? ''}@${domain.aliasDomain ?? domain.mailHost}`
  const { channel, nexthop } = await transportOf(view, address)
  if (judgeRoute(configuration, facts, channel, nexthop).verdict !== 'ours') return
  yield* delays(view, channel)
  const client = inside(configuration, channel)
  const read = readNexthop(nexthop)
  if (read.kind === 'inet') {
    const protocols = partsOf(configuration.valueFor(client, 'inet_protocols'))
    const needed = isIPv6(read.host) ? 'ipv6' : isIPv4(read.host) ? 'ipv4' : null
    if (needed !== null && !protocols.includes('all') && !protocols.includes(needed))
      yield finding(kinds.lmtpFamily, {
        ...placeFor(view, client, 'inet_protocols'),
        why: `The route to Posthorn is ${channel}:${nexthop}, an ${needed === 'ipv6' ? 'IPv6' : 'IPv4'} address. ${kinds.lmtpFamily.why}`,
      })
    if (needed === null && looksInDnsAlone(view, client)) {
      const [found] = await classesOf(view, domain.mailHost)
      if (found !== undefined || read.host === 'localhost')
        yield finding(kinds.lmtpName, {
          ...placeFor(view, client, 'lmtp_host_lookup'),
          seen: `${channel}:${nexthop}`,
          change:
            read.host === 'localhost'
              ? '[mta] lmtp_host: 127.0.0.1, then: posthorn aliases'
              : 'lmtp_host_lookup = native',
        })
    }
  }
  for (const [name, wrong, right] of [
    ['lmtp_tls_security_level', /^(?:encrypt|verify|secure|fingerprint|dane-only)$/, 'none'],
    ['lmtp_enforce_tls', /^yes$/, 'no'],
    ['lmtp_tls_wrappermode', /^yes$/, 'no'],
    ['lmtp_sasl_auth_enable', /^yes$/, 'no'],
  ] as const) {
    if (!wrong.test(configuration.valueFor(client, name))) continue
    // Without maps the client ends with "fatal"; with some it logs in only where they have a password.
    const hasMaps = configuration.valueFor(client, 'lmtp_sasl_password_maps') !== ''
    if (name === 'lmtp_sasl_auth_enable' && hasMaps && (await hasNoPassword(view, client, nexthop))) continue
    yield finding(kinds.lmtpClient, { ...placeFor(view, client, name), change: `${name} = ${right}` })
  }
}

/** For how long Postfix waits after each message to us (postconf(5)); a few seconds do no harm. */
function* delays({ configuration }: PostfixView, channel: string): Generator<Finding> {
  for (const name of [
    `${channel}_destination_rate_delay`,
    'default_destination_rate_delay',
    `${channel}_transport_rate_delay`,
    'default_transport_rate_delay',
  ]) {
    const isDefault = name.startsWith('default_')
    if (isDefault && configuration.written(name.replace('default', channel)) !== null) continue
    if (configuration.written(name) === null || inSeconds(configuration.value(name)) < longestDelay) continue
    yield finding(kinds.rateDelay, {
      ...placeOf({ configuration }, name),
      change: `${name.replace(/^default/, channel)} = 0s`,
    })
  }
}

const longestDelay = 5

async function hasNoPassword(
  view: PostfixView,
  client: ReturnType<typeof inside>,
  nexthop: string,
): Promise<boolean> {
  for (const table of tablesOf(view, 'lmtp_sasl_password_maps', client))
    if ((await view.ask.askOne(table, nexthop)) !== null) return false
  return true
}

function looksInDnsAlone({ configuration }: PostfixView, client: ReturnType<typeof inside>): boolean {
  if (configuration.valueFor(client, 'disable_dns_lookups') === 'yes') return false
  if (configuration.valueFor(client, 'lmtp_dns_support_level') === 'disabled') return false
  return !partsOf(configuration.valueFor(client, 'lmtp_host_lookup')).includes('native')
}

// ---- what is switched off ----

async function* servicesOff(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration } = view
  for (const name of ['defer_transports', 'master_service_disable'] as const) {
    const word = partsOf(configuration.value(name)).find(
      (each) => /^(?:lmtp|relay|smtp|inet|unix)\b/.test(each) || each === 'lmtp.unix',
    )
    if (word === undefined) continue
    if (name === 'defer_transports' && word !== 'lmtp' && word !== 'smtp') continue
    yield finding(kinds.serviceOff, { ...placeOf(view, name, word), change: withoutWord(view, name, word) })
  }
  yield* missingServices(view)
  const lmtp = inside(configuration, 'lmtp')
  if (lmtp !== null && lmtp.columns[4] === '0' && configuration.value('default_process_limit') === '0')
    yield finding(kinds.serviceOff, placeOf(view, 'default_process_limit'))
}

/** Without one of these no mail moves, whatever it is. */
const needed = [
  ['cleanup_service_name', 'cleanup   unix  n       -       y       -       0       cleanup'],
  ['queue_service_name', 'qmgr      unix  n       -       n       300     1       qmgr'],
  ['rewrite_service_name', 'rewrite   unix  -       -       y       -       -       trivial-rewrite'],
  ['bounce_service_name', 'bounce    unix  -       -       y       -       0       bounce'],
  ['defer_service_name', 'defer     unix  -       -       y       -       0       bounce'],
] as const

function* missingServices(view: PostfixView): Generator<Finding> {
  const { configuration } = view
  if (configuration.master.services.length === 0) return
  for (const [parameter, line] of needed) {
    const name = configuration.value(parameter) || (line.split(' ')[0] ?? '')
    if (inside(configuration, name) !== null) continue
    yield finding(kinds.serviceMissing, {
      seen: `master.cf has no service '${name}'`,
      file: configuration.master.path,
      why: 'Every mail needs it: none comes in or moves on.',
      change: line,
    })
  }
  const filter = configuration.valueFor(publicSmtpd(configuration), 'content_filter')
  const channel = filter.split(':')[0] ?? ''
  if (channel !== '' && inside(configuration, channel) === null)
    yield finding(kinds.serviceMissing, {
      ...placeFor(view, publicSmtpd(configuration), 'content_filter'),
      why: `All mail is to pass the filter, and master.cf has no service '${channel}': it waits in the queue.`,
      change: 'Add the service to master.cf, or take content_filter out.',
    })
}

const smallest = 100_000
const fewest = 50
/** A post has some on its way in, and gets as many again on its way to a member. */
const fewestHops = 10

function* sizes(view: PostfixView): Generator<Finding> {
  const { configuration } = view
  const value = configuration.value('message_size_limit')
  const limit = Number(value)
  const hops = configuration.value('hopcount_limit')
  if (/^\d+$/.test(hops) && Number(hops) < fewestHops)
    yield finding(kinds.hopLimit, placeOf(view, 'hopcount_limit'))
  const recipients = configuration.value('smtpd_recipient_limit')
  if (/^\d+$/.test(recipients) && Number(recipients) > 0 && Number(recipients) < fewest)
    yield finding(kinds.recipientLimit, placeOf(view, 'smtpd_recipient_limit'))
  if (value === '' || limit === 0 || limit >= smallest) return
  yield finding(kinds.sizeLimit, placeOf(view, 'message_size_limit'))
}
