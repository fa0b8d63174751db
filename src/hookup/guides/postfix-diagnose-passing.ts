// What all mail passes on its way through Postfix: filters, milters and policy services, header checks, and the next mail
// server. Law: that nobody listens at a place is a fault only while Postfix runs with this very configuration; one that is
// only looked at may be meant for another day.
import { Unavailable } from '../../base/unavailable.ts'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { isLoopback } from './hosts.ts'
import { partsOf } from './postfix-configuration.ts'
import { type MasterService, splitOutsideBraces } from './postfix-files.ts'
import * as kinds from './postfix-kinds.ts'
import type { TableName } from './postfix-look-ups.ts'
import { readNexthop } from './postfix-nexthop.ts'
import { outgoingOf } from './postfix-outgoing.ts'
import { inside, publicSmtpd, smtpdAt } from './postfix-services.ts'
import { type PostfixView, placeFor, tablesOf } from './postfix-view.ts'

export async function* passingFaults(view: PostfixView): AsyncGenerator<Finding> {
  yield* headerChecks(view)
  const doors = [publicSmtpd(view.configuration), smtpdAt(view.configuration, view.facts.relay.port)]
  const asked = [...new Set(doors)].flatMap((smtpd) => askedBy(view, smtpd))
  const next = await nextServer(view)
  if ((asked.length === 0 && next === null) || !(await isRunning(view))) return
  const told = new Set<string>()
  for (const one of asked) {
    const place = placeFor(view, one.smtpd, one.parameter, one.word)
    const key = `${place.file}:${place.line} ${one.shown}`
    if (told.has(key) || (await view.host.listens(one.at)) !== false) continue
    told.add(key)
    yield finding(kinds.deadFilter, {
      ...place,
      why: `${one.parameter} names ${one.shown}, and nobody listens there. ${kinds.deadFilter.why}`,
    })
  }
  if (next !== null && (await view.host.listens(next.at)) === false)
    yield finding(kinds.deadRelay, {
      ...placeFor(view, inside(view.configuration, 'rewrite'), next.parameter),
      why: `Mail for the world goes to ${next.shown}, and nobody listens there. ${kinds.deadRelay.why}`,
    })
}

/** Its master(8) says in its environment which configuration it was started with; only root may read that. */
async function isRunning({ host, configuration }: PostfixView): Promise<boolean> {
  try {
    const pid = await host.readText(`${configuration.value('queue_directory')}/pid/master.pid`)
    const environment = pid === null ? null : await host.readText(`/proc/${pid.trim()}/environ`)
    return environment?.split('\0').includes(`MAIL_CONFIG=${configuration.directory}`) ?? false
  } catch (fault) {
    if (fault instanceof Unavailable) return false
    throw fault
  }
}

// ---- who is asked ----

interface Asked {
  readonly smtpd: MasterService | null
  readonly parameter: string
  /** The word of the setting that names it. */
  readonly word: string
  readonly shown: string
  readonly at: { readonly host: string; readonly port: number } | { readonly path: string }
}

/** Those whose silence keeps mail from being taken; one that is passed over when it is down is no one's concern. */
function askedBy(view: PostfixView, smtpd: MasterService | null): readonly Asked[] {
  const { configuration } = view
  const at = (parameter: string, word: string, place: string): readonly Asked[] => {
    const found = endpointOf(place, configuration.value('queue_directory'))
    return found === null ? [] : [{ smtpd, parameter, word, shown: place, at: found }]
  }
  const value = (name: string): string => configuration.valueFor(smtpd, name)
  const [channel = '', ...filter] = value('content_filter').split(':')
  const proxy = value('smtpd_proxy_filter')
  return [
    ...(channel === '' ? [] : filterPlace(filter.join(':')).flatMap((one) => at('content_filter', '', one))),
    ...(proxy === '' ? [] : at('smtpd_proxy_filter', '', proxy.replace(/^inet:/, ''))),
    ...servicesIn(value('smtpd_milters'), value('milter_default_action')).flatMap((one) =>
      at('smtpd_milters', one, one),
    ),
    ...policyParameters.flatMap((name) =>
      policiesIn(value(name), value('smtpd_policy_service_default_action')).flatMap((one) =>
        at(name, one, one),
      ),
    ),
  ]
}

const policyParameters = [
  'smtpd_client_restrictions',
  'smtpd_helo_restrictions',
  'smtpd_sender_restrictions',
  'smtpd_relay_restrictions',
  'smtpd_recipient_restrictions',
  'smtpd_data_restrictions',
  'smtpd_end_of_data_restrictions',
]

function filterPlace(nexthop: string): readonly string[] {
  const read = readNexthop(nexthop)
  return read.kind === 'inet' && read.port !== null ? [`${read.host}:${read.port}`] : []
}

