// What Sendmail says at MAIL and RCPT: list mail from outside, unknown addresses, and Posthorn's own mail to members.
// Law: a verdict is Sendmail's (check_relay, check_mail, check_rcpt); a passing fault is told only with its cause.
import type { Finding, FindingKind } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import * as kinds from './sendmail-kinds.ts'
import { checkMapsFor } from './sendmail-map-checks.ts'
import { connectKeys, ourselves, outsider, type Sample, type Situation } from './sendmail-situation.ts'
import { isTemporary, type Verdict, verdictOf } from './sendmail-test-mode.ts'

/** From a client outside to each sort of address. */
export async function* checkRecipients(situation: Situation, sample: Sample): AsyncIterable<Finding> {
  const { domain, post, extended, unknown } = sample
  for (const address of [post, extended]) {
    if (address === null) continue
    const found = await told(whyRefused(situation, address, address === extended))
    yield* found
    if (found.length > 0) return
  }
  if (!domain.listOnly) return
  const known = post === null ? await told(whyRefused(situation, unknown, false)) : []
  const takenFor = verdict(situation, unknown)
  // Without a list, a refusal of the unknown address is the very thing that is wanted, unless it is for relaying.
  yield* known.filter(
    ({ kind }) => kind === kinds.relayDomainMissing || kind === kinds.mapUnsafe || kind === kinds.mapMissing,
  )
  const route = verdictOf(situation.answer(`route ${unknown}`), 'parse')
  if (takenFor === null || takenFor.kind === 'error' || route?.kind === 'error') return
  if (isTemporary(situation.answer(`rcpt ${unknown}`))) return
  const check = situation.cf.rulesets.find(({ name }) => name === 'Local_check_rcpt')
  yield finding(kinds.checkMissing, {
    seen: `check_rcpt ${unknown} returns ${takenFor.kind === 'passes' ? takenFor.text : takenFor.mailer}`,
    file: situation.cf.path,
    line: check?.line ?? null,
  })
}

const verdict = ({ answer }: Situation, address: string): Verdict | null =>
  verdictOf(answer(`rcpt ${address}`), 'check_rcpt')

async function told(findings: AsyncIterable<Finding>): Promise<readonly Finding[]> {
  const all: Finding[] = []
  for await (const one of findings) all.push(one)
  return all
}

export async function* whyRefused(
  situation: Situation,
  address: string,
  isExtended: boolean,
): AsyncIterable<Finding> {
  const lines = situation.answer(`rcpt ${address}`)
  const said = verdict(situation, address)
  if (said === null) return
  const isDiscarded = said.kind === 'mailer' && said.mailer === 'discard'
  const failed = said.kind === 'error' || isDiscarded || isTemporary(lines)
  if (!failed) return
  if (isDiscarded) {
    yield finding(kinds.accessDenies, {
      seen: `RCPT TO:<${address}> is taken, and the message thrown away`,
      file: situation.cf.path,
    })
    return
  }
  const words = said.kind === 'error' ? said.words : 'a look-up failed'
  if (/relaying/i.test(words)) {
    const domain = address.slice(address.lastIndexOf('@') + 1)
    yield finding(kinds.relayDomainMissing, {
      seen: `RCPT TO:<${address}>: ${words}`,
      file: situation.files.mc?.path ?? situation.cf.path,
      change: isForListsAlone(situation, domain)
        ? `add RELAY_DOMAIN(\`${domain}')dnl to sendmail.mc, make sendmail.cf anew, and restart Sendmail`
        : `people have addresses in ${domain} too: add it to /etc/mail/local-host-names (or to VIRTUSER_DOMAIN), and restart Sendmail`,
    })
    return
  }
  let isExplained = false
  for await (const found of checkMapsFor(situation, address, lines)) {
    isExplained = true
    yield found
  }
  if (isExplained || isTemporary(lines)) return
  const kind: FindingKind = isExtended
    ? kinds.extensionLost
    : isByAccessMap(lines)
      ? kinds.accessDenies
      : kinds.listMailRefused
  yield finding(kind, { seen: `RCPT TO:<${address}>: ${words}`, file: situation.cf.path })
}

const isForListsAlone = ({ facts }: Situation, domain: string): boolean =>
  facts.domains.some(({ mailHost, listOnly }) => mailHost === domain && listOnly)

/** The access map is asked in the rulesets A, D, F, U and SearchList of cf.m4. */
const isByAccessMap = (lines: readonly string[]): boolean =>
  lines.some(
    (line) =>
      /returns: .*<\s*(REJECT|DISCARD|ERROR|\d{3} )/i.test(line) ||
      /SearchList\s+returns: .*(REJECT|ERROR|DISCARD)/i.test(line),
  )

/** Our mail to members, and the envelope senders that come with it. */
export function* checkRelaying(situation: Situation, samples: readonly Sample[]): Iterable<Finding> {
  const { answer, cf, facts, files } = situation
  const us = ourselves(facts).address
  for (const key of connectKeys(ourselves(facts))) {
    const said = answer(`access ${key}`).find((line) => / returns (REJECT|DISCARD|ERROR|5\d\d)/i.test(line))
    if (said === undefined) continue
    yield finding(kinds.accessDenies, {
      seen: said,
      file: cf.maps.find(({ name }) => name === 'access')?.place ?? cf.path,
    })
    return
  }
  const relayed = verdictOf(answer('relay'), 'check_rcpt')
  if (relayed?.kind === 'error' && !/^4/.test(relayed.words)) {
    const kind = /relaying/i.test(relayed.words) ? kinds.relayRefused : kinds.accessDenies
    yield finding(kind, {
      seen: `RCPT TO:<${outsider}> from ${us}: ${relayed.words}`,
      file: files.mc?.path ?? cf.path,
      change: `let Sendmail relay for ${us}: RELAY_DOMAIN(\`${us}')dnl in sendmail.mc, or 'Connect:${us} RELAY' in the access map; make sendmail.cf anew, and restart Sendmail`,
    })
  }
  yield* checkSenders(situation, samples)
  for (const { extended, unknown } of samples) {
    const sender = extended ?? unknown
    for (const ruleset of ['checkmail', 'check_mail']) {
      const said = verdictOf(answer(`${ruleset} ${sender}`), ruleset)
      if (said?.kind !== 'error' || /^4/.test(said.words)) continue
      const isDns = /domain of sender|does not (exist|resolve)/i.test(said.words)
      yield finding(isDns ? kinds.senderRefused : kinds.accessDenies, {
        seen: `MAIL FROM:<${sender}> from ${us}: ${said.words}`,
        file: cf.path,
      })
      break
    }
  }
}

/** What the mailer for other domains makes of the envelope senders of copies. */
function* checkSenders({ answer, cf }: Situation, samples: readonly Sample[]): Iterable<Finding> {
  const out = verdictOf(answer(`route ${outsider}`), 'parse')
  if (out?.kind !== 'mailer') return
  for (const { extended, unknown } of samples) {
    const sender = extended ?? unknown
    const lines = answer(`sender ${out.mailer} ${sender}`)
    const last = lines.findLast((line) => /^final\s+returns: /.test(line))
    const becomes = last?.replace(/^final\s+returns: /, '').replace(/ /g, '') ?? sender
    if (becomes.toLowerCase() === sender.toLowerCase()) continue
    const mailer = cf.mailers.find(({ name }) => name === out.mailer)
    yield finding(kinds.senderMasqueraded, {
      seen: `${sender} becomes ${becomes} by the mailer ${out.mailer}`,
      file: cf.path,
      line: mailer?.line ?? null,
    })
    return
  }
}
