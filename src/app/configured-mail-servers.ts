// Builds the mail-server side from the configuration: whose tables are written, and where.
import type { Config } from '../config/config.ts'
import type { HomeSettings } from '../config/mail-server-sections.ts'
import { type MailServerSettings, mailServerFor } from '../hookup/mail-servers.ts'
import type { MailServer } from '../model/mail-server.ts'
import { siteMailServer } from './site-modules.ts'

type Needed = Pick<
  Config,
  'mta' | 'paths' | 'postfix' | 'exim4' | 'sendmail' | 'opensmtpd' | 'courier' | 'qmail' | 'siteSections'
>

/**
 * In the order of `[mta] incoming`, after the one that keeps the markers. `preview` takes all files instead of data_dir
 * and the homes, and then nobody is told to reread (`aliases -d`). Throws SiteModuleRefusal.
 */
export async function configuredMailServers(
  config: Needed,
  preview: string | null = null,
): Promise<readonly MailServer[]> {
  const { mta, paths } = config
  const builtIn = mta.incoming.flatMap((code) => (code.kind === 'built-in' ? [code.name] : []))
  const servers = builtIn
    .filter((name) => name !== 'null')
    .map((name) => mailServerFor(settingsOf(name, config, preview)))
  if (!builtIn.includes('exim4')) servers.unshift(mailServerFor({ name: 'null', lists: paths.listDataDir }))
  for (const code of mta.incoming)
    if (code.kind === 'module') servers.push(await siteMailServer(code, config, preview ?? paths.dataDir))
  return servers
}

function settingsOf(
  name: Exclude<MailServerSettings['name'], 'null'>,
  config: Needed,
  preview: string | null,
): MailServerSettings {
  const { lmtpHost, lmtpPort, verpDelimiter: delimiter } = config.mta
  const directory = preview ?? config.paths.dataDir
  const reloadCommand = preview === null ? config[name].reloadCommand : []
  const common = { directory, lmtpHost, lmtpPort, delimiter, reloadCommand }
  const files = ({ home, homes, command }: HomeSettings) => ({
    ...common,
    command,
    homeOf: (domain: string) => {
      const path = homes[domain] ?? home
      return path === null ? null : (preview ?? path)
    },
  })
  switch (name) {
    case 'postfix': {
      const { postmapCommand, transportFileType: tableType, compatible } = config.postfix
      return { name, postfix: { ...common, postmapCommand, tableType, compatible } }
    }
    case 'exim4':
      return { name, lists: config.paths.listDataDir, directory, reloadCommand }
    case 'courier':
    case 'qmail':
      return { name, ...files(config[name]) }
    case 'sendmail':
    case 'opensmtpd':
      return { name, ...common }
  }
}
