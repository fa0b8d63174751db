// Does mail for each domain come to the account that has the files of its lists? What Courier compiled is judged by its
// text: what we need is in it or not. Pure.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { tails } from '../list-addresses.ts'
import type { Account } from './courier-accounts.ts'
import type { Entry } from './courier-configuration.ts'
import * as kinds from './courier-kinds.ts'
import { domainLine } from './courier-names.ts'
import { accountBefore } from './courier-refusals.ts'
import { type CourierDomain, type CourierSituation, isMeLocal } from './courier-situation.ts'

export const placeOf = ({ text, file, line }: Entry): { seen: string; file: string; line: number } => ({
  seen: text.trim(),
  file,
  line,
})

/** What is the same for all domains. */
export function* checkAliasFile(situation: CourierSituation): Iterable<Finding> {
  const { read, configuration, domains, me } = situation
  for (const entry of read.wrong) yield finding(kinds.aliasSyntax, placeOf(entry))
  const { dotExtension, locals } = configuration
  if (dotExtension !== null && dotExtension.text.trim() !== 'courier')
    yield finding(kinds.dotExtension, placeOf(dotExtension))
  if (domains.some(({ aliases }) => aliases.length > 0) && !isMeLocal(situation))
    yield finding(kinds.meNotLocal, {
      seen: `${me} is not in ${locals.entries.map(({ text }) => text.trim()).join(', ')}`,
      file: locals.path,
      change: `add the line '${me}' to ${locals.path}, and run 'courier restart'`,
    })
}

/** `target`: the account that the alias of the whole domain names. */
export function* checkDomain(
  situation: CourierSituation,
  one: CourierDomain,
  target: Account | null,
): Iterable<Finding> {
  const { configuration } = situation
  const { domain, way } = one
  if (way === null) {
    yield finding(kinds.domainUnknown, { seen: `${domain.mailHost} is in no file of ${configuration.dir}` })
    return
  }
  if (way === 'account') yield* checkGiven(situation, one, target)
  if (way === 'alias-account') yield* checkHosted(situation, one)
  yield* checkAccepted(situation, one)
  yield* checkShadows(situation, one)
}

function* checkGiven(
  situation: CourierSituation,
  one: CourierDomain,
  target: Account | null,
): Iterable<Finding> {
  const { configuration, accounts } = situation
  const { domain, aliases, account, home } = one
  if (one.isLocal)
    yield finding(kinds.domainLocal, {
      ...(one.local === null
        ? { seen: `${domain.mailHost} is the name of this mail server`, file: configuration.me?.file ?? null }
        : placeOf(one.local)),
      ...(one.local?.text.trim().startsWith('.') === true
        ? {
            change: `write '!${domain.mailHost}' before that line ('posthorn hookup courier --write' does), and run 'courier restart'`,
          }
        : {}),
    })
  const [alias, other] = aliases
  const name = alias?.targets[0]
  if (alias === undefined || name === undefined) {
    yield finding(kinds.aliasMissing, {
      ...(alias === undefined
        ? { seen: `no line begins with @${domain.mailHost}:`, file: configuration.aliases.path }
        : placeOf(alias.entry)),
      change: `write '@${domain.mailHost}: ${account?.name ?? 'ACCOUNT'}' ('posthorn hookup courier --write' does), and run 'makealiases'`,
    })
    return
  }
  if (other !== undefined || alias.targets.length > 1) {
    yield finding(kinds.aliasTwice, placeOf((other ?? alias).entry))
    return
  }
  if (name.includes('@')) {
    yield finding(kinds.aliasAddress, {
      ...placeOf(alias.entry),
      change: `write '@${domain.mailHost}: ${name.slice(0, name.indexOf('@'))}', and run 'makealiases'`,
    })
    return
  }
  const before = accountBefore(name, (part) => accounts.inPasswd(part) !== null)
  const isProgram = /^[|/]/.test(name)
  if (target === null && before === null && (accounts.knowsAll || isProgram))
    yield finding(kinds.aliasTargetMissing, {
      ...placeOf(alias.entry),
      ...(account === null
        ? {}
        : { change: `write '@${domain.mailHost}: ${account.name}', and run 'makealiases'` }),
    })
  else if (target === null && before !== null)
    yield finding(kinds.aliasOtherAccount, {
      ...placeOf(alias.entry),
      why: `Courier looks for .courier-${name.slice(before.length + 1).replaceAll('.', ':')}-NAME in the home of ${before}; Posthorn writes .courier-NAME.`,
      change: `write '@${domain.mailHost}: ${before}', and run 'makealiases'`,
    })
  else if (target !== null && home !== null && account === null)
    yield finding(kinds.homeWrong, {
      seen: `${home}; the home of ${target.name} is ${target.home}`,
      file: situation.facts.mailServerFile,
      change: `write 'home: ${target.home}' (or '${domain.mailHost}: ${target.home}') into [courier], restart Posthorn, and run 'posthorn aliases'`,
    })
  else if (target !== null && account !== null && target.home !== account.home)
    yield finding(kinds.aliasOtherAccount, {
      ...placeOf(alias.entry),
      change: `write '@${domain.mailHost}: ${account.name}' and run 'makealiases'; or let [courier] say '${domain.mailHost}: ${target.home}'`,
    })
  yield* checkCompiled(situation, alias.entry, `@${domain.mailHost}`, name)
}

