// What a mail server has to be told about this Posthorn (HostFacts): from the configuration, and from the store for the
// domains. Law: nothing is changed, and no lock is taken; a site that never started has no domains yet.
import { statSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config/config.ts'
import type { ListenAddress } from '../config/hosts.ts'
import type { HomeSettings } from '../config/mail-server-sections.ts'
import type { DotFileFacts, HostFacts, MailServerHost } from '../model/hookup.ts'
import { openForReading } from '../store/database.ts'
import { directory, oldestAndNewest } from '../store/units/lists.ts'
import { databasePath } from './data-directory.ts'

const pipeProgram = fileURLToPath(new URL('../../bin/posthorn-qmail', import.meta.url))

/** The facts of this site. `here` is this machine, whatever the mail server's is. Throws StoreRefusal and Unavailable. */
export async function hostFacts(config: Config, here: Pick<MailServerHost, 'stat'>): Promise<HostFacts> {
  const { mta, lmtp, lookup, paths, postfix, opensmtpd, courier, qmail } = config
  const owner = await here.stat(paths.varDir)
  const account = owner ?? { user: userInfo().username, group: userInfo().username }
  return {
    hostname: hostname(),
    configFile: config.source,
    lmtp: { host: mta.lmtpHost, port: mta.lmtpPort, socket: lmtp.socket },
    smtpIntake: lmtp.smtpIntake,
    relay: {
      host: mta.smtpHost,
      port: mta.smtpPort,
      secureMode: mta.smtpSecureMode,
      user: mta.smtpUser,
    },
    varDir: paths.varDir,
    dataDir: paths.dataDir,
    listDataDir: paths.listDataDir,
    delimiter: mta.verpDelimiter,
    incoming: [mta.incoming].flat().map((one) => (one.kind === 'built-in' ? one.name : one.file)),
    postfix: { tableType: postfix.transportFileType, postmapCommand: postfix.postmapCommand },
    opensmtpd: { reloadCommand: opensmtpd.reloadCommand },
    mailServerFile: mta.configuration.kind === 'file' ? mta.configuration.path : null,
    courier: dotFiles(courier),
    qmail: dotFiles(qmail),
    maxMessageSize: lmtp.maxMessageSize,
    lookup: {
      socketmap: placeText(lookup.socketmap),
      tcpTable: placeText(lookup.tcpTable),
      readsocket: placeText(lookup.readsocket),
    },
    ...listsOf(config),
    account: { user: account.user, group: account.group },
    pipeProgram,
  }
}

const dotFiles = ({ home, homes, command }: HomeSettings): DotFileFacts => ({ home, homes, command })

/** `host:port`, an IPv6 address in brackets, or the path of a socket. */
function placeText(place: ListenAddress | null): string | null {
  if (place === null) return null
  if (place.kind === 'unix') return place.path
  return place.host.includes(':') ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`
}

function listsOf(config: Config): Pick<HostFacts, 'domains' | 'oldestAndNewest'> {
  const path = databasePath(config)
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return { domains: [] }
  const store = openForReading(path)
  try {
    store.beginReading()
    const { domains } = store.run(directory.unit(null)).directory
    const ends = store.run(oldestAndNewest.unit(null))
    store.commit()
    return { domains, oldestAndNewest: ends }
  } finally {
    store.close()
  }
}
