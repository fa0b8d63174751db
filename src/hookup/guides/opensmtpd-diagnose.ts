// `posthorn doctor opensmtpd`: walks mail for lists and from lists through the rules of smtpd.conf, and names the line that
// is to blame. Law: nothing is wrong that works; a fault is told where it begins.
import { HOUR, MINUTE, SECOND } from '../../base/clock.ts'
import type { Finding, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { sampleLists } from './list-sample.ts'
import { readSmtpdConf, smtpdConfPath } from './opensmtpd-configuration.ts'
import { checkFilters } from './opensmtpd-filter-checks.ts'
import * as kinds from './opensmtpd-kinds.ts'
import { checkDomain } from './opensmtpd-list-checks.ts'
import { checkListeners, checkRelaying } from './opensmtpd-relay-checks.ts'
import { placeOf, type Situation, situationOf } from './opensmtpd-situation.ts'
import { checkByReading } from './opensmtpd-syntax.ts'
import { checkTables } from './opensmtpd-table-checks.ts'
import { seenFromOutside } from './seen-at.ts'

export async function* diagnoseOpensmtpd(facts: HostFacts, host: MailServerHost): AsyncIterable<Finding> {
  const path = await smtpdConfPath(host)
  const configuration = await readSmtpdConf(host, path, seenFromOutside(facts, host))
  if (configuration === null) {
    yield finding(kinds.noConfiguration, { seen: `${path} is not there`, file: path })
    return
  }
  const situation = await situationOf(facts, host, configuration)
  yield* checkSyntax(situation)
  const { samples, left } = sampleLists(facts, mostLists)
  for (const sample of samples) {
    let isHookedUp = true
    for (const found of checkDomain(situation, sample)) {
      yield found
      if (found.kind === kinds.hookUpMissing) isHookedUp = false
    }
    // What is not hooked up at all need not be told for each domain.
    if (!isHookedUp) break
  }
  if (left > 0) yield finding(kinds.listsSampled, { seen: `${left} lists were not looked at one by one` })
  yield* checkRelaying(situation)
  yield* checkListeners(situation)
  yield* checkFilters(situation, samples)
  yield* checkLimits(situation)
  yield* checkPaused(situation)
  const started = await startOf(host)
  yield* checkTables(situation, started)
  if (started !== null && configuration.changed > started + SECOND)
    yield finding(kinds.notRestarted, {
      seen: `smtpd.conf is of ${new Date(configuration.changed).toISOString()}, smtpd runs since ${new Date(started).toISOString()}`,
      file: path,
    })
}

/** So many are looked at one by one. */
const mostLists = 500

/** What smtpd -n finds: `FILE:LINE: words`. What it does not understand it does not define, so later complaints follow. */
function* checkSyntax(situation: Situation): Iterable<Finding> {
  const { said } = situation
  if (said === null) yield* checkByReading(situation)
  if (said === null || said.code === 0) return
  const complaints = said.err.split('\n').flatMap((text) => complaintOf(situation, text) ?? [])
  const first = complaints.findIndex(({ kind }) => kind === kinds.configurationError)
  const causes = complaints.filter(
    ({ kind }, at) => first < 0 || at <= first || (kind !== kinds.undefinedName && kind !== kinds.tableEmpty),
  )
  yield* causes
  if (complaints.length === 0)
    yield finding(kinds.configurationError, {
      seen: said.err.trim().split('\n').at(-1) ?? `smtpd -n ended with ${said.code}`,
      file: situation.configuration.path,
    })
}

function complaintOf({ configuration }: Situation, text: string): Finding | null {
  const [, file, line, words] = /^(\/\S+?):(\d+): (.*)$/.exec(text) ?? []
  if (file === undefined || words === undefined) return null
  const statement = configuration.statements.findLast((one) => one.file === file && one.line <= Number(line))
  const at = {
    seen: statement === undefined ? text : `${statement.text} (${words})`,
    file,
    line: Number(line),
  }
  if (/invalid configuration file/.test(words)) return finding(kinds.tableMissing, at)
  if (/may not be used for/.test(words)) return finding(kinds.tableEmpty, at)
  if (/no such (dispatcher|action|table|filter)/.test(words)) return finding(kinds.undefinedName, at)
  return finding(kinds.configurationError, at)
}

const units: Readonly<Record<string, number>> = { s: SECOND, m: MINUTE, h: HOUR, d: 24 * HOUR }
const shortest = HOUR

function* checkLimits({ configuration }: Situation): Iterable<Finding> {
  const ttl = configuration.statements.findLast(({ words }) => words[0] === 'queue' && words[1] === 'ttl')
  const [, number, unit = 's'] = /^(\d+)([smhd]?)$/.exec(ttl?.words[2] ?? '') ?? []
  if (ttl !== undefined && number !== undefined && Number(number) * (units[unit] ?? SECOND) < shortest)
    yield finding(kinds.shortTtl, placeOf(ttl))
  const size = configuration.statements.findLast(
    ({ words }) => words[0] === 'smtp' && words[1] === 'max-message-size',
  )
  const [, digits, scale = ''] = /^(\d+)([kmgKMG]?)B?$/.exec(size?.words[2] ?? '') ?? []
  if (size !== undefined && Number(digits) * (scales[scale.toLowerCase()] ?? 1) < smallest)
    yield finding(kinds.smallMessages, placeOf(size))
}

const scales: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }
/** Less than a post that a list takes by default, with a header. */
const smallest = 100 * 1024

/** What `smtpctl pause` has stopped. */
async function* checkPaused({ host }: Situation): AsyncIterable<Finding> {
  const status = await host.run(['smtpctl', 'show', 'status'])
  for (const [line, , part = ''] of (status?.out ?? '').matchAll(/^((MTA|SMTP) paused)$/gim))
    yield finding(kinds.paused, {
      seen: `smtpctl show status: ${line}`,
      change: `smtpctl resume ${part.toLowerCase()}`,
    })
}

/** When smtpd started, by its own clock; null when it does not run or does not say. */
async function startOf(host: MailServerHost): Promise<number | null> {
  const stats = await host.run(['smtpctl', 'show', 'stats'])
  const uptime = /^uptime=(\d+)$/m.exec(stats?.out ?? '')?.[1]
  if (uptime === undefined) return null
  const now = await host.run(['date', '+%s'])
  return now === null || now.code !== 0 ? null : (Number(now.out) - Number(uptime)) * SECOND
}