/** Milters: `inet:127.0.0.1:8891`, or `{ inet:127.0.0.1:8891, default_action=accept }`. */
function servicesIn(value: string, usual: string): readonly string[] {
  return partsOf(value).flatMap((word) => {
    const [place = '', ...settings] = splitOutsideBraces(word.replace(/^\{|\}$/g, ''), /[\s,]/)
    const action = settings.map((one) => /^default_action=(\w+)/.exec(one)?.[1]).find(Boolean) ?? usual
    return action === 'accept' ? [] : [place]
  })
}

/** Behind check_policy_service; by default a policy service without an answer is a 451. */
function policiesIn(value: string, usual: string): readonly string[] {
  const words = partsOf(value)
  return words.flatMap((word, index) => {
    if (words[index - 1] !== 'check_policy_service') return []
    const [place = ''] = splitOutsideBraces(word.replace(/^\{|\}$/g, ''), /[\s,]/)
    const action = /default_action\s*=\s*\{?\s*(\w+)/.exec(word)?.[1] ?? usual.split(/\s/)[0] ?? ''
    return /^(?:dunno|ok|permit)$/i.test(action) ? [] : [place]
  })
}

/** Only on this machine: what is asked elsewhere may be closed to us alone. */
function endpointOf(place: string, queue: string): Asked['at'] | null {
  const path = /^(?:local|unix):(.+)$/.exec(place)?.[1]
  if (path !== undefined) return { path: path.startsWith('/') ? path : `${queue}/${path}` }
  const found = /^(?:inet6?:)?\[?([\w.:-]*?)\]?[:@](\d+)$/.exec(place)
  // A milter is `inet:PORT@HOST` for Sendmail, `inet:HOST:PORT` for Postfix.
  const host = found?.[1] === '' ? '127.0.0.1' : (found?.[1] ?? '')
  return isLoopback(host) ? { host, port: Number(found?.[2]) } : null
}

// ---- the next mail server ----

async function nextServer(
  view: PostfixView,
): Promise<(Pick<Asked, 'parameter' | 'shown'> & { at: { host: string; port: number } }) | null> {
  const { configuration } = view
  const { channel, nexthop, parameter } = await outgoingOf(view)
  const command = inside(configuration, channel)?.command
  const read = readNexthop(nexthop)
  if ((command !== 'smtp' && command !== 'lmtp') || read.kind !== 'inet') return null
  if (!isLoopback(read.host)) return null
  return {
    parameter,
    shown: `${channel}:${nexthop}`,
    at: { host: read.host, port: read.port ?? (command === 'lmtp' ? 24 : 25) },
  }
}

// ---- header checks ----

const parameters = ['header_checks', 'mime_header_checks'] as const

async function* headerChecks(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration, facts } = view
  const domain = facts.domains.find(({ listNames }) => listNames.length > 0)
  if (domain === undefined) return
  const cleanup = inside(configuration, 'cleanup')
  const smtpd = smtpdAt(configuration, facts.relay.port) ?? publicSmtpd(configuration)
  if (partsOf(configuration.valueFor(smtpd, 'receive_override_options')).includes('no_header_body_checks'))
    return
  for (const parameter of parameters)
    for (const table of tablesOf(view, parameter, cleanup)) {
      const taken = await takenBy(view, table, fieldsOf(domain.listNames[0] ?? '', domain.mailHost))
      if (taken === null) continue
      yield finding(kinds.headerCheck, {
        ...placeFor(view, cleanup, parameter, table.shown),
        why: `To '${taken.field}' ${table.shown} says ${taken.action}. ${kinds.headerCheck.why}`,
        change: `Take that line out of ${table.name}, or put before it: /^List-Id:/ DUNNO`,
      })
      return
    }
}

/** As a copy of a post has them (RFC 2369, RFC 2919), and a letter of ours. */
const fieldsOf = (name: string, domain: string): readonly string[] => [
  `List-Id: <${name}.${domain}>`,
  'Precedence: list',
  'Precedence: bulk',
  `List-Post: <mailto:${name}@${domain}>`,
  `List-Help: <mailto:${name}-request@${domain}?subject=help>`,
  `List-Unsubscribe: <mailto:${name}-leave@${domain}>`,
  'Auto-Submitted: auto-generated',
]

async function takenBy(
  { ask }: PostfixView,
  table: TableName,
  fields: readonly string[],
): Promise<{ readonly field: string; readonly action: string } | null> {
  const looked = await ask.ask(table, fields)
  if ('broken' in looked) return null
  for (const field of fields) {
    const action = looked.answers.get(field)
    if (action !== undefined && /^(?:reject|discard|hold|redirect|filter)\b/i.test(action))
      return { field, action }
  }
  return null
}
