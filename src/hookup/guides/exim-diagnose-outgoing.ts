// The way out: may Posthorn hand copies over, do they keep their envelope senders, and do they leave at once.
import type { Finding } from '../../model/hookup.ts'
import { rewriting } from './exim-ask.ts'
import { statementOf } from './exim-diagnose-door.ts'
import { removedHeaders } from './exim-diagnose-routers.ts'
import { octets, smallest } from './exim-diagnose-transports.ts'
import * as kinds from './exim-kinds.ts'
import { addressIn, domainIn } from './exim-lists.ts'
import { isTrue, option } from './exim-ours.ts'
import { type DoorAnswer, doorAnswers, saidTo, type Visitor } from './exim-session.ts'
import { at, type EximSite, reload, samples } from './exim-site.ts'
import type { Setting } from './exim-syntax.ts'
import { addressFromAfar, isLoopback } from './hosts.ts'

export async function* diagnoseOutgoing(site: EximSite): AsyncIterable<Finding> {
  yield* limits(site)
  yield* waiting(site)
  yield* otherTransports(site)
  if (site.exim.command === null) return
  yield* relay(site)
  yield* rewritten(site)
}

function* limits({ exim }: EximSite): Iterable<Finding> {
  const { main } = exim.text
  const below = (name: string, least: number): Setting | null => {
    const setting = main.get(name)
    const value = Number(setting?.value)
    return setting !== undefined && Number.isInteger(value) && value > 0 && value < least ? setting : null
  }
  const recipients = below('recipients_max', 100)
  if (recipients !== null)
    yield at(recipients.place, kinds.fewRecipients, { change: `recipients_max = 50000\n${reload(exim)}` })
  for (const [name, least, usual] of [
    ['smtp_accept_max_per_connection', 50, 1000],
    ['smtp_accept_max', 20, 100],
    ['smtp_accept_max_per_host', 5, 100],
  ] as const) {
    const setting = below(name, least)
    if (setting !== null)
      yield at(setting.place, kinds.fewMessages, { change: `${name} = ${usual}\n${reload(exim)}` })
  }
  const size = main.get('message_size_limit')
  const limit = octets(size?.value ?? '')
  if (size !== undefined && limit !== null && limit > 0 && limit < smallest)
    yield at(size.place, kinds.sizeLimit)
  const eight = main.get('accept_8bitmime')
  if (eight?.value === 'false') yield at(eight.place, kinds.sevenBit)
}

function* waiting({ exim, facts }: EximSite): Iterable<Finding> {
  const { main, sections } = exim.text
  const queueOnly = main.get('queue_only')
  if (queueOnly?.value === 'true') yield at(queueOnly.place, kinds.queueOnly)
  for (const name of ['hold_domains', 'queue_domains', 'queue_smtp_domains']) {
    const setting = main.get(name)
    if (setting === undefined) continue
    const names = facts.domains.filter(
      ({ mailHost }) => domainIn(setting.value, mailHost.toLowerCase(), exim.text, facts.hostname) === true,
    )
    if (names.length > 0)
      yield at(setting.place, kinds.held, {
        why: `${names.map(({ mailHost }) => mailHost).join(', ')}: ${kinds.held.why}`,
        change: `Take it out of ${name}; ${reload(exim)}`,
      })
  }
  const each = main.get('smtp_accept_queue_per_connection')
  const value = Number(each?.value ?? '10')
  if (value > 0 && value < 100)
    yield at(each?.place, kinds.queuePerConnection, {
      seen: each?.place.text.trim() ?? 'smtp_accept_queue_per_connection = 10 (the default)',
      change: `smtp_accept_queue_per_connection = 0\n${reload(exim)}`,
    })
  if (exim.text.retryRules === 0)
    yield at(sections.get('retry') ?? { file: exim.ownFile, line: null }, kinds.noRetry, {
      seen: sections.get('retry')?.text.trim() ?? 'there is no retry section',
    })
}

/** Those that carry the copies into the world. */
function* otherTransports({ exim, transports, routers }: EximSite): Iterable<Finding> {
  const carriers = exim.text.transports.filter(({ options }) => options.get('driver')?.value === 'smtp')
  for (const router of exim.text.routers) {
    const errors = router.options.get('errors_to')
    const isOurs = routers.some(({ name }) => name === router.name)
    if (isOurs || errors === undefined || errors.value === '' || errors.value.includes('$')) continue
    if (carriers.some(({ name }) => name === option(router, 'transport')))
      yield at(errors.place, kinds.returnPath, {
        why: `errors_to is the envelope sender of all that the router ${router.name} takes. ${kinds.returnPath.why}`,
        change: `Remove errors_to from the router ${router.name}.\n${reload(exim)}`,
      })
  }
  for (const transport of exim.text.transports) {
    if (option(transport, 'driver') !== 'smtp' || transports.some(({ name }) => name === transport.name))
      continue
    const sender = transport.options.get('return_path')
    // With an expansion it may well be meant for forwarded mail alone.
    if (sender !== undefined && sender.value !== '' && !sender.value.includes('$'))
      yield at(sender.place, kinds.returnPath)
    yield* removedHeaders(transport)
  }
}

