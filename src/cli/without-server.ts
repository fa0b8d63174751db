// Runs a command in this process when no server runs: takes the data directory's lock, starts a writer thread,
// publishes the mail server's tables itself, and leaves everything closed.
import { configuredMailServers } from '../app/configured-mail-servers.ts'
import type { Call } from '../app/control.ts'
import type { ServerSide } from '../app/control-server-side.ts'
import {
  databasePath,
  type LockHolder,
  logPath,
  openSiteLog,
  prepareDataDirectory,
  takeLock,
} from '../app/data-directory.ts'
import { markLivedIn, refuseLostDatabase } from '../app/lived-in.ts'
import { giveToOwner } from '../app/ownership.ts'
import { SiteModuleRefusal } from '../app/site-modules.ts'
import { startWriterThread } from '../app/writer-thread.ts'
import { systemClock } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import type { Config } from '../config/config.ts'
import { publishPending, reported } from '../hookup/publisher.ts'
import type { MailServer } from '../model/mail-server.ts'
import { openStore } from '../store/store.ts'
import { runCommand } from './run-command.ts'

export type Ran = { readonly code: number } | { readonly heldBy: LockHolder | null }

/** `heldBy`: another process has the lock, nothing was done. Throws DirectoryRefusal and StoreRefusal. */
export async function runWithoutServer(config: Config, call: Call): Promise<Ran> {
  prepareDataDirectory(config)
  const lock = takeLock(config, `posthorn ${call.command}`)
  if ('heldBy' in lock) return lock
  try {
    const log = openSiteLog(config).with({ command: call.command })
    const path = databasePath(config)
    refuseLostDatabase(config)
    const writer = await startWriterThread(path)
    markLivedIn(config)
    const port = writer.port()
    const store = openStore(port, path)
    try {
      const services = { config, store, clock: systemClock, random: systemRandom, log }
      const publish: ServerSide['publish'] = async (advise) => {
        const servers = await mailServers(config)
        if ('refused' in servers) return servers.refused
        return reported(await publishPending(services, servers.made), advise)
      }
      // Nothing is swept and nothing is sent while we hold the lock.
      const keepMessages = async () => () => undefined
      const alone = {
        publish,
        keepMessages,
        status: () => null,
        wake: () => undefined,
        pauseChanged: async () => undefined,
      }
      const code = await runCommand(services, alone, call)
      return { code }
    } finally {
      store.close()
      port.close()
      await writer.close()
    }
  } finally {
    giveToOwner(config.paths.varDir, [logPath(config)])
    lock.release()
  }
}

/** A module of the site that cannot be used is no reason to refuse a command: only the tables wait. */
async function mailServers(
  config: Config,
): Promise<{ readonly made: readonly MailServer[] } | { readonly refused: string }> {
  try {
    return { made: await configuredMailServers(config) }
  } catch (fault) {
    if (fault instanceof SiteModuleRefusal) return { refused: fault.message }
    throw fault
  }
}
