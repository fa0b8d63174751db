// Where list mail goes, and why not to Posthorn. Law: the first rule that matches decides, as in OpenSMTPD; when a rule
// before it cannot be judged here, nothing is said.

import { isIP } from 'node:net'
import type { Finding, FindingKind } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { finding } from '../finding.ts'
import { isLoopback, reachable, reaches } from './hosts.ts'
import { addressesOf, askedToken, type ListSample, toldOnce } from './list-sample.ts'
import * as kinds from './opensmtpd-kinds.ts'
import { tableName } from './opensmtpd-recipe.ts'
import { isAboutSender, matches, type Rule, without } from './opensmtpd-rules.ts'
import {
  type Action,
  decision,
  fromOutside,
  isForLists,
  placeOf,
  type Situation,
} from './opensmtpd-situation.ts'
import type { Table } from './opensmtpd-tables.ts'

const nobody = 'posthorn-doctor-asks-for-nobody'

/** Mail of one domain: to each address of the lists in the sample, and to nobody. */
export function* checkDomain(situation: Situation, { domain, names }: ListSample): Iterable<Finding> {
  const { mailHost, listOnly } = domain
  const unknown = `${nobody}@${mailHost}`
  if (names.length > 0) {
    const wrong = [...checkActions(situation, domain, names), ...checkAddresses(situation, domain, names)]
    yield* wrong
    if (wrong.length > 0) return
    yield* checkLocalMail(situation, domain, names)
  } else if (listOnly) yield* checkEmptyDomain(situation, domain, unknown)
  if (!listOnly) return
  const { rule, sure } = decision(situation, fromOutside(unknown))
  if (rule !== null && rule.action !== null && sure)
    yield finding(kinds.unknownAccepted, placeOf(rule.statement))
}

/** The action that takes an address, when it is for lists; null when it is another's, or no rule takes it. */
function listAction(situation: Situation, address: string): Action | null {
  const { rule } = decision(situation, fromOutside(address))
  const action = situation.actions.get(rule?.action ?? '')
  return action !== undefined && (isForLists(action) || leadsHere(situation, action)) ? action : null
}

/** False only where it is sure: nobody's but our own rules are in doubt, for who sends is not as they want it. */
function goesToLists(situation: Situation, address: string): boolean {
  if (listAction(situation, address) !== null) return true
  const ours = rulesForLists(situation)
  const { doubtful } = decision(situation, fromOutside(address))
  return doubtful.some((rule) => !ours.includes(rule) || !rule.conditions.some(isAboutSender))
}

/** Each action that takes mail of one of the lists. */
function* checkActions(
  situation: Situation,
  { mailHost }: DirectoryDomain,
  names: readonly string[],
): Iterable<Finding> {
  const actions = new Set(names.flatMap((name) => listAction(situation, `${name}@${mailHost}`) ?? []))
  for (const action of actions) yield* checkAction(situation, action)
}

/** Mail of this machine, and the bounces that OpenSMTPD makes itself. */
function* checkLocalMail(
  situation: Situation,
  { mailHost }: DirectoryDomain,
  names: readonly string[],
): Iterable<Finding> {
  for (const name of names) {
    const probe = { client: 'local', sender: '', recipient: `${name}-bounces@${mailHost}` }
    const { rule, sure } = decision(situation, probe)
    const action = situation.actions.get(rule?.action ?? '')
    if (
      rule === null ||
      !sure ||
      (action !== undefined && (isForLists(action) || leadsHere(situation, action)))
    )
      continue
    yield finding(kinds.localShadowed, placeOf(rule.statement))
    return
  }
}

const mostExplained = 50

function* checkAddresses(
  situation: Situation,
  domain: DirectoryDomain,
  names: readonly string[],
): Iterable<Finding> {
  const astray = names.flatMap(
    (name): readonly { name: string; address: string; notInTable: FindingKind }[] => {
      const [post = '', ...others] = addressesOf(name, domain.mailHost, situation.facts.delimiter)
      if (!goesToLists(situation, post)) return [{ name, address: post, notInTable: kinds.tableEntryMissing }]
      const missing = others.filter((address) => !goesToLists(situation, address))
      return missing.map((address) => ({
        name,
        address,
        notInTable: address.includes(askedToken) ? kinds.extensionRefused : kinds.tableEntryMissing,
      }))
    },
  )
  const told = astray
    .slice(0, mostExplained)
    .flatMap(({ address, notInTable }) =>
      [...whyNot(situation, domain, address, notInTable)].map((found) => ({ address, found })),
    )
  const isAll = names.length > 1 && new Set(astray.map(({ name }) => name)).size === names.length
  yield* toldOnce(told, isAll)
}

