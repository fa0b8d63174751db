// The daemon itself: where it listens, whether it delivers at once, and whether it runs with the file that was looked at.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { isLoopback, isWildcard, reaches } from './hosts.ts'
import { type CfOption, optionOf } from './sendmail-cf.ts'
import * as kinds from './sendmail-kinds.ts'
import type { Situation } from './sendmail-situation.ts'

interface Listener {
  readonly option: CfOption
  readonly host: string
  readonly port: number
  /** Letters of `M=`. */
  readonly modifiers: string
}

const usualPorts: Readonly<Record<string, number>> = { smtp: 25, submission: 587, smtps: 465 }

function listenerOf(option: CfOption): Listener {
  const fields = new Map(
    option.value.split(/,\s*/).map((part): [string, string] => {
      const [key = '', value = ''] = part.split('=').map((word) => word.trim())
      return [key.slice(0, 1).toUpperCase(), value]
    }),
  )
  const port = fields.get('P') ?? 'smtp'
  const any = fields.get('F') === 'inet6' ? '::' : '0.0.0.0'
  return {
    option,
    host: fields.get('A') ?? any,
    port: usualPorts[port.toLowerCase()] ?? Number(port),
    modifiers: fields.get('M') ?? '',
  }
}

export async function* checkDaemon(situation: Situation): AsyncIterable<Finding> {
  yield* checkListeners(situation)
  yield* checkLoad(situation)
  yield* checkAge(situation)
}

function* checkListeners({ cf, facts }: Situation): Iterable<Finding> {
  const { relay } = facts
  const listeners = cf.options.filter(({ name }) => name === 'DaemonPortOptions').map(listenerOf)
  if (listeners.length === 0) return // port 25 of every address
  const atPort = listeners.filter(({ port }) => port === relay.port)
  const fits = atPort.filter(
    ({ host }) => isWildcard(host) || !isLoopback(relay.host) || reaches(relay.host, host),
  )
  const [first] = atPort.length > 0 ? atPort : listeners
  if (fits.length === 0 && first !== undefined)
    yield finding(kinds.notListening, {
      seen: first.option.text,
      file: cf.path,
      line: first.option.line,
      change: `Posthorn sends to ${relay.host}:${relay.port}: set [mta] smtp_host and smtp_port to where Sendmail listens, or change DAEMON_OPTIONS`,
    })
  const closed = fits.find(({ modifiers }) => modifiers.includes('a'))
  if (closed !== undefined && relay.user === null && fits.every(({ modifiers }) => modifiers.includes('a')))
    yield finding(kinds.loginNeeded, { seen: closed.option.text, file: cf.path, line: closed.option.line })
  if (listeners.every(({ host }) => isLoopback(host)) && fits.length > 0 && first !== undefined)
    yield finding(kinds.loopbackOnly, { seen: first.option.text, file: cf.path, line: first.option.line })
}

// Below this a single delivery reaches the limit.
const lowLoad = 4

function* checkLoad({ cf }: Situation): Iterable<Finding> {
  const mode = optionOf(cf, 'DeliveryMode')
  if (mode !== null && /^[qd]/i.test(mode.value))
    yield finding(kinds.queueOnly, { seen: mode.text, file: cf.path, line: mode.line })
  for (const name of ['QueueLA', 'RefuseLA', 'DelayLA']) {
    const option = optionOf(cf, name)
    if (option === null || !/^\d+$/.test(option.value)) continue
    const limit = Number(option.value)
    if (limit < lowLoad && !(name === 'DelayLA' && limit === 0))
      yield finding(kinds.loadLimits, { seen: option.text, file: cf.path, line: option.line })
  }
}

async function* checkAge({ cf, cfFile, host }: Situation): AsyncIterable<Finding> {
  const pidFile = optionOf(cf, 'PidFile')?.value
  const started = pidFile === undefined ? null : await host.stat(pidFile)
  if (started !== null && started.changed < cfFile.changed)
    yield finding(kinds.notRestarted, {
      seen: `${pidFile} is of ${new Date(started.changed).toISOString()}, sendmail.cf of ${new Date(cfFile.changed).toISOString()}`,
      file: cf.path,
    })
}
