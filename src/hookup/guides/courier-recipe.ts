// What `posthorn hookup courier` prints: files of our own in Courier's folders, which it joins to the operator's, and the
// programs that compile them. Each list-only domain is given to one account, in whose home Posthorn writes two files for
// each list (dot-files.ts); so unknown lists are refused at RCPT. Law: no address that a person may have is taken.
import { dirname, join } from 'node:path'
import type { ConfigurationFile, Hookup, HookupWay, OurLine, Setting } from '../../model/hookup.ts'
import { ownFile } from '../blocks.ts'
import { relayClients } from './courier-clients.ts'
import { accessFor, accessKey } from './courier-names.ts'
import { courierRefusals } from './courier-refusals.ts'
import { type CourierDomain, type CourierSituation, isMeLocal } from './courier-situation.ts'

/** The account that is proposed where none is said. */
export const usualAccount = 'mailman'

/** What our own files in Courier's folders are called. */
const ownName = 'posthorn'

/** Pure. */
export function courierRecipe(situation: CourierSituation, way: HookupWay = 'tables'): Hookup {
  const refusals = courierRefusals(situation, way)
  const files = [
    ...aliasFile(situation),
    ...acceptFile(situation),
    ...localsFile(situation),
    ...accessFile(situation),
    ...lowercaseFile(situation),
  ]
  return {
    files: refusals.length > 0 ? [] : files,
    afterwards: afterwards(situation, files),
    ours: ourLines(situation),
    notes: notes(situation),
    refusals,
  }
}

function whole(folder: string, settings: readonly Setting[], mode = 0o644): ConfigurationFile {
  return { path: join(folder, ownName), kind: 'whole', comment: '#', place: 'end', settings, mode }
}

const setting = (lines: readonly string[], why: string): Setting => ({ lines, why, replaces: [] })

/** Whole domains that no alias of the operator's gives to an account yet. */
const domainsToGive = ({ domains }: CourierSituation): readonly CourierDomain[] =>
  domains.filter(({ way, aliases }) => way === 'account' && aliases.every(({ entry }) => entry.ours))

function aliasFile(situation: CourierSituation): readonly ConfigurationFile[] {
  const { path, kind } = situation.configuration.aliases
  const given = domainsToGive(situation).filter(({ domain }) => domain.listOnly)
  if (given.length === 0 && !situation.configuration.aliases.entries.some(({ ours }) => ours)) return []
  const settings = [
    setting(
      given.map((one) => `@${one.domain.mailHost}: ${accountName(situation, one)}`),
      'Mail for NAME@DOMAIN goes to ACCOUNT-NAME, for which ~ACCOUNT/.courier-NAME says what to do. Posthorn writes these files; where there is none, the address is refused at RCPT.',
    ),
  ]
  return kind === 'file'
    ? [{ path, kind: 'block', comment: '#', place: 'end', settings, mode: 0o640 }]
    : [whole(path, settings)]
}

/** The account that has the home; else the one that `ours` proposes. */
function accountName(situation: CourierSituation, { account, home }: CourierDomain): string {
  return account?.name ?? (home === null ? proposedAccount(situation).name : usualAccount)
}

function acceptFile({ configuration, domains }: CourierSituation): readonly ConfigurationFile[] {
  const { acceptFolder, acceptFile: text } = configuration
  // makeacceptmailfor stops at a domain that stands there twice.
  const theirs = acceptFolder.entries
    .filter(({ ours }) => !ours)
    .map((entry) => entry.text.trim().toLowerCase())
  const names = domains
    .filter(({ way, domain }) => way !== null && !theirs.includes(domain.mailHost))
    .map(({ domain }) => domain.mailHost)
  if (names.length === 0 && !acceptFolder.entries.some(({ ours }) => ours)) return []
  const settings = [
    setting(names, 'Domains whose mail Courier takes from the world; what stands elsewhere is added to.'),
  ]
  return acceptFolder.kind === 'folder' || text.kind === 'missing'
    ? [whole(acceptFolder.path, settings)]
    : [{ path: text.path, kind: 'block', comment: '#', place: 'end', settings, mode: 0o644 }]
}