const leadsHere = ({ facts }: Situation, { url }: Action): boolean => url?.port === facts.lmtp.port

/** The rules that are meant for lists of this domain, whether or not they match. */
const rulesForLists = (situation: Situation): readonly Rule[] =>
  situation.rules.filter(({ action }) => {
    const found = situation.actions.get(action ?? '')
    return found !== undefined && (isForLists(found) || leadsHere(situation, found))
  })

/** `notInTable` is told when the rule is right and its table does not hold the address. */
function* whyNot(
  situation: Situation,
  { mailHost }: DirectoryDomain,
  address: string,
  notInTable: typeof kinds.tableEntryMissing,
): Iterable<Finding> {
  const { actions, configuration, tables, localNames, facts } = situation
  const probe = fromOutside(address)
  const candidates = rulesForLists(situation)
  const { rule: taken } = decision(situation, probe)
  const action = [...actions.values()].find(isForLists)
  if (action === undefined && candidates.length === 0) {
    yield finding(kinds.hookUpMissing, {
      seen: taken === null ? `no rule takes ${address}` : taken.statement.text,
      file: taken?.statement.file ?? configuration.path,
      line: taken?.statement.line ?? null,
    })
    return
  }
  const elsewhere = taken !== null && takesOurTable(situation, taken) ? taken : null
  if (elsewhere !== null && !candidates.includes(elsewhere)) {
    yield finding(kinds.ruleElsewhere, placeOf(elsewhere.statement))
    return
  }
  const shadowed = candidates.find((rule) => matches(rule, tables, localNames, probe) === true)
  if (shadowed !== undefined && taken !== null) {
    yield finding(kinds.ruleShadowed, {
      ...placeOf(taken.statement),
      change: `move line ${shadowed.statement.line} (${shadowed.statement.text}) before line ${taken.statement.line}, see 'smtpd -n', and restart OpenSMTPD`,
    })
    return
  }
  const local = candidates.find(
    (rule) => matches(rule, tables, localNames, { ...probe, client: 'local' }) === true,
  )
  if (local !== undefined) {
    yield finding(kinds.onlyFromLocal, placeOf(local.statement))
    return
  }
  const narrowed = candidates.find(
    (rule) => matches(without(rule, isAboutSender), tables, localNames, probe) === true,
  )
  const turned = candidates.find(({ conditions }) =>
    conditions.some(({ about, not }) => not && /^for domain$|rcpt-to$/.test(about)),
  )
  const conditional = narrowed ?? turned
  if (conditional !== undefined) {
    yield finding(kinds.ruleNarrowed, placeOf(conditional.statement))
    return
  }
  const [first] = candidates
  if (first === undefined) {
    const at = action === undefined ? { seen: `no rule takes ${address}` } : placeOf(action.statement)
    yield finding(kinds.ruleMissing, at)
    return
  }
  const ofDomain = candidates.find((rule) => takesDomain(rule, tables, mailHost))
  if (ofDomain === undefined) {
    const table = tableOf(first, tables, 'for domain')
    yield finding(kinds.domainMissing, {
      ...placeOf(table?.statement ?? first.statement),
      change: `add "${mailHost}" to ${table === null ? 'the rule' : `table ${table.name}`}, see 'smtpd -n', and restart OpenSMTPD`,
    })
    return
  }
  const recipients = ofDomain.conditions.find(({ about }) => about.endsWith('rcpt-to'))
  const table = tableOf(ofDomain, tables, 'rcpt-to')
  if (recipients === undefined) {
    yield finding(kinds.ruleMissing, placeOf(ofDomain.statement))
    return
  }
  if (table === null) {
    const { text, file, line } = ofDomain.statement
    yield finding(notInTable, { seen: `${text} does not take ${address}`, file, line })
    return
  }
  const isOfExpressions = table.entries?.some((entry) => /[\^$\\]/.test(entry)) === true
  if (!recipients.isRegex && isOfExpressions) yield finding(kinds.regexMissing, placeOf(ofDomain.statement))
  else if (table.path !== null && table.facts === null)
    yield finding(kinds.tableMissing, placeOf(table.statement))
  else if (!facts.incoming.includes('opensmtpd'))
    yield finding(kinds.tableNotWritten, placeOf(table.statement))
  else if (table.entries?.length === 0) yield finding(kinds.tableEmpty, placeOf(table.statement))
  else
    yield finding(notInTable, {
      seen: `table ${table.name} does not have ${address}`,
      file: table.path ?? table.statement.file,
      line: table.path === null ? table.statement.line : null,
    })
}

