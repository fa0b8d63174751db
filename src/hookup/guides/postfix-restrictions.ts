// What the restrictions of smtpd do with a client, a sender and a recipient (SMTPD_ACCESS_README, access(5)). Law: only
// what can be known without the network is decided; black lists and policy services are taken to let pass.
import { isIPv6 } from 'node:net'
import { partsOf } from './postfix-configuration.ts'
import { type MasterService, splitOutsideBraces } from './postfix-files.ts'
import { firstAnswer, type TableName, tableOf } from './postfix-look-ups.ts'
import { inNetworks } from './postfix-networks.ts'
import { addressKeys, classesOf, isKnown, splitAddress } from './postfix-routing.ts'
import { isAddressOfList, type PostfixView, tablesOf } from './postfix-view.ts'

export interface Visit {
  /** The smtpd that is visited. */
  readonly smtpd: MasterService | null
  /** IP address. */
  readonly client: string
  /** The name that it has logged in with; null: without. */
  readonly login: string | null
  /** '' is the null sender. */
  readonly sender: string
  readonly recipient: string
}

export interface Refusal {
  /** `smtpd_relay_restrictions`, … */
  readonly parameter: string
  /** The restriction, with its table. */
  readonly word: string
  readonly table: TableName | null
  /** The table's answer. */
  readonly answer: string | null
}

type Verdict = 'permit' | 'pass' | Refusal

const stages = [
  'smtpd_client_restrictions',
  'smtpd_helo_restrictions',
  'smtpd_sender_restrictions',
  'smtpd_relay_restrictions',
  'smtpd_recipient_restrictions',
  'smtpd_data_restrictions',
  'smtpd_end_of_data_restrictions',
] as const

/** The first restriction that refuses; null when none does. Unknown recipients by class are not looked at here. */
export async function refusalOf(view: PostfixView, visit: Visit): Promise<Refusal | null> {
  for (const parameter of stages) {
    const value = view.configuration.valueFor(visit.smtpd, parameter)
    const verdict = await judge(view, visit, parameter, words(value), 0)
    if (typeof verdict === 'object') return verdict
  }
  return null
}

const words = (value: string): readonly string[] =>
  splitOutsideBraces(value, /[\s,]/).flatMap((word) =>
    /^\{.*\}$/s.test(word) ? splitOutsideBraces(word.slice(1, -1), /[\s,]/) : [word],
  )

async function judge(
  view: PostfixView,
  visit: Visit,
  parameter: string,
  list: readonly string[],
  depth: number,
): Promise<Verdict> {
  if (depth > 5) return 'pass'
  const queue = [...list]
  let onlyWarns = false
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const name = word.toLowerCase()
    if (name === 'warn_if_reject') {
      onlyWarns = true
      continue
    }
    const takesTable = checks.get(name)
    const table = takesTable === undefined ? tableOf(word) : tableOf(queue.shift() ?? '')
    if (takesArgument(name)) queue.shift()
    const verdict =
      table === null
        ? await plainVerdict(view, visit, parameter, word, depth)
        : await tableVerdict(
            view,
            visit,
            parameter,
            { word, table, by: takesTable ?? byOf(parameter) },
            depth,
          )
    if (verdict === 'permit') return verdict
    if (verdict !== 'pass' && !onlyWarns) return verdict
    onlyWarns = false
  }
  return 'pass'
}

type By = 'client' | 'sender' | 'recipient' | 'other'

const checks: ReadonlyMap<string, By> = new Map<string, By>([
  ['check_client_access', 'client'],
  ['check_sender_access', 'sender'],
  ['check_recipient_access', 'recipient'],
  ...['helo', 'ccert', 'sasl', 'etrn', 'reverse_client_hostname'].map(
    (what) => [`check_${what}_access`, 'other'] as const,
  ),
  ...['client', 'sender', 'recipient', 'helo', 'reverse_client_hostname'].flatMap((what) =>
    ['a', 'mx', 'ns'].map((record) => [`check_${what}_${record}_access`, 'other'] as const),
  ),
])

const takesArgument = (name: string): boolean =>
  /^(?:reject_rbl_client|reject_rhsbl_\w+|permit_dnswl_client|permit_rhswl_client|check_policy_service|sleep)$/.test(
    name,
  )

const byOf = (parameter: string): By =>
  parameter === 'smtpd_sender_restrictions'
    ? 'sender'
    : parameter === 'smtpd_client_restrictions'
      ? 'client'
      : 'recipient'

