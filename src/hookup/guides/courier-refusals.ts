// Why a hook-up to Courier cannot be made, and what to do about it. Pure.
import type { FileFacts, HookupWay } from '../../model/hookup.ts'
import { relayClients } from './courier-clients.ts'
import type { Entry } from './courier-configuration.ts'
import { accessFor, accessKey, domainLine } from './courier-names.ts'
import type { CourierDomain, CourierSituation } from './courier-situation.ts'

export function courierRefusals(situation: CourierSituation, way: HookupWay): readonly string[] {
  const { facts, configuration, domains } = situation
  if (way !== 'tables')
    return [`Courier cannot ask Posthorn which addresses exist (--way ${way}): a file for each list says it`]
  if (domains.length === 0)
    return ["there is no domain yet: make one with 'posthorn domain add lists.example.org --list-only'"]
  const refusals: string[] = []
  if (configuration.aliases.kind === 'missing')
    refusals.push(`${configuration.aliases.path} is not there: 'mkdir ${configuration.aliases.path}'`)
  if (configuration.acceptFolder.kind === 'missing' && configuration.acceptFile.kind === 'missing')
    refusals.push(
      `${configuration.acceptFolder.path} is not there: 'mkdir ${configuration.acceptFolder.path}'`,
    )
  if (configuration.dotExtension !== null && configuration.dotExtension.text.trim() !== 'courier')
    refusals.push(
      `${placeOf(configuration.dotExtension)} lets Courier read .${configuration.dotExtension.text.trim()} files instead of .courier files, which Posthorn writes: remove that file, or keep the files of the lists by hand`,
    )
  for (const one of domains) refusals.push(...ofDomain(situation, one), ...ofHome(situation, one))
  refusals.push(...ofNames(domains))
  const operators = configuration.access.entries.filter(({ ours }) => !ours)
  for (const address of relayClients(facts)) {
    const found = accessFor(operators, address)
    if (found === null || found.variables.has('RELAYCLIENT')) continue
    // makesmtpaccess stops at an address that stands there twice.
    if (found.entry.text.trim().split(/\s/)[0] === accessKey(address) || !found.allows)
      refusals.push(
        `${placeOf(found.entry)} says what Posthorn's address ${address} may do: write '${accessKey(address)}<TAB>allow,RELAYCLIENT' there`,
      )
  }
  return refusals
}

const placeOf = ({ file, line, text }: Entry): string => `${file}:${line} ('${text.trim()}')`

function* ofDomain(situation: CourierSituation, one: CourierDomain): Iterable<string> {
  const { configuration, me } = situation
  const { mailHost, listOnly } = one.domain
  const excluded = domainLine(configuration.acceptFile.entries, mailHost, me)
  if (excluded !== null && !excluded.taken)
    yield `${placeOf(excluded.entry)} lets Courier refuse mail for ${mailHost}: take that line out`
  if (!listOnly) {
    if (one.way === null)
      yield `Courier knows nobody in ${mailHost}, so it is for lists alone: say so with 'posthorn domain set ${mailHost} --list-only'; or put it into ${configuration.locals.path} first, if the accounts of this host have addresses in it`
    return
  }
  const exact = one.local !== null && !one.local.text.trim().startsWith('.')
  if (one.isLocal && (exact || one.local === null))
    yield `${one.local === null ? `${mailHost} is the name of this mail server` : placeOf(one.local)}, so every account of this host has an address in ${mailHost}, and an alias for the whole domain has no effect: take it out of locals, or say 'posthorn domain set ${mailHost} --shared'`
  else if (one.hosted !== null && !one.hosted.text.trim().startsWith('.'))
    yield `${placeOf(one.hosted)} gives addresses in ${mailHost} to other accounts, which an alias for the whole domain would cut off: take it out of hosteddomains, or say 'posthorn domain set ${mailHost} --shared'`
  for (const { entry, targets } of one.aliases)
    if (!entry.ours && (targets.length !== 1 || (one.account !== null && targets[0] !== one.account.name)))
      yield `${placeOf(entry)} gives the whole domain to ${targets.join(', ') || 'nobody'}: take that line out, or let [courier] in Posthorn's mail-server file say '${mailHost}: ' and the home of that account`
}

function* ofHome(situation: CourierSituation, one: CourierDomain): Iterable<string> {
  const { facts, accounts } = situation
  const { home, homeFacts, way, domain } = one
  const { user, group } = facts.account
  if (way === 'aliasdir') {
    const names = domain.listNames.flatMap((name) => {
      const account = accountBefore(name, (part) => accounts.inPasswd(part) !== null)
      return account === null ? [] : [`${name}@${domain.mailHost} (account ${account})`]
    })
    if (names.length > 0)
      yield `this host has accounts to which mail for these lists would go: ${names.join(', ')}; call the lists another name, or give them a domain of their own`
    return
  }
  if (home === null || way === null) return
  if (homeFacts === null) {
    yield `${home}, which [courier] names for ${domain.mailHost}, is not there: 'useradd --create-home --home-dir ${home} mailman' makes an account that has it`
    return
  }
  if (one.account === null && accounts.knowsAll) {
    yield way === 'alias-account'
      ? `there is no account alias@${domain.mailHost}, to which mail for the lists of this hosted domain would go: make one with the home ${home} (makehosteddomains(8))`
      : `no account has ${home} as its home, so Courier would look for no files there: let [courier] name the home of the account that is to get the lists of ${domain.mailHost}`
    return
  }
  if (!one.isWritable)
    yield `Posthorn runs as ${user}, who may not write the files of the lists into ${home} (${modeOf(homeFacts)}): 'chgrp ${group} ${home}' and 'chmod g+w ${home}'`
}

export const modeOf = ({ user, group, mode }: FileFacts): string =>
  `of ${user}:${group}, mode ${mode.toString(8).padStart(4, '0')}`

/** The account that gets mail for NAME: one that is called so, or like what stands before one of its dashes. */
export function accountBefore(name: string, isAccount: (name: string) => boolean): string | null {
  const parts = name.split('-')
  for (let count = parts.length; count > 0; count -= 1) {
    const part = parts.slice(0, count).join('-')
    if (isAccount(part)) return part
  }
  return null
}

/** Files in one home know no domain. */
function* ofNames(domains: readonly CourierDomain[]): Iterable<string> {
  for (const [home, sharing] of Map.groupBy(domains, (one) => one.home)) {
    if (sharing.length < 2) continue
    const lists = sharing.flatMap(({ domain }) =>
      domain.listNames.map((name) => ({ name, mailHost: domain.mailHost })),
    )
    for (const [name, same] of Map.groupBy(lists, (list) => list.name)) {
      const [first, second] = same
      if (first === undefined || second === undefined) continue
      yield `${name}@${first.mailHost} and ${name}@${second.mailHost} would need the same file ${home ?? '~'}/.courier-${name}: make an account for ${second.mailHost} ('useradd --create-home lists2'), and write '${second.mailHost}: /home/lists2' into [courier] of Posthorn's mail-server file`
    }
  }
}
