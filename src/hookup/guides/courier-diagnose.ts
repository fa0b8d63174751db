// `posthorn doctor courier`: follows mail for each list from esmtpacceptmailfor to the file in the home and the program in
// it, and mail from the lists to smtpaccess. Law: nothing is wrong that works; a fault is told where it begins.
import { join } from 'node:path'
import type { Finding, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { courierFolder, hasCourier } from './courier-configuration.ts'
import { checkAliasFile, checkDomain } from './courier-domain-checks.ts'
import { checkHome } from './courier-home-checks.ts'
import * as kinds from './courier-kinds.ts'
import { modeOf } from './courier-refusals.ts'
import { checkDaemons, checkRelay } from './courier-relay-checks.ts'
import { type CourierSituation, courierSituation } from './courier-situation.ts'

export async function* diagnoseCourier(facts: HostFacts, host: MailServerHost): AsyncIterable<Finding> {
  const dir = await courierFolder(host)
  if (!(await hasCourier(host, dir))) {
    yield finding(kinds.noConfiguration, { seen: `${dir}/courierd is not there`, file: dir })
    return
  }
  const situation = await courierSituation(facts, host, dir)
  yield* checkReading(situation)
  yield* checkAliasFile(situation)
  yield* checkDomains(situation)
  yield* checkHomes(situation)
  const shell = situation.configuration.courierd.get('SHELL')
  if (shell !== undefined && /(^|\/)(false|nologin|true)$/.test(shell.value))
    yield finding(kinds.noShell, { ...shell, seen: `SHELL=${shell.value}` })
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
    const target = name === undefined ? null : await accounts.byName(name)
    yield* checkDomain(situation, one, target)
    const said = target === null || name === undefined ? null : await accounts.library(name)
    if (said === null || said.knows) continue
    const isDown = /s_connect\(\) failed/.test(said.words)
    yield finding(isDown ? kinds.authdaemonDown : kinds.accountUnknown, {
      seen: `authtest ${name}: ${said.words.split('\n')[0]}`,
    })
  }
}

/** What Courier's programs read as their own user. */
async function* checkReading({ host, configuration }: CourierSituation): AsyncIterable<Finding> {
  const { dir } = configuration
  const files = [
    '',
    'me',
    'locals',
    'aliases.dat',
    'esmtpacceptmailfor',
    'esmtpacceptmailfor.dat',
    'hosteddomains.dat',
  ]
  for (const path of files.map((name) => (name === '' ? dir : join(dir, name)))) {
    const there = await host.stat(path)
    if (there === null || (there.mode & 0o044) !== 0 || there.user === 'courier') continue
    yield finding(kinds.filesClosed, {
      seen: `${path} is ${modeOf(there)}`,
      file: path,
      change: `chmod a+r${path === dir ? 'x' : ''} ${path}`,
    })
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