async function plainVerdict(
  view: PostfixView,
  visit: Visit,
  parameter: string,
  word: string,
  depth: number,
): Promise<Verdict> {
  const { configuration } = view
  const no: Refusal = { parameter, word, table: null, answer: null }
  switch (word.toLowerCase()) {
    case 'permit':
      return 'permit'
    case 'permit_mynetworks':
      return (await inNetworks(view, visit.smtpd, visit.client)) ? 'permit' : 'pass'
    case 'permit_sasl_authenticated':
      return visit.login !== null ? 'permit' : 'pass'
    case 'permit_inet_interfaces':
      return isLoopback(visit.client) ? 'permit' : 'pass'
    case 'permit_auth_destination':
      return (await isDestination(view, visit.recipient)) ? 'permit' : 'pass'
    case 'reject':
    case 'defer':
    case 'defer_if_permit':
      return no
    case 'reject_unauth_destination':
    case 'defer_unauth_destination':
      return (await isDestination(view, visit.recipient)) ? 'pass' : no
    case 'reject_unlisted_recipient':
      return (await isUnlisted(view, visit, visit.recipient)) ? no : 'pass'
    case 'reject_unlisted_sender':
      return (await isUnlisted(view, visit, visit.sender)) ? no : 'pass'
    case 'reject_unverified_recipient':
      return (await isDestination(view, visit.recipient)) && !isAddressOfList(view.facts, visit.recipient)
        ? no
        : 'pass'
    case 'reject_sender_login_mismatch':
    case 'reject_known_sender_login_mismatch':
    case 'reject_authenticated_sender_login_mismatch':
    case 'reject_unauthenticated_sender_login_mismatch':
      return (await ownsSender(view, visit, word.toLowerCase())) ? 'pass' : no
    default: {
      const isClass = partsOf(configuration.value('smtpd_restriction_classes')).includes(word)
      return isClass ? judge(view, visit, parameter, words(configuration.value(word)), depth + 1) : 'pass'
    }
  }
}

async function tableVerdict(
  view: PostfixView,
  visit: Visit,
  parameter: string,
  { word, table, by }: { readonly word: string; readonly table: TableName; readonly by: By },
  depth: number,
): Promise<Verdict> {
  const keys = await accessKeys(view, visit, by)
  if (keys === null) return 'pass'
  const found = await firstAnswer(view.ask, [table], keys)
  if (found === null) return 'pass'
  const action = found.value.trim()
  const shown = word === table.shown ? word : `${word} ${table.shown}`
  if (/^(?:ok|permit)\b/i.test(action) || (/^\d+$/.test(action) && !/^[45]\d\d$/.test(action)))
    return 'permit'
  if (
    /^(?:reject|defer|discard|redirect|hold|[45]\d\d)\b/i.test(action) &&
    !/^(?:reject|defer)_/i.test(action)
  )
    return { parameter, word: shown, table, answer: `${found.key} ${found.value}` }
  if (/^(?:dunno|warn|prepend|filter|bcc|info)\b/i.test(action)) return 'pass'
  const inner = await judge(view, visit, parameter, words(action), depth + 1)
  return typeof inner === 'object'
    ? { parameter, word: `${shown}: ${inner.word}`, table, answer: `${found.key} ${found.value}` }
    : inner
}

/** The keys of access(5); null for what is not looked at. */
async function accessKeys(view: PostfixView, visit: Visit, by: By): Promise<[string, ...string[]] | null> {
  if (by === 'other') return null
  if (by === 'client') {
    const parts = visit.client.split('.')
    const nets = isIPv6(visit.client) ? [] : [parts.slice(0, 3), parts.slice(0, 2), parts.slice(0, 1)]
    return [visit.client, ...nets.map((net) => net.join('.'))]
  }
  const address = by === 'sender' ? visit.sender : visit.recipient
  if (address === '') return ['<>']
  const { local, domain, bare } = splitAddress(view, address)
  const labels = domain.split('.')
  const parents = labels.map((_, at) => labels.slice(at).join('.'))
  const [whole, ...rest] = [address, ...(bare === null ? [] : [`${bare}@${domain}`])]
  return [whole ?? address, ...rest, ...parents, `${local}@`, ...(bare === null ? [] : [`${bare}@`])]
}

async function isDestination(view: PostfixView, address: string): Promise<boolean> {
  return (await classesOf(view, splitAddress(view, address).domain)).length > 0
}

async function isUnlisted(view: PostfixView, { smtpd }: Visit, address: string): Promise<boolean> {
  if (address === '') return false
  const [found] = await classesOf(view, splitAddress(view, address).domain)
  return found !== undefined && !(await isKnown(view, smtpd, address, found.class)).known
}

// smtpd_sender_login_maps says which logins own a sender.
async function ownsSender(
  view: PostfixView,
  { smtpd, login, sender }: Visit,
  word: string,
): Promise<boolean> {
  if (sender === '') return true
  const found = await firstAnswer(
    view.ask,
    tablesOf(view, 'smtpd_sender_login_maps', smtpd),
    await addressKeys(view, sender),
  )
  const owners = found === null ? [] : partsOf(found.value)
  // Where nobody can log in, nobody is asked to.
  if (view.configuration.valueFor(smtpd, 'smtpd_sasl_auth_enable') !== 'yes') return true
  if (login === null) {
    if (word === 'reject_authenticated_sender_login_mismatch') return true
    return owners.length === 0
  }
  if (word === 'reject_unauthenticated_sender_login_mismatch') return true
  if (word === 'reject_known_sender_login_mismatch' && owners.length === 0) return true
  return owners.includes(login)
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.')
