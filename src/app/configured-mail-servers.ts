// Builds the mail-server side from the configuration: whose tables are written, and where.
import { Unavailable } from '../base/unavailable.ts'
import type { Config } from '../config/config.ts'
import { mailServerFor } from '../hookup/mail-servers.ts'
import type { MailServer } from '../model/mail-server.ts'

/** `directory` takes the tables instead of data_dir (`aliases -d`). Throws Unavailable for a module of the site. */
export function configuredMailServers(
  { mta, paths, postfix }: Pick<Config, 'mta' | 'paths' | 'postfix'>,
  directory: string = paths.dataDir,
): readonly MailServer[] {
  const lists = paths.listDataDir
  return mta.incoming.flatMap((code): readonly MailServer[] => {
    if (code.kind === 'module')
      throw new Unavailable(
        `[mta] incoming: modules of the site (${code.file}) are not part of this release; use postfix, exim4 or null`,
      )
    if (code.name !== 'postfix') return [mailServerFor({ name: 'null', lists })]
    const { postmapCommand, transportFileType, compatible } = postfix
    const { lmtpHost, lmtpPort } = mta
    return [
      mailServerFor({
        name: 'postfix',
        lists,
        postfix: { directory, lmtpHost, lmtpPort, postmapCommand, tableType: transportFileType, compatible },
      }),
    ]
  })
}
