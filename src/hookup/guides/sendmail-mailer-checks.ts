// The mailer that list mail goes to: does it speak LMTP to where Posthorn listens (RFC 2033)? Law: what only looks odd is
// not told.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { reachable, reaches } from './hosts.ts'
import type { CfMailer } from './sendmail-cf.ts'
import * as kinds from './sendmail-kinds.ts'
import { mailerHost } from './sendmail-recipe.ts'
import type { Situation } from './sendmail-situation.ts'

/** `target` is what stands behind `$@` in the rule. */
export function* checkMailer(situation: Situation, mailer: CfMailer, target: string): Iterable<Finding> {
  const { facts, cf } = situation
  const at = { seen: mailer.text, file: cf.path, line: mailer.line }
  const flags = mailer.fields.get('F') ?? ''
  if (!['[IPC]', '[TCP]'].includes(mailer.fields.get('P') ?? '')) {
    yield finding(kinds.mailerNotIpc, at)
    return
  }
  if (!flags.includes('z')) yield finding(kinds.mailerNotLmtp, at)
  yield* checkDestination(situation, mailer, target)
  if (!/\\r\\n/.test(mailer.fields.get('E') ?? '')) yield finding(kinds.mailerLineEnds, at)
  if (!flags.includes('X')) yield finding(kinds.mailerDots, at)
  if (/[wA5|/]/.test(flags)) yield finding(kinds.mailerLocal, at)
  if (!flags.includes('u')) yield finding(kinds.mailerFoldsCase, at)
  if (flags.includes('7')) yield finding(kinds.mailerSevenBits, at)
  const known = new Set(['0', 'parse', ...cf.rulesets.map(({ name }) => name)])
  const rulesets = ['S', 'R'].flatMap((field) => (mailer.fields.get(field) ?? '0').split('/'))
  const missing = rulesets.find((name) => name === '0' || !(known.has(name) || /^\d+$/.test(name)))
  const changed = rewritten(situation, mailer)
  if (changed !== null)
    yield finding(kinds.mailerRewrites, { ...at, seen: `${mailer.text} makes it ${changed}` })
  else if (missing !== undefined) yield finding(kinds.mailerWithoutRulesets, at)
  if (facts.domains.length === 0) return
}

function* checkDestination({ facts, cf }: Situation, mailer: CfMailer, target: string): Iterable<Finding> {
  const at = { seen: mailer.text, file: cf.path, line: mailer.line }
  const [how, host, port = '25', ...rest] = (mailer.fields.get('A') ?? '').split(/\s+/)
  const wanted = `A=TCP $h ${facts.lmtp.port}`
  if (how === 'FILE' && host !== undefined) {
    if (host === facts.lmtp.socket) return
    const ours =
      facts.lmtp.socket === null
        ? 'Posthorn has no socket ([lmtp] socket is empty)'
        : `Posthorn's is ${facts.lmtp.socket}`
    yield finding(kinds.wrongPort, { ...at, change: `${ours}: write ${wanted}` })
    return
  }
  if (!['TCP', 'IPC'].includes(how ?? '') || host === undefined || rest.length > 0) {
    yield finding(kinds.mailerArguments, {
      ...at,
      change: `write ${wanted} in the M line, make sendmail.cf anew, and restart Sendmail`,
    })
    return
  }
  if (portOf(port) !== facts.lmtp.port)
    yield finding(kinds.wrongPort, {
      ...at,
      change: `Posthorn listens on port ${facts.lmtp.port}: write ${wanted}, make sendmail.cf anew, and restart Sendmail`,
    })
  const named = host === '$h' ? target : host
  const naming = cf.rules.filter(
    ({ text }) => text.includes(`$#${mailer.name}`) || text.includes(`$# ${mailer.name}`),
  )
  const rule = naming.find(({ text }) => text.includes(`$@ ${target}`)) ?? naming[0]
  const place = rule === undefined || host !== '$h' ? at : { seen: rule.text, file: cf.path, line: rule.line }
  const brackets = /^\[(?:IPv6:)?(.*)\]$/i.exec(named)?.[1]
  const ours = reachable(facts.lmtp.host)
  if (brackets === undefined)
    yield finding(kinds.hostWithoutBrackets, { ...place, change: `write $@ ${mailerHost(ours)} in the rule` })
  if (!reaches(brackets ?? named, facts.lmtp.host) && !isName(brackets ?? named, ours))
    yield finding(kinds.wrongHost, {
      ...place,
      change: `Posthorn listens at ${ours}: write $@ ${mailerHost(ours)} in the rule, make sendmail.cf anew, and restart Sendmail`,
    })
}

/** A name that only the DNS can compare with an address. */
const isName = (host: string, ours: string): boolean =>
  host.toLowerCase() !== 'localhost' && /[a-z]/i.test(host) && !host.includes(':') && /^[\d.]+$|:/.test(ours)

const portOf = (text: string): number => ({ lmtp: 24, smtp: 25, submission: 587 })[text] ?? Number(text)

/** What the recipient becomes on the wire; null when it stays itself. */
function rewritten({ answer }: Situation, { name }: CfMailer): string | null {
  const lines = answer(`try ${name}`)
  const asked = /address (\S+) for mailer/.exec(lines[0] ?? '')?.[1]
  const given = lines
    .map((line) => /^Rcode = 0, addr = (\S+)/.exec(line)?.[1])
    .find((one) => one !== undefined)
  if (asked === undefined || given === undefined) return null
  return given.toLowerCase() === asked.toLowerCase() ? null : given
}
