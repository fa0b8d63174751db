// Where list mail goes, and why not to Posthorn. Law: Sendmail's own verdict on an address decides whether anything is
// wrong; the lines of sendmail.cf only say which of them is the cause.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { type CfRule, wordsOf } from './sendmail-cf.ts'
import * as kinds from './sendmail-kinds.ts'
import { checkMailer } from './sendmail-mailer-checks.ts'
import { checkMapsFor } from './sendmail-map-checks.ts'
import { isForLists, type Sample, type Situation } from './sendmail-situation.ts'
import { isTemporary, verdictOf } from './sendmail-test-mode.ts'

/** Nothing is told of a domain without lists that Posthorn shares: nothing is to be routed there. */
export async function* checkRoute(situation: Situation, sample: Sample): AsyncIterable<Finding> {
  const { cf, answer } = situation
  const { domain, post, unknown } = sample
  const address = post ?? (domain.listOnly ? unknown : null)
  if (address === null) return
  const lines = answer(`route ${address}`)
  const verdict = verdictOf(lines, 'parse')
  if (verdict === null) return
  if (verdict.kind === 'mailer') {
    const mailer = cf.mailers.find(({ name }) => name === verdict.mailer)
    if (mailer === undefined) {
      const rule = namingRules(situation, verdict.mailer)[0]
      yield finding(kinds.mailerMissing, {
        seen: rule?.text ?? `$#${verdict.mailer}`,
        file: cf.path,
        line: rule?.line ?? null,
      })
      return
    }
    if (isForLists(mailer) || asksPort(situation, verdict.mailer)) {
      const early = namingRules(situation, verdict.mailer).find(({ ruleset }) => isCanonifying(ruleset))
      if (early !== undefined) {
        yield finding(kinds.ruleMisplaced, { seen: early.text, file: cf.path, line: early.line })
        return
      }
      yield* checkMailer(situation, mailer, verdict.host)
      yield* checkAskingRoute(situation, sample)
      return
    }
  }
  if (isTemporary(lines) || !domain.listOnly) {
    let told = false
    for await (const found of checkMapsFor(situation, address, lines)) {
      told = true
      yield found
    }
    if (told) return
  }
  yield whyNotRouted(situation, sample, address, lines)
}

// The rules of LOCAL_RULE_3 and LOCAL_RULE_1 and 2 rewrite addresses, and choose no mailer.
const isCanonifying = (ruleset: string): boolean =>
  ['canonify', 'Canonify2', 'LocalCanonify', '3', '96', '1', '2', 'final', '4'].includes(ruleset)

/** Whether Sendmail leads the address to a mailer that is for us; null when it was not asked. */
export function goesToLists({ cf, ...rest }: Situation, lines: readonly string[]): boolean | null {
  const verdict = verdictOf(lines, 'parse')
  if (verdict === null) return null
  const mailer =
    verdict.kind === 'mailer' ? cf.mailers.find(({ name }) => name === verdict.mailer) : undefined
  return mailer !== undefined && (isForLists(mailer) || asksPort({ cf, ...rest }, mailer.name))
}

const namingRules = ({ cf }: Situation, mailer: string): readonly CfRule[] =>
  cf.rules.filter(({ text }) => new RegExp(`\\$#\\s*${mailer}(?![\\w-])`).test(text))

/** The community's mailers go to Mailman's port, whatever they are called. */
const asksPort = ({ cf, facts }: Situation, name: string): boolean =>
  cf.mailers.some(
    (mailer) => mailer.name === name && mailer.fields.get('A')?.endsWith(` ${facts.lmtp.port}`) === true,
  )

/** A socket map that is asked while the route is chosen. */
function* checkAskingRoute(situation: Situation, { domain, unknown }: Sample): Iterable<Finding> {
  const { cf, answer } = situation
  const sockets = cf.maps.filter(({ type }) => type === 'socket')
  const called = new Set(
    answer(`route ${unknown}`)
      .map((line) => /^(\S+)\s+input:/.exec(line)?.[1] ?? '')
      .filter(Boolean),
  )
  for (const map of sockets) {
    const rule = cf.rules.find(
      ({ text, ruleset }) => called.has(ruleset) && new RegExp(`\\$\\(\\s*${map.name}\\s`, 'i').test(text),
    )
    if (rule !== undefined)
      yield finding(kinds.mapAsRoute, {
        seen: rule.text,
        file: cf.path,
        line: rule.line,
        why: `${kinds.mapAsRoute.why} (${domain.mailHost})`,
      })
  }
}

