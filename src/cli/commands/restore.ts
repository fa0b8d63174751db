// posthorn restore: puts a backup in place of an empty data directory. What it still had to send may have been sent since
// the backup was made, so delivery is paused until the operator says what to do.
import { resolve } from 'node:path'
import { prepareDataDirectory, takeLock } from '../../app/data-directory.ts'
import { giveToOwner } from '../../app/ownership.ts'
import { restoreBackup } from '../../app/restore.ts'
import { systemClock } from '../../base/clock.ts'
import { defineCommand, EX } from '../command.ts'
import { contents, refusing } from './backup.ts'

export const restore = defineCommand({
  name: 'restore',
  summary: 'Put a backup in place',
  about: `  Checks the backup in DIR, then puts it into the data directory of the configuration, where no database
  may be. The server must not run. Afterwards delivery is paused, as posts that were on their way
  when the backup was made may have arrived since: 'posthorn delivery resume' sends what waits,
  with --drop only what came in after the backup. The configuration files of the backup are not put in place.`,
  examples: ['posthorn restore /var/backups/posthorn/2026-01-31'],
  options: {},
  args: { dir: 'required' },
  async runHere(context, { dir }) {
    const { out } = context
    const config = context.config()
    prepareDataDirectory(config)
    const lock = takeLock(config, 'posthorn restore')
    if ('heldBy' in lock) {
      const who =
        lock.heldBy === null ? 'another process' : `process ${lock.heldBy.pid} (${lock.heldBy.what})`
      out.errorLine(`posthorn: ${config.paths.varDir} is in use by ${who}; 'posthorn stop' first`)
      return EX.failed
    }
    try {
      return await refusing(context, async () => {
        const manifest = await restoreBackup(config, resolve(dir), {
          clock: systemClock,
          progress: (words) => out.progress(words),
        })
        out.line(`Restored into ${config.paths.varDir}: ${contents(manifest)}, as of ${manifest.made}`)
        out.line('Delivery is paused. To go on, as the user that runs Posthorn:')
        out.line('  posthorn start                      takes mail; nothing is sent yet')
        out.line(
          '  posthorn doctor --deep              whether mail comes in again: Postfix has to be reloaded when its',
        )
        out.line('                                      tables in the data directory had been lost too')
        out.line('  posthorn queue list                 what waits')
        out.line('  posthorn delivery resume            send all that waits; some of it may arrive twice')
        out.line('  posthorn delivery resume --drop     send only what came in after the backup')
      })
    } finally {
      giveToOwner(config.paths.varDir)
      lock.release()
    }
  },
})
