// Filters that OpenSMTPD has built in (smtpd.conf(5), filter): would one refuse a post, a bounce, or a copy of ours? Law:
// what a filter asks of the DNS, of the greeting or of a program cannot be known here, and is never taken for a no.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { addressFromAfar } from './hosts.ts'
import { addressesOf, type ListSample } from './list-sample.ts'
import type { Statement } from './opensmtpd-configuration.ts'
import * as kinds from './opensmtpd-kinds.ts'
import { ourListeners } from './opensmtpd-relay-checks.ts'
import { type Condition, conditionHolds, type Probe, ruleOf } from './opensmtpd-rules.ts'
import { fromOutside, placeOf, type Situation } from './opensmtpd-situation.ts'

interface Filter {
  readonly statement: Statement
  /** What it says no to: all must hold. */
  readonly conditions: readonly Condition[]
}

export function* checkFilters(situation: Situation, samples: readonly ListSample[]): Iterable<Finding> {
  const { configuration, facts, tables, localNames } = situation
  const listeners = ourListeners(situation)
  const inUse = new Set(listeners.flatMap((listener) => filtersOf(listener, configuration.statements)))
  const filters = configuration.statements
    .filter(({ words }) => words[0] === 'filter' && inUse.has(words[1] ?? ''))
    .flatMap((statement) => refusing(statement) ?? [])
  const probes = samples.flatMap(({ domain, names }) =>
    names.flatMap((name) => probesFor(situation, addressesOf(name, domain.mailHost, facts.delimiter))),
  )
  for (const { statement, conditions } of filters)
    if (
      probes.some((probe) =>
        conditions.every((condition) => {
          const holds = conditionHolds(condition, tables, localNames, probe)
          return holds !== null && holds !== condition.not
        }),
      )
    )
      yield finding(kinds.filterRefuses, placeOf(statement))
}

/** A post or a bounce from outside, and a copy of ours. */
function probesFor({ facts }: Situation, addresses: readonly string[]): readonly Probe[] {
  const us = addressFromAfar(facts.lmtp.host) ?? 'local'
  const copy = { client: us, sender: addresses.at(-2) ?? '', recipient: 'somebody@example.net' }
  return [...addresses.map(fromOutside), copy]
}

/** The filters of a listener by name, chains resolved. */
function filtersOf({ words }: Statement, statements: readonly Statement[]): readonly string[] {
  const at = words.indexOf('filter')
  if (at < 0) return []
  const named = listAt(words, at + 1)
  return named.flatMap((name) => {
    const chain = statements.find((one) => one.words[0] === 'filter' && one.words[1] === name)
    return chain?.words[2] === 'chain' ? [name, ...listAt(chain.words, 3)] : [name]
  })
}

/** A word, or those between braces. */
function listAt(words: readonly string[], at: number): readonly string[] {
  if (words[at] !== '{') return words.slice(at, at + 1)
  return words.slice(at + 1, words.indexOf('}', at)).filter((word) => word !== ',')
}

/** `filter NAME phase PHASE match … reject "…"`; null when it does not say no. */
function refusing(statement: Statement): Filter | null {
  const { words } = statement
  const match = words.indexOf('match')
  const end = words.findIndex((word, at) => at > match && (word === 'reject' || word === 'disconnect'))
  if (words[2] !== 'phase' || match < 0 || end < 0) return null
  const { conditions } = ruleOf({ ...statement, words: ['match', ...words.slice(match + 1, end)] })
  // `from` and `for` belong to rules alone.
  return { statement, conditions: conditions.filter(({ about }) => !/^(from|for) /.test(about)) }
}