function localsFile(situation: CourierSituation): readonly ConfigurationFile[] {
  const { configuration, domains, me } = situation
  const { locals } = configuration
  if (locals.kind !== 'file') return []
  const operators = {
    ...situation,
    configuration: {
      ...configuration,
      locals: { ...locals, entries: locals.entries.filter(({ ours }) => !ours) },
    },
  }
  const settings: Setting[] = []
  // Our own line leaves a domain out already when this runs again.
  const wildcards = operators.configuration.locals.entries.filter(({ text }) => text.trim().startsWith('.'))
  const left = domains.filter(
    ({ domain }) =>
      domain.listOnly && wildcards.some(({ text }) => domain.mailHost.endsWith(text.trim().toLowerCase())),
  )
  if (left.length > 0)
    settings.push(
      setting(
        left.map(({ domain }) => `!${domain.mailHost}`),
        'A wildcard below makes these local, and then no alias for a whole domain is looked at.',
      ),
    )
  if (domains.some(({ way }) => way === 'account') && !isMeLocal(operators))
    settings.push(
      setting(
        [me],
        'Mail for a whole domain goes on to ACCOUNT-NAME at this name; were it not local, it would be sent away.',
      ),
    )
  return settings.length === 0
    ? []
    : [
        {
          path: locals.path,
          kind: 'block',
          comment: '#',
          place: left.length > 0 ? { before: /^\s*\./ } : 'end',
          settings,
          mode: 0o644,
        },
      ]
}

function accessFile({ facts, configuration }: CourierSituation): readonly ConfigurationFile[] {
  const { path, entries } = configuration.access
  const operators = entries.filter(({ ours }) => !ours)
  const lines = relayClients(facts)
    .filter((address) => accessFor(operators, address)?.variables.has('RELAYCLIENT') !== true)
    .map((address) => `${accessKey(address)}\tallow,RELAYCLIENT`)
  return lines.length === 0
    ? []
    : [whole(path, [setting(lines, 'Posthorn sends from here to members everywhere.')])]
}

function lowercaseFile({
  configuration: { dir, localLowercase },
}: CourierSituation): readonly ConfigurationFile[] {
  if (localLowercase !== null && !localLowercase.startsWith(`# ${ownFile}`)) return []
  const why = 'That this file is there lets Tea@ and tea@ be one address, as Posthorn has it.'
  return [{ ...whole(dir, [setting([], why)]), path: join(dir, 'locallowercase') }]
}

function afterwards(situation: CourierSituation, files: readonly ConfigurationFile[]): Hookup['afterwards'] {
  const { configuration, domains, facts } = situation
  const inside = configuration.root === '' ? [] : ['chroot', configuration.root]
  const touches = (path: string): boolean =>
    files.some((file) => file.path === path || dirname(file.path) === path)
  const steps: { argv: readonly string[]; why: string }[] = []
  if (domains.some(({ way, homeFacts }) => way === 'aliasdir' && homeFacts?.user !== facts.account.user))
    steps.push({
      argv: ['chown', facts.account.user, configuration.aliasdir],
      why: "Posthorn writes the files of the lists there; Courier's group still reads them.",
    })
  if (touches(configuration.aliases.path))
    steps.push({
      argv: [...inside, 'makealiases'],
      why: 'Courier reads what this makes of aliases; it counts at once.',
    })
  if (touches(configuration.acceptFolder.path))
    steps.push({
      argv: [...inside, 'makeacceptmailfor'],
      why: 'Courier reads what this makes of esmtpacceptmailfor.dir; it counts at once.',
    })
  if (touches(configuration.access.path))
    steps.push({
      argv: [...inside, 'makesmtpaccess'],
      why: 'Courier reads what this makes of smtpaccess; it lets esmtpd read it again.',
    })
  if (touches(configuration.locals.path))
    steps.push({ argv: [...inside, 'courier', 'restart'], why: 'Courier reads locals when it starts.' })
  return steps
}

