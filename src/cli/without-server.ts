// Runs a command in this process when no server runs: takes the data directory's lock, starts a writer thread,
// publishes the mail server's tables itself, and leaves everything closed.
import { configuredMailServers } from '../app/configured-mail-servers.ts'
import type { Call } from '../app/control.ts'
import {
  databasePath,
  type LockHolder,
  openSiteLog,
  prepareDataDirectory,
  takeLock,
} from '../app/data-directory.ts'
import { startWriterThread } from '../app/writer-thread.ts'
import { systemClock } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import type { Config } from '../config/config.ts'
import { publishPending } from '../hookup/publisher.ts'
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
    const writer = await startWriterThread(path)
    const port = writer.port()
    const store = openStore(port, path)
    try {
      const services = { config, store, clock: systemClock, random: systemRandom, log }
      const publish = async () => {
        const outcome = await publishPending(services, configuredMailServers(config))
        return outcome.kind === 'failed' ? outcome.fault : null
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
    lock.release()
  }
}
