// Mail of one domain: does qmail-smtpd take it, and to whom do locals and virtualdomains give it? Law: qmail's own order
// decides; what works in an unusual way is no fault.
import type { Finding } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { finding } from '../finding.ts'
import { lookUpCdb } from './cdb.ts'
import { reaches } from './hosts.ts'
import { type ControlLine, lineOf, type QmailFiles, wildcardsOf } from './qmail-files.ts'
import * as kinds from './qmail-kinds.ts'
import { isLocal, routeLine } from './qmail-route.ts'
import { at, type Situation, type Way } from './qmail-situation.ts'

/** In rcpthosts, or compiled from morercpthosts; a machine without rcpthosts takes everything. */
export function isAccepted({ rcpthosts, morercpthostsCdb }: QmailFiles, domain: string): boolean {
  if (rcpthosts === null) return true
  const octets = morercpthostsCdb?.octets ?? null
  return wildcardsOf(domain).some(
    (text) => lineOf(rcpthosts, text) !== null || (octets !== null && lookUpCdb(octets, text) !== null),
  )
}

export function* checkAcceptance({ files }: Situation, { mailHost }: DirectoryDomain): Iterable<Finding> {
  const { rcpthosts, morercpthosts, morercpthostsCdb, dir } = files
  if (isAccepted(files, mailHost)) return
  const listed = wildcardsOf(mailHost)
    .map((text) => lineOf(morercpthosts, text))
    .find((line) => line !== null)
  const compiled = morercpthostsCdb?.octets ?? null
  if (listed !== undefined && morercpthostsCdb !== null && compiled === null) return // not to be read from here
  if (listed !== undefined)
    yield at(kinds.moreStale, listed, {
      change: `run ${dir}/bin/qmail-newmrh`,
      why:
        compiled === null
          ? 'qmail-smtpd reads morercpthosts.cdb alone, and that is not there.'
          : kinds.moreStale.why,
    })
  else
    yield finding(kinds.domainRefused, {
      seen: `${mailHost} is not in rcpthosts`,
      file: rcpthosts?.path ?? `${dir}/control/rcpthosts`,
      change: `add the line '${mailHost}' to ${dir}/control/rcpthosts; it counts at once`,
    })
}

/** Lines of badrcptto, for which many a qmail-smtpd is patched. */
export async function* checkRefusedRecipients(
  { files }: Situation,
  domains: readonly DirectoryDomain[],
): AsyncIterable<Finding> {
  const refused = await files.control('badrcptto')
  for (const line of refused?.lines ?? []) {
    const text = line.text.toLowerCase()
    const isOurs = domains.some(
      ({ mailHost, listNames, listOnly }) =>
        (listOnly && text === `@${mailHost}`) ||
        listNames.some((name) => text === `${name}@${mailHost}`) ||
        listNames.some((name) => text.startsWith(`${name}-`) && text.endsWith(`@${mailHost}`)),
    )
    if (isOurs) yield at(kinds.recipientRefused, line)
  }
}

/** Whether qmail knows nothing of a domain at all. */
export const isUnknown = (situation: Situation, { domain, route }: Way): boolean =>
  route.kind === 'remote' &&
  route.line === null &&
  !isAccepted(situation.files, domain) &&
  badLine(situation.files, domain) === null &&
  !goesToIntake(situation, domain)

/** Whether smtproutes leads the domain to Posthorn's SMTP intake, which does without users and files. */
export function goesToIntake({ facts, files }: Situation, domain: string): boolean {
  const [, host = '', port = '25'] = routeLine(files, domain)?.text.split(':') ?? []
  const { smtpIntake } = facts
  return smtpIntake !== null && Number(port) === smtpIntake.port && reaches(host, smtpIntake.host)
}

/** What is wrong before a user is in charge. `handsOver`: the mail comes to Posthorn after all. */
export function* checkRoute(
  situation: Situation,
  { mailHost, listOnly }: DirectoryDomain,
  { address, route }: Way,
  handsOver: boolean,
): Iterable<Finding> {
  const { files, facts } = situation
  const line = `${mailHost}:mailman`
  const hup = 'send qmail-send a HUP (svc -h /service/qmail-send)'
  if (listOnly && isLocal(files, mailHost)) {
    if (handsOver) return
    const there = lineOf(files.locals, mailHost)
    if (there !== null) yield at(kinds.domainLocal, there)
    else
      yield finding(kinds.domainLocal, {
        seen: `control/locals is not there, and control/me is ${mailHost}`,
        file: files.me?.path ?? null,
        change: `make control/locals with the domains of people alone, and ${hup}`,
      })
    return
  }
  const bad = badLine(files, mailHost)
  if (bad !== null && (route.kind === 'remote' || route.virtual?.line === bad.line)) {
    yield at(kinds.virtualLineWrong, bad, { change: `write ${line}, and ${hup}` })
    return
  }
  if (route.kind === 'remote') {
    const routed = routeLine(files, mailHost)
    if (goesToIntake(situation, mailHost)) return
    if (routed !== null && Number(routed.text.split(':')[2]) === facts.lmtp.port)
      yield at(kinds.routedToLmtp, routed)
    else if (route.line !== null)
      yield at(kinds.domainExcepted, route.line, { change: `write ${line}, and ${hup}` })
    else
      yield finding(kinds.domainMissing, {
        seen: `${mailHost} is in neither locals nor virtualdomains`,
        file: files.virtualdomains?.path ?? `${files.dir}/control/virtualdomains`,
        change: listOnly
          ? `add the line '${line}' to control/virtualdomains, and ${hup}`
          : `add ${mailHost} to control/locals, or say 'posthorn domain set ${mailHost} --list-only'; and ${hup}`,
      })
    return
  }
  if (handsOver || route.virtual === null) return
  const key = route.virtual.text.slice(0, route.virtual.text.indexOf(':')).toLowerCase()
  if (key === address.toLowerCase()) yield at(kinds.addressTaken, route.virtual)
  else if (key !== mailHost.toLowerCase())
    yield at(kinds.caughtElsewhere, route.virtual, {
      change: `add the line '${line}' to control/virtualdomains, and ${hup}`,
    })
}

/** A line that is meant for the domain and is none for it. */
export function badLine({ virtualdomains }: QmailFiles, domain: string): ControlLine | null {
  const isMeant = ({ text }: ControlLine): boolean => {
    const words = text.toLowerCase().split(/[\s:@]+/)
    return words.includes(domain.toLowerCase())
  }
  const isWrong = ({ text }: ControlLine): boolean =>
    /\s/.test(text) || text.startsWith('@') || !text.includes(':')
  return virtualdomains?.lines.find((line) => isMeant(line) && isWrong(line)) ?? null
}
