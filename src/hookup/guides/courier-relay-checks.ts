// Courier's SMTP server as Posthorn meets it: does it run, does it listen where Posthorn sends, and does it relay.
import type { Finding, MailServerHost } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { relayClients } from './courier-clients.ts'
import type { Setting } from './courier-configuration.ts'
import { placeOf } from './courier-domain-checks.ts'
import * as kinds from './courier-kinds.ts'
import { accessFor, accessKey } from './courier-names.ts'
import type { CourierSituation } from './courier-situation.ts'
import { addressFromAfar, isLoopback, reaches } from './hosts.ts'

type Variables = ReadonlyMap<string, Setting>

const settingPlace = (
  name: string,
  { file, line, value }: Setting,
): { seen: string; file: string; line: number } => ({
  seen: `${name}=${value}`,
  file,
  line,
})

export async function* checkRelay(situation: CourierSituation): AsyncIterable<Finding> {
  const { facts, configuration } = situation
  const { relay, lmtp } = facts
  // Mail that goes out another way is no matter of this Courier.
  if (!isLoopback(relay.host) && addressFromAfar(lmtp.host) === null && relay.host !== facts.hostname) return
  const daemons: readonly Variables[] = [configuration.esmtpd, configuration.msa, configuration.ssl]
  const daemon = daemons.find((one) => portsOf(one).some(({ port }) => port === relay.port))
  const start = configuration.esmtpd.get('ESMTPDSTART')
  if (start !== undefined && start.value.toLowerCase() !== 'yes')
    yield finding(kinds.esmtpdOff, settingPlace('ESMTPDSTART', start))
  if (daemon === undefined) {
    const port = configuration.esmtpd.get('PORT')
    yield finding(kinds.notListening, {
      ...(port === undefined ? { seen: 'esmtpd has no PORT' } : settingPlace('PORT', port)),
      why: `Posthorn sends to port ${relay.port}. ${kinds.notListening.why}`,
    })
    return
  }
  const address = daemon.get('ADDRESS')
  if (address !== undefined && address.value !== '' && !reaches(relay.host, address.value))
    yield finding(kinds.notListening, {
      ...settingPlace('ADDRESS', address),
      why: `Posthorn sends to ${relay.host}. ${kinds.notListening.why}`,
    })
  const login = daemon.get('AUTH_REQUIRED')
  if (login?.value === '1' && relay.user === null)
    yield finding(kinds.loginNeeded, settingPlace('AUTH_REQUIRED', login))
  const tls = daemon.get('ESMTP_TLS_REQUIRED')
  if (tls?.value === '1' && relay.secureMode === 'smtp')
    yield finding(kinds.tlsNeeded, settingPlace('ESMTP_TLS_REQUIRED', tls))
  yield* checkAccess(situation)
  yield* checkSenders(situation)
}

const services: Readonly<Record<string, number>> = {
  smtp: 25,
  submission: 587,
  smtps: 465,
  submissions: 465,
  ssmtp: 465,
}

/** `smtp`, `25,587`, `127.0.0.1.25`; what is unset is 25. */
function portsOf(variables: Variables): readonly { readonly port: number }[] {
  return (variables.get('PORT')?.value ?? 'smtp').split(',').map((item) => {
    const name = item.trim().slice(item.trim().lastIndexOf('.') + 1)
    return { port: services[name.toLowerCase()] ?? Number(name) }
  })
}

function* checkAccess({ facts, configuration }: CourierSituation): Iterable<Finding> {
  const { access, accessCompiled } = configuration
  for (const address of relayClients(facts)) {
    const found = accessFor(access.entries, address)
    const line = `${accessKey(address)}<TAB>allow,RELAYCLIENT`
    if (found !== null && (!found.allows || (found.variables.get('BLOCK') ?? '') !== ''))
      yield finding(kinds.clientBlocked, placeOf(found.entry))
    else if (found === null || !found.variables.has('RELAYCLIENT'))
      yield finding(kinds.relayRefused, {
        ...(found === null ? { seen: `no line for ${address}`, file: access.path } : placeOf(found.entry)),
        why: `Posthorn comes from ${address}. ${kinds.relayRefused.why}`,
        ...(access.kind === 'missing'
          ? { seen: `esmtpd has no ACCESSFILE, or ${access.path} is not there` }
          : {}),
        change: `write '${line}' into a file of ${access.path} ('posthorn hookup courier --write' does), and run 'makesmtpaccess'`,
      })
    else {
      const [key = '', value = ''] = found.entry.text.trim().split(/\s+/)
      const isOlder = accessCompiled !== null && access.changed > accessCompiled.changed
      // A network with a slash is compiled into parts of addresses.
      const sought = key.includes('/') ? value : isOlder ? key + value : key
      if (accessCompiled === null || !accessCompiled.holds(sought))
        yield finding(kinds.accessNotCompiled, placeOf(found.entry))
    }
  }
}

function* checkSenders({ configuration, facts }: CourierSituation): Iterable<Finding> {
  for (const entry of configuration.bofh.entries) {
    const [, user, dot, domain] = /^\s*badfrom\s+([^@\s]*)@(\.?)(\S+)/i.exec(entry.text) ?? []
    if (domain === undefined || user !== '') continue
    const named = domain.toLowerCase()
    const isRefused = facts.domains.some(({ mailHost }) =>
      dot === '.' ? mailHost.endsWith(`.${named}`) : mailHost === named,
    )
    if (isRefused) yield finding(kinds.senderRefused, placeOf(entry))
  }
}

/** Do the programs run? Asked where pidof(8) is; a copy of a configuration has none. */
export async function* checkDaemons({ host, configuration }: CourierSituation): AsyncIterable<Finding> {
  if (
    configuration.root !== '' ||
    !/^\/(etc|usr\/(local|lib\/courier)\/etc)(\/courier)?$/.test(configuration.dir)
  )
    return
  const courierd = await pidsOf(host, 'courierd')
  if (courierd?.length === 0) yield finding(kinds.courierdDown, { seen: 'pidof courierd: nothing' })
  // The IMAP and POP3 servers run couriertcpd too: which one is the SMTP server's, its file says.
  const pidFile = configuration.esmtpd.get('PIDFILE')?.value ?? '/run/courier/esmtpd.pid'
  const pid = (await host.readText(pidFile))?.trim()
  const servers = await pidsOf(host, 'couriertcpd')
  if (servers !== null && (pid === undefined || !servers.includes(pid)))
    yield finding(kinds.esmtpdDown, {
      seen: `${pidFile} ${pid === undefined ? 'is not there' : `says ${pid}, which is no couriertcpd`}`,
      file: pidFile,
    })
}

/** Null where nobody can be asked. */
async function pidsOf(host: MailServerHost, program: string): Promise<readonly string[] | null> {
  const ended = await host.run(['pidof', '-c', program])
  if (ended === null || ended.err.trim() !== '') return null
  return ended.out.split(/\s+/).filter((pid) => pid !== '')
}
