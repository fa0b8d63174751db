// Posthorn's own mail, and what concerns all mail: the rules of tcpserver, badmailfrom, databytes, concurrencies. Law: what
// tcpserver goes by is the compiled file; its text only tells what was meant.
import type { Finding, HostFacts } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { isCdb } from './cdb.ts'
import { addressFromAfar, isLoopback } from './hosts.ts'
import type { ControlFile } from './qmail-files.ts'
import * as kinds from './qmail-kinds.ts'
import { at, type Situation } from './qmail-situation.ts'
import { compiledRule, type Rule, readTcpRules, writtenRule } from './qmail-tcp-rules.ts'

export async function* checkLimits({ files, facts }: Situation): AsyncIterable<Finding> {
  const number = async (name: string): Promise<readonly [ControlFile, number] | null> => {
    const file = await files.control(name)
    const digits = /^\d+/.exec(file?.lines[0]?.text ?? '')?.[0]
    return file === null || digits === undefined ? null : [file, Number(digits)]
  }
  for (const [name, kind] of [
    ['concurrencylocal', kinds.deliveriesHeld],
    ['concurrencyremote', kinds.remoteHeld],
  ] as const) {
    const limit = await number(name)
    if (limit?.[1] === 0) yield finding(kind, { seen: '0', file: limit[0].path, line: 1 })
  }
  const databytes = await number('databytes')
  if (databytes !== null && databytes[1] > 0 && databytes[1] < facts.maxMessageSize)
    yield finding(kinds.sizeLimit, {
      seen: `${databytes[1]}; [lmtp] max_message_size is ${facts.maxMessageSize}`,
      file: databytes[0].path,
      line: 1,
      change: `write ${facts.maxMessageSize} into control/databytes, which counts at once; or lower [lmtp] max_message_size`,
    })
  const lifetime = await number('queuelifetime')
  if (lifetime !== null && lifetime[1] < shortest)
    yield finding(kinds.shortLife, { seen: String(lifetime[1]), file: lifetime[0].path, line: 1 })
}

/** Seconds: an hour. */
const shortest = 3600

/** qmail-smtpd refuses an envelope sender that badmailfrom has, or `@` and its domain. */
export async function* checkSenders({ files, facts }: Situation): AsyncIterable<Finding> {
  const refused = await files.control('badmailfrom')
  for (const line of refused?.lines ?? []) {
    const text = line.text.toLowerCase()
    if (facts.domains.some(({ mailHost }) => text === `@${mailHost}`)) yield at(kinds.senderRefused, line)
  }
}

/** Lines of smtproutes that lead all remaining mail to ourselves. */
export function* checkRoutes({ files, facts }: Situation): Iterable<Finding> {
  for (const line of files.smtproutes?.lines ?? []) {
    const [key, host = '', port = '25'] = line.text.split(':')
    if (key !== '' || !isLoopback(host.replace(/^\[|\]$/g, ''))) continue
    if (Number(port) === facts.lmtp.port) yield at(kinds.routedToLmtp, line)
    else if (Number(port) === facts.relay.port) yield at(kinds.routesLoop, line)
  }
}

/** The address that Posthorn comes from; null when it sends elsewhere, or by a way that is not known here. */
export function ourAddress({ relay, lmtp }: HostFacts): string | null {
  const afar = addressFromAfar(lmtp.host)
  if (afar !== null) return afar
  return isLoopback(relay.host) ? (relay.host === '::1' ? '::1' : '127.0.0.1') : null
}

export async function* checkRelaying({ files, facts }: Situation): AsyncIterable<Finding> {
  if (files.rcpthosts === null)
    yield finding(kinds.everythingAccepted, {
      seen: 'control/rcpthosts is not there',
      file: `${files.dir}/control/rcpthosts`,
    })
  const client = ourAddress(facts)
  if (client === null || files.rcpthosts === null || facts.relay.user !== null) return
  const rules = await readTcpRules(files)
  if (rules === null) {
    yield finding(kinds.relayRulesUnknown, { seen: 'no tcp.smtp.cdb in the usual places' })
    return
  }
  if (rules.unread !== null) {
    yield finding(kinds.relayRefused, { ...rules.unread, change: `add '-x ${rules.cdb}' to tcpserver` })
    return
  }
  if (rules.octets !== null && !isCdb(rules.octets)) {
    yield finding(kinds.compiledBroken, { seen: `${rules.octets.length} octets`, file: rules.cdb })
    return
  }
  const outside = rules.octets === null ? null : compiledRule(rules.octets, '198.51.100.25')
  if (outside?.allows === false) yield finding(kinds.outsideDenied, { seen: outside.seen, file: rules.cdb })
  const written = writtenRule(rules, client)
  const relays = (rule: Rule | null): boolean => rule?.allows === true && rule.relays
  const compile = `tcprules ${rules.cdb} ${rules.cdb}.tmp < ${rules.text}`
  if (rules.isCompiled && rules.octets === null) {
    if (relays(written)) return
    yield finding(kinds.relayRulesUnknown, { seen: `${rules.cdb} cannot be read here`, file: rules.cdb })
    return
  }
  const inForce = rules.octets === null ? null : compiledRule(rules.octets, client)
  if (relays(inForce)) return
  const line = `${client === '127.0.0.1' ? '127.' : client}:allow,RELAYCLIENT=""`
  if (relays(written))
    yield finding(kinds.relayRulesStale, {
      seen: written?.seen ?? '',
      file: rules.text,
      line: written?.line ?? null,
      why: rules.isCompiled
        ? kinds.relayRulesStale.why
        : `tcpserver reads ${rules.cdb}, and that is not there.`,
      change: `run '${compile}'`,
    })
  else
    yield finding(kinds.relayRefused, {
      seen: written?.seen ?? inForce?.seen ?? `no rule sets RELAYCLIENT for ${client}`,
      file: written === null ? rules.cdb : rules.text,
      line: written?.line ?? null,
      change: `write '${line}' into ${rules.text}, and run '${compile}'`,
    })
}
