// Where a file of the mail server is seen from here: `--config-dir /srv/mail/etc` without a prefix is the folder of a chroot,
// and the paths in it are those inside.
import { basename, join } from 'node:path'
import type { HostFacts, MailServerHost } from '../../model/hookup.ts'

export type SeenAt = (path: string) => Promise<string>

/** In the chroot, else at the path itself, else in our own data_dir, which may be mounted there by another name. */
export function seenFromOutside({ dataDir }: HostFacts, host: MailServerHost): SeenAt {
  const root = /^(\/.+)\/etc(?:\/mail)?\/?$/.exec(host.configDir ?? '')?.[1]
  return async (path) => {
    const places = [...(root === undefined ? [] : [join(root, path)]), path, join(dataDir, basename(path))]
    for (const place of places) if ((await host.stat(place)) !== null) return place
    return path
  }
}