/** A rule that asks the table of list addresses, whatever its action is. */
function takesOurTable({ tables, facts }: Situation, rule: Rule): boolean {
  const table = tableOf(rule, tables, 'rcpt-to')
  return table !== null && (table.path?.startsWith(`${facts.dataDir}/`) === true || table.name === tableName)
}

/** The table that a condition names; null where it names a word, or nothing. */
export function tableOf(
  { conditions }: Rule,
  tables: ReadonlyMap<string, Table>,
  about: string,
): Table | null {
  const value = conditions.find((condition) => condition.about.endsWith(about))?.value
  return value !== undefined && value !== null && 'table' in value ? (tables.get(value.table) ?? null) : null
}

function takesDomain(
  { conditions, statement }: Rule,
  tables: ReadonlyMap<string, Table>,
  mailHost: string,
): boolean {
  const ofDomain = conditions.filter(({ about }) => about === 'for domain')
  if (ofDomain.length === 0) return !conditions.some(({ about }) => about === 'for local')
  const only: Rule = { statement, action: null, conditions: ofDomain }
  return matches(only, tables, [], fromOutside(`x@${mailHost}`)) !== false
}

/** A domain that is for lists alone and has none yet: only the rule can be judged. */
function* checkEmptyDomain(
  situation: Situation,
  domain: DirectoryDomain,
  unknown: string,
): Iterable<Finding> {
  const candidates = rulesForLists(situation)
  const rule = candidates.find((one) => takesDomain(one, situation.tables, domain.mailHost))
  if (rule === undefined) {
    yield* whyNot(situation, domain, unknown, kinds.tableEntryMissing)
    return
  }
  const action = situation.actions.get(rule.action ?? '')
  if (action !== undefined) yield* checkAction(situation, action)
}

function* checkAction(
  { facts }: Situation,
  { statement, method, url, options, name }: Action,
): Iterable<Finding> {
  const at = placeOf(statement)
  const host = reachable(facts.lmtp.host)
  const wanted = `action "${name}" relay host "lmtp://${host.includes(':') ? `[${host}]` : host}:${facts.lmtp.port}"`
  const change = `write ${wanted}, see 'smtpd -n', and restart OpenSMTPD`
  if (method !== 'relay') {
    yield finding(kinds.actionLocal, { ...at, change })
    return
  }
  if (url?.protocol !== 'lmtp') yield finding(kinds.notLmtp, { ...at, change })
  if (url !== null && url.port !== facts.lmtp.port) yield finding(kinds.wrongPort, { ...at, change })
  const isName =
    url !== null &&
    /[a-z]/i.test(url.host) &&
    !url.host.includes(':') &&
    url.host.toLowerCase() !== 'localhost'
  if (url !== null && !isName && !reaches(url.host, facts.lmtp.host))
    yield finding(kinds.wrongHost, { ...at, change })
  const source = options[options.indexOf('src') + 1]
  if (
    options.includes('src') &&
    source !== undefined &&
    isIP(source) !== 0 &&
    isLoopback(host) &&
    !isLoopback(source)
  )
    yield finding(kinds.actionSource, { ...at, change })
  if (options.includes('tls') || options.includes('auth')) yield finding(kinds.actionTls, { ...at, change })
  if (options.includes('mail-from') || options.includes('srs'))
    yield finding(kinds.senderChanged, { ...at, change })
}