/** Posthorn as Exim sees it, with a copy for a member; null when it comes from elsewhere, or logs in. */
export function posthorn(site: EximSite): Visitor | null {
  const { host, user } = site.facts.relay
  if (user !== null || !isLoopback(host)) return null
  const [sample] = samples(site)
  const sender = sample === undefined ? '' : `${sample.list}-bounces${site.facts.delimiter}x@${sample.domain}`
  const address = addressFromAfar(site.facts.lmtp.host) ?? (host === '::1' ? '::1' : '127.0.0.1')
  return { address, hello: site.facts.hostname, sender }
}

async function* relay(site: EximSite): AsyncIterable<Finding> {
  const visitor = posthorn(site)
  if (site.exim.command === null || visitor === null) return
  const [answer] = (await doorAnswers(site.host, site.exim.command, visitor, ['ann@member.invalid'])) ?? []
  if (answer !== undefined) yield* refusedCopy(site, visitor, answer)
}

function* refusedCopy(site: EximSite, visitor: Visitor, answer: DoorAnswer): Iterable<Finding> {
  const { exim } = site
  const { reply, step } = answer
  const byOption = { connect: 'host_reject_connection', hello: 'helo_verify_hosts' } as const
  const setting = step === 'connect' || step === 'hello' ? exim.text.main.get(byOption[step]) : undefined
  const place = statementOf(site, answer).place ?? setting?.place ?? null
  const list = exim.text.lists.get('relay_from_hosts')
  const isKnown = list !== undefined && addressIn(list.value, visitor.address, exim.text) === true
  const seen = `${saidTo(visitor, answer)}: ${reply}`
  if (step !== 'rcpt' ? /^[45]/.test(reply) : /^5.*(sender|spoof|authenti|encrypt|tls)/i.test(reply)) {
    yield at(place, kinds.copyRefused, { seen: place === null ? seen : `${place.text.trim()}; ${seen}` })
    return
  }
  if (!/^5.*(relay|not permitted|prohibit|denied)/i.test(reply)) return
  if (isKnown) {
    yield at(place ?? list.place, kinds.copyRefused, {
      seen: `${place === null ? '' : `${place.text.trim()}; `}${seen}`,
      why: `${visitor.address} is in relay_from_hosts, yet this statement refuses it. ${kinds.copyRefused.why}`,
    })
    return
  }
  const { address } = visitor
  yield at(list?.place ?? place, kinds.relayRefused, {
    seen: `${list === undefined ? '' : `${list.place.text.trim()}; `}${seen}`,
    why: `Posthorn comes from ${address}. ${kinds.relayRefused.why}`,
    change:
      exim.debian === null
        ? `hostlist relay_from_hosts = ${[list?.value ?? '', address.replaceAll(':', '::')].filter((one) => one !== '').join(' : ')}\n${reload(exim)}`
        : `dc_relay_nets='${address}' in ${exim.directory}/update-exim4.conf.conf\n${reload(exim)}`,
  })
}

async function* rewritten(site: EximSite): AsyncIterable<Finding> {
  const { exim } = site
  const [sample] = samples(site)
  if (exim.command === null || sample === undefined) return
  const address = `${sample.list}-bounces+x@${sample.domain}`
  const becomes = await rewriting(site.host, exim.command, address)
  if (becomes === null) return
  const rule = exim.text.lines.find(
    ({ place }) => place.line > (exim.text.sections.get('rewrite')?.line ?? Number.POSITIVE_INFINITY),
  )
  yield at(rule?.place ?? exim.text.sections.get('rewrite'), kinds.rewrite, {
    seen: `${rule?.place.text.trim() ?? 'begin rewrite'}; exim -brw ${address}: ${becomes}`,
    change: `Take the domain ${sample.domain} out of that rule, or the flag F; ${reload(exim)}`,
  })
}

/** A key for signing that is not there. */
export async function* diagnoseKeys({ exim, host, transports }: EximSite): AsyncIterable<Finding> {
  for (const transport of exim.text.transports) {
    if (transports.some(({ name }) => name === transport.name)) continue
    const key = transport.options.get('dkim_private_key')
    if (key === undefined || !key.value.startsWith('/') || key.value.includes('$')) continue
    if ((await host.stat(key.value)) !== null) continue
    const isStrict = isTrue(transport, 'dkim_strict') || option(transport, 'dkim_strict') === '1'
    yield at(key.place, isStrict ? kinds.dkimStrict : kinds.dkimKey, {
      why: `There is no ${key.value}. ${(isStrict ? kinds.dkimStrict : kinds.dkimKey).why}`,
    })
  }
}