function ourLines(situation: CourierSituation): readonly OurLine[] {
  const { facts, domains, configuration } = situation
  const lines: OurLine[] = []
  if (!facts.incoming.includes('courier')) {
    const names = [...facts.incoming.filter((name) => name !== 'null'), 'courier']
    lines.push({
      section: 'mta',
      line: `incoming: ${names.join(' ')}`,
      why: 'Posthorn writes two .courier files for each list.',
    })
  }
  const homeless = domains.filter(
    ({ home, way }) =>
      way !== null && (home === null || (way === 'aliasdir') !== (home === configuration.aliasdir)),
  )
  if (homeless.length === 0) return lines
  if (facts.mailServerFile === null)
    lines.push({
      section: 'mta',
      line: `configuration: ${join(dirname(facts.configFile ?? '/etc/posthorn.cfg'), 'mail-servers.cfg')}`,
      why: 'The file that has the section [courier].',
    })
  const proposed = proposedAccount(situation)
  const own = (line: string, why: string): void => {
    lines.push({ section: 'courier', line, why, inMailServerFile: true })
  }
  if (facts.courier.home === null && homeless.some(({ way, domain }) => way === 'account' && domain.listOnly))
    own(`home: ${proposed.home}`, `The home of ${proposed.name}, to whom whole domains of lists go.`)
  for (const { domain, way, aliases } of homeless)
    if (way === 'account' && !domain.listOnly) {
      const [target = ''] = aliases[0]?.targets ?? []
      own(
        `${domain.mailHost}: ${situation.accounts.inPasswd(target)?.home ?? 'HOME'}`,
        `The home of ${target}, to whom the whole domain goes.`,
      )
    } else if (way === 'aliasdir')
      own(
        `${domain.mailHost}: ${configuration.aliasdir}`,
        `${domain.mailHost} is local: names that are no account of this host are looked for there.`,
      )
    else if (way === 'alias-account')
      own(
        `${domain.mailHost}: HOME`,
        `The home of the account alias@${domain.mailHost}, to whom mail for all other names of this hosted domain goes.`,
      )
  return lines
}

/** Posthorn's own account can write in its home; else one that is called as usual, there or to be made. */
function proposedAccount({ accounts, facts }: CourierSituation): {
  readonly name: string
  readonly home: string
} {
  const own = facts.account.user === 'root' ? null : accounts.inPasswd(facts.account.user)
  return own ?? accounts.inPasswd(usualAccount) ?? { name: usualAccount, home: `/home/${usualAccount}` }
}

function notes(situation: CourierSituation): readonly string[] {
  const { facts, domains, configuration, accounts } = situation
  const { user, group } = facts.account
  const notes: string[] = []
  const given = domains.filter(({ way }) => way === 'account')
  const proposed = proposedAccount(situation)
  if (given.some(({ home }) => home === null) && accounts.inPasswd(proposed.name) === null)
    notes.push(
      `The account for the lists has to be made: useradd --create-home ${proposed.name}; chgrp ${group} ${proposed.home}; chmod 775 ${proposed.home}. Posthorn writes there as ${user}.`,
    )
  if (situation.missingProgram !== null)
    notes.push(
      `${situation.missingProgram} is not there: ln -s ${facts.pipeProgram} ${situation.missingProgram}`,
    )
  notes.push(
    `Courier starts '${facts.courier.command}' as the account that has the lists: that account must be able to run it, and a Node.js 24.`,
  )
  const homes = Map.groupBy(given, ({ home }) => home)
  for (const [, sharing] of homes)
    if (sharing.length > 1)
      notes.push(
        `${sharing.map(({ domain }) => domain.mailHost).join(' and ')} go to one account, whose files are for the lists of them all: mail for a list under the other's name comes to the list. To keep them apart, give one an account of its own: 'DOMAIN: HOME' in [courier].`,
      )
  if (domains.some(({ way }) => way === 'aliasdir'))
    notes.push(
      `Programs in ${configuration.aliasdir} run as Courier's own user: whoever may write there, which ${user} must, can do what Courier can.`,
      `Debian puts owner and mode of ${configuration.aliasdir} back when the package is upgraded: dpkg-statoverride --force-statoverride-add --update --add ${user} courier 0750 ${configuration.aliasdir}`,
    )
  const limit = configuration.esmtpd.get('MAXPERIP')
  if (limit !== undefined && Number(limit.value) < 10)
    notes.push(
      `MAXPERIP=${limit.value} and MAXPERC in ${limit.file} bound how many connections Posthorn may have at once; it goes on with those it gets. For large lists raise both, and restart esmtpd.`,
    )
  return notes
}
