// `posthorn doctor courier`: follows mail for each list from esmtpacceptmailfor to the file in the home and the program in
// it, and mail from the lists to smtpaccess. Law: nothing is wrong that works; a fault is told where it begins.
import type { Finding, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { courierFolder, hasCourier } from './courier-configuration.ts'
import { checkAliasFile, checkDomain } from './courier-domain-checks.ts'
import { checkHome } from './courier-home-checks.ts'
import * as kinds from './courier-kinds.ts'
import { checkDaemons, checkRelay } from './courier-relay-checks.ts'
import { type CourierSituation, courierSituation } from './courier-situation.ts'

export async function* diagnoseCourier(facts: HostFacts, host: MailServerHost): AsyncIterable<Finding> {
  const dir = await courierFolder(host)
  if (!(await hasCourier(host, dir))) {
    yield finding(kinds.noConfiguration, { seen: `${dir}/courierd is not there`, file: dir })
    return
  }
  const situation = await courierSituation(facts, host, dir)
  yield* checkAliasFile(situation)
  yield* checkDomains(situation)
  yield* checkHomes(situation)
  if (situation.configuration.localLowercase === null)
    yield finding(kinds.caseMatters, {
      seen: `${dir}/locallowercase is not there`,
      change: `touch ${dir}/locallowercase ('posthorn hookup courier --write' does)`,
    })
  yield* checkRelay(situation)
  yield* checkDaemons(situation)
}

async function* checkDomains(situation: CourierSituation): AsyncIterable<Finding> {
  const { domains, accounts, configuration } = situation
  const given = domains.filter(({ way }) => way === 'account')
  if (given.length > 0 && given.every(({ aliases }) => aliases.length === 0))
    yield finding(kinds.hookUpMissing, {
      seen: `no line begins with ${given.map(({ domain }) => `@${domain.mailHost}:`).join(' or ')}`,
      file: configuration.aliases.path,
    })
  for (const one of domains) {
    const name = one.aliases[0]?.targets[0]
    yield* checkDomain(situation, one, name === undefined ? null : await accounts.byName(name))
  }
}

async function* checkHomes(situation: CourierSituation): AsyncIterable<Finding> {
  const { domains, facts, configuration } = situation
  for (const one of domains) {
    if (one.way === null) continue
    if (one.home === null)
      yield finding(kinds.homeNotSet, {
        seen: `[courier] has no home for ${one.domain.mailHost}`,
        file: facts.mailServerFile ?? facts.configFile,
        ...(one.way === 'aliasdir'
          ? {
              change: `write '${one.domain.mailHost}: ${configuration.aliasdir}' into [courier], restart Posthorn, and run 'posthorn aliases'`,
            }
          : {}),
      })
    else if ((one.way === 'aliasdir') !== (one.home === configuration.aliasdir))
      yield finding(kinds.homeWrong, {
        seen: `${one.home} for ${one.domain.mailHost}`,
        file: facts.mailServerFile,
        change:
          one.way === 'aliasdir'
            ? `write '${one.domain.mailHost}: ${configuration.aliasdir}' into [courier], restart Posthorn, and run 'posthorn aliases'`
            : `write '${one.domain.mailHost}: HOME', with the home of the account that the domain goes to, into [courier], restart Posthorn, and run 'posthorn aliases'`,
      })
  }
  for (const [home, sharing] of Map.groupBy(domains, (one) => (one.way === null ? null : one.home)))
    if (home !== null) yield* checkHome(situation, home, sharing)
}