function* checkCompiled(
  { configuration }: CourierSituation,
  entry: Entry,
  key: string,
  value: string,
): Iterable<Finding> {
  const { aliases, aliasesCompiled: compiled } = configuration
  const isOlder = compiled !== null && aliases.changed > compiled.changed
  if (compiled === null || !compiled.holds(isOlder ? key + value : key))
    yield finding(kinds.aliasNotCompiled, {
      ...placeOf(entry),
      why: `${compiled?.path ?? `${aliases.path}.dat`} ${compiled === null ? 'is not there' : 'does not have it'}. ${kinds.aliasNotCompiled.why}`,
    })
  else if (isOlder)
    yield finding(kinds.aliasOutOfDate, {
      seen: `${aliases.path} is of ${at(aliases.changed)}, ${compiled.path} of ${at(compiled.changed)}`,
      file: compiled.path,
    })
}

const at = (time: number): string => new Date(time).toISOString()

function* checkHosted(
  { configuration, accounts, facts }: CourierSituation,
  one: CourierDomain,
): Iterable<Finding> {
  const { hosted, domain, account, home } = one
  if (hosted === null) return
  const other = hosted.text.trim().split('\t')[1]
  if (other !== undefined)
    yield finding(kinds.domainRewritten, {
      ...placeOf(hosted),
      change: `take '${'\t'}${other}' out of the line, run 'makehosteddomains' and 'courier restart'; or let Posthorn have the lists in ${other}`,
    })
  const { hostedCompiled } = configuration
  if (hostedCompiled === null || !hostedCompiled.holds(domain.mailHost))
    yield finding(kinds.hostedNotCompiled, placeOf(hosted))
  const name = `alias@${domain.mailHost}`
  if (account === null && accounts.knowsAll)
    yield finding(kinds.aliasTargetMissing, {
      seen: `no account ${name}`,
      why: `Mail for names of ${domain.mailHost} that are no account's goes to ${name}: without it they are refused.`,
      change: `make the account ${name} with the home ${home ?? 'HOME'} (makehosteddomains(8))`,
    })
  else if (account !== null && home !== null && account.home !== home)
    yield finding(kinds.homeWrong, {
      seen: `${home}; the home of ${name} is ${account.home}`,
      file: facts.mailServerFile,
      change: `write '${domain.mailHost}: ${account.home}' into [courier], restart Posthorn, and run 'posthorn aliases'`,
    })
}

function* checkAccepted(
  { configuration, me }: CourierSituation,
  { domain }: CourierDomain,
): Iterable<Finding> {
  const { acceptFile, acceptFolder, acceptCompiled } = configuration
  const { mailHost } = domain
  const text = domainLine(acceptFile.entries, mailHost, me)
  if (text !== null && !text.taken) {
    yield finding(kinds.domainExcluded, placeOf(text.entry))
    return
  }
  if (text !== null || (acceptFile.kind === 'missing' && mailHost === me)) return
  const folder = domainLine(acceptFolder.entries, mailHost, me)
  if (folder === null)
    yield finding(kinds.domainNotAccepted, {
      seen: `no line for ${mailHost}`,
      file: acceptFolder.path,
      change: `write '${mailHost}' into a file of ${acceptFolder.path} ('posthorn hookup courier --write' does), and run 'makeacceptmailfor'`,
    })
  else if (acceptCompiled === null || !acceptCompiled.holds(folder.entry.text.trim()))
    yield finding(kinds.acceptNotCompiled, placeOf(folder.entry))
}

function* checkShadows(situation: CourierSituation, one: CourierDomain): Iterable<Finding> {
  const { read, accounts, me } = situation
  const { domain, account, way } = one
  const hosts = way === 'aliasdir' ? ['', `@${me}`, `@${domain.mailHost}`] : [`@${domain.mailHost}`]
  const byName = new Map(read.aliases.map((alias) => [alias.name, alias]))
  for (const list of domain.listNames) {
    for (const local of tails.map((tail) => `${list}${tail}`))
      for (const host of hosts) {
        const alias = byName.get(`${local}${host}`)
        if (alias !== undefined && alias.targets.join() !== `${account?.name}-${local}`)
          yield finding(kinds.listShadowed, placeOf(alias.entry))
      }
    const taker = way === 'aliasdir' ? accountBefore(list, (part) => accounts.inPasswd(part) !== null) : null
    if (taker !== null)
      yield finding(kinds.listShadowed, {
        seen: `the account ${taker} of this host gets mail for ${list}@${domain.mailHost}`,
        change: 'call the list another name, or give it a domain of its own',
      })
  }
}