export function whyNotRouted(
  situation: Situation,
  { domain }: Pick<Sample, 'domain'>,
  address: string,
  lines: readonly string[],
): Finding {
  const { cf } = situation
  const mailers = cf.mailers.filter(isForLists)
  const [mailer] = mailers
  const result = lines.findLast((line) => line.includes('returns:')) ?? address
  if (mailer === undefined) {
    const dangling = danglingRule(situation)
    return dangling === null
      ? finding(kinds.hookUpMissing, { seen: `${address}: ${result}`, file: cf.path })
      : finding(kinds.mailerMissing, { seen: dangling.text, file: cf.path, line: dangling.line })
  }
  const byTable = tableEntry(situation, domain.mailHost)
  if (byTable !== null) return finding(kinds.routedElsewhere, { seen: byTable, file: cf.path })
  const named = mailers.flatMap(({ name }) => namingRules(situation, name))
  const classes = classesWith(situation, domain.mailHost)
  const meant = named.filter(
    ({ text }) =>
      text.includes(domain.mailHost) ||
      classes.some((name) => text.includes(`$={${name}}`) || text.includes(`$=${name}`)),
  )
  const taken = lines.find((line) => /^ParseLocal\s+returns: \$#/.test(line))
  const asking = cf.rules.find(
    (one) => isRouting(one) && classes.some((name) => one.text.includes(`$={${name}}`)),
  )
  if (taken !== undefined && asking !== undefined && meant.length === 0)
    return finding(kinds.routedElsewhere, {
      seen: `${address}: ${taken}, before ${asking.text} is asked`,
      file: cf.path,
      line: asking.line,
    })
  const [rule] = meant.length > 0 ? meant : named
  if (rule === undefined || (meant.length === 0 && classes.length > 0))
    return finding(kinds.ruleMissing, {
      seen: `${mailer.text} is there, and ${result}`,
      file: cf.path,
      line: mailer.line,
    })
  const at = { seen: rule.text, file: cf.path, line: rule.line }
  if (!meant.concat(meant.length === 0 ? named : []).some(isRouting)) return finding(kinds.ruleMisplaced, at)
  const canonical = /^canonify\s+returns: .*<\s*@\s*(.*?)\s*\.?\s*>/m
    .exec(lines.join('\n'))?.[1]
    ?.replace(/ /g, '')
    .replace(/\.$/, '')
  if (canonical !== undefined && canonical.toLowerCase() !== domain.mailHost)
    return finding(kinds.domainRenamed, { seen: `${domain.mailHost} becomes ${canonical}` })
  if (meant.length === 0) return missingDomain(situation, domain.mailHost, rule)
  return taken === undefined
    ? finding(kinds.ruleDoesNotFit, { ...at, seen: `${rule.text} does not take ${address}: ${result}` })
    : finding(kinds.routedElsewhere, { ...at, seen: `${address}: ${taken}, before ${rule.text} is asked` })
}

/** LOCAL_RULE_0 makes rules of ParseLocal; hand-made files have them in ruleset 0. */
const isRouting = ({ ruleset }: CfRule): boolean =>
  ['ParseLocal', '98', 'parse', '0', 'Parse0', 'Parse1'].includes(ruleset)

function missingDomain({ cf, answer }: Situation, mailHost: string, rule: CfRule): Finding {
  const [, name = ''] = /\$=\{?(\w+)/.exec(rule.text) ?? []
  const line = cf.classes.find((one) => one.name === name)
  const holds = answer(`class ${name}`).join(' ')
  return finding(kinds.domainMissing, {
    seen: line?.text ?? (name === '' ? rule.text : `$={${name}} holds ${holds === '' ? 'nothing' : holds}`),
    file: cf.path,
    line: line?.line ?? rule.line,
    change: `add C{${name === '' ? 'PosthornDomains' : name}}${mailHost} behind LOCAL_CONFIG in sendmail.mc, make sendmail.cf anew, and restart Sendmail`,
  })
}

/** The classes that hold a domain, other than those of cf.m4 (w, R, M, VirtHost …). */
function classesWith({ cf, answer }: Situation, mailHost: string): readonly string[] {
  const names = new Set(cf.classes.map(({ name }) => name))
  return [...names].filter(
    (name) =>
      name.length > 1 &&
      !/^(VirtHost|CanonifyDomain|ResOk|LDAPRoute|GenericsHost|TrustAuthMech)/.test(name) &&
      [...answer(`class ${name}`), ...wordsOf(cf, name)].some(
        (word) => word.trim().toLowerCase() === mailHost,
      ),
  )
}

/** A rule for a mailer that no M line defines. */
function danglingRule({ cf }: Situation): CfRule | null {
  const known = new Set([
    'error',
    'discard',
    'ok',
    'OK',
    'RELAY',
    'TEMP',
    'temp',
    'skip',
    ...cf.mailers.map(({ name }) => name),
  ])
  return (
    cf.rules.find(({ text, ruleset }) => {
      const name = /\$#\s*([\w-]+)\s+\$@/.exec(text)?.[1]
      return name !== undefined && !known.has(name) && ['ParseLocal', '98'].includes(ruleset)
    }) ?? null
  )
}

/** What mailertable or virtusertable say of the domain. */
function tableEntry({ answer }: Situation, domain: string): string | null {
  for (const key of [`mailertable ${domain}`, `virtuser @${domain}`]) {
    const line = answer(`map ${key}`).find((one) => / returns /.test(one))
    if (line !== undefined) return line
  }
  return null
}
