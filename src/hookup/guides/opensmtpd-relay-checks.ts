// Posthorn's own mail: does OpenSMTPD listen where we send, and does a rule lead our mail outside?
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { addressFromAfar, isLoopback } from './hosts.ts'
import type { Statement } from './opensmtpd-configuration.ts'
import * as kinds from './opensmtpd-kinds.ts'
import { decision, isForLists, placeOf, type Situation } from './opensmtpd-situation.ts'

export function* checkRelaying(situation: Situation): Iterable<Finding> {
  const { facts, actions, configuration } = situation
  const client = addressFromAfar(facts.lmtp.host) ?? 'local'
  const [domain] = facts.domains
  const sender = `${domain?.listNames[0] ?? 'list'}-bounces${facts.delimiter}doctor0asks@${domain?.mailHost ?? 'example.org'}`
  const { rule, sure } = decision(situation, { client, sender, recipient: 'somebody@example.net' })
  if (rule === null || rule.action === null) {
    if (!sure) return
    const from = client === 'local' ? 'local' : `src "${client}"`
    yield finding(kinds.relayRefused, {
      seen: rule === null ? `no rule takes mail from ${client} to somebody@example.net` : rule.statement.text,
      file: rule?.statement.file ?? configuration.path,
      line: rule?.statement.line ?? null,
      change: `add 'match from ${from} for any action "relay"', see 'smtpd -n', and restart OpenSMTPD`,
    })
    return
  }
  const action = actions.get(rule.action)
  if (action !== undefined && (action.method !== 'relay' || isForLists(action)) && sure)
    yield finding(kinds.relayAstray, placeOf(rule.statement))
  else if (action?.options.includes('mail-from') === true && sure)
    yield finding(kinds.senderChanged, {
      ...placeOf(action.statement),
      change: `take mail-from out of action "${action.name}", or give Posthorn's mail an action without it, see 'smtpd -n', and restart OpenSMTPD`,
    })
}

interface Listener {
  readonly statement: Statement
  readonly where: string
  readonly port: number
}

const usualPorts: Readonly<Record<string, number>> = { smtp: 25, submission: 587, smtps: 465 }

function listenersOf(statements: readonly Statement[]): readonly Listener[] {
  return statements
    .filter(({ words }) => words[0] === 'listen' && words[2] !== 'socket')
    .map((statement) => {
      const { words } = statement
      const port = words.includes('port')
        ? (words[words.indexOf('port') + 1] ?? '')
        : words.includes('smtps')
          ? 'smtps'
          : 'smtp'
      return { statement, where: words[2] ?? '', port: usualPorts[port] ?? Number(port) }
    })
}

const isLocalListener = (where: string): boolean => isLoopback(where) || /^lo\d*$/.test(where)
const isEverywhere = (where: string): boolean => ['all', '0.0.0.0', '::', '*'].includes(where)

/** Whether a client that goes to `host` comes to this listener. */
function reachesListener(host: string, where: string): boolean {
  if (isEverywhere(where)) return true
  if (!isLoopback(host)) return !isLocalListener(where)
  if (!isLocalListener(where)) return false
  // An interface and a name have both families; an address has its own.
  const isOneFamily = /^[\d.]+$|:/.test(where) && /^[\d.]+$|:/.test(host)
  return !isOneFamily || host === where
}

/** The listeners that Posthorn's own mail comes to. */
export const ourListeners = ({ configuration, facts }: Situation): readonly Statement[] =>
  listenersOf(configuration.statements)
    .filter(({ where, port }) => port === facts.relay.port && reachesListener(facts.relay.host, where))
    .map(({ statement }) => statement)

export function* checkListeners({ configuration, facts }: Situation): Iterable<Finding> {
  const listeners = listenersOf(configuration.statements)
  const { relay } = facts
  const fits = listeners.filter(
    ({ where, port }) => port === relay.port && reachesListener(relay.host, where),
  )
  const [first] = listeners
  if (fits.length === 0) {
    yield finding(kinds.notListening, {
      seen: first?.statement.text ?? 'there is no listen line',
      file: first?.statement.file ?? configuration.path,
      line: first?.statement.line ?? null,
      change: `Posthorn sends to ${relay.host}:${relay.port}: set [mta] smtp_host and smtp_port to where OpenSMTPD listens, or add 'listen on ${relay.host} port ${relay.port}'`,
    })
    return
  }
  const [fit] = fits
  if (fit === undefined) return
  const { words } = fit.statement
  if (words.includes('auth') && relay.user === null) yield finding(kinds.loginNeeded, placeOf(fit.statement))
  const inClear = relay.secureMode === 'smtp'
  if ((words.includes('tls-require') && inClear) || (words.includes('smtps') && relay.secureMode !== 'smtps'))
    yield finding(kinds.tlsNeeded, placeOf(fit.statement))
  if (listeners.every(({ where }) => isLocalListener(where)))
    yield finding(kinds.loopbackOnly, placeOf(fit.statement))
}
