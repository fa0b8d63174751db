// posthorn start: the server goes into the background, and the command ends when the server takes mail; with
// --foreground it is the server itself, as service managers want it.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { DirectoryRefusal, prepareDataDirectory, whoHoldsLock } from '../../app/data-directory.ts'
import { accountName, ownerToServe } from '../../app/ownership.ts'
import { SECOND } from '../../base/clock.ts'
import { defineCommand, EX, type LocalContext } from '../command.ts'
import { spanOf } from '../words.ts'

const longestStart = 60 * SECOND

export const start = defineCommand({
  name: 'start',
  summary: 'Start the server',
  about: `  Starts the server in the background and ends when it takes mail. When it cannot start, its words
  are shown and the exit code is 1.`,
  examples: ['posthorn start', 'posthorn -C /etc/posthorn.cfg start --foreground'],
  options: {
    foreground: { kind: 'flag', help: 'Be the server: stay, and log to standard output.' },
    force: { kind: 'flag', short: 'f', help: 'Without effect: there are no stale locks.' },
    'generate-alias-file': {
      kind: 'flag',
      short: 'g',
      help: "Without effect: the mail server's tables are always brought up to date.",
    },
    'run-as-user': { kind: 'flag', short: 'u', help: 'Without effect: the user is never changed.' },
    quiet: { kind: 'flag', short: 'q', help: 'Print nothing but mistakes.' },
  },
  args: {},
  runHere: async (context, { foreground, quiet }) =>
    foreground ? beServer(context) : startServer(context, quiet),
})

/** The server itself; a parent that waits hears `ready` over the channel it opened. */
async function beServer(context: LocalContext): Promise<number> {
  const { config, answer, out } = context
  refuseRoot(context)
  const isDaemon = process.send !== undefined
  // Loaded here only: the other commands start sooner without the whole server.
  const { serve } = await import('../../app/serve.ts')
  return serve(config(), {
    foreground: !isDaemon,
    answer: (services, server) => (call) => answer(services, server, call),
    onReady: () => {
      // Kept now (bin/posthorn says why): at its end it may have no time for it.
      flushCompileCache()
      if (!isDaemon) return
      process.send?.('ready')
      process.disconnect()
    },
    onRefused: (words) => out.errorLine(`posthorn: ${words}`),
  })
}

/** A server that root runs on another's data directory leaves files there that the other's server cannot open. */
function refuseRoot({ config, asRoot }: LocalContext): void {
  const { varDir } = config().paths
  const owner = asRoot ? null : ownerToServe(varDir)
  if (owner === null) return
  const name = accountName(owner.uid)
  throw new DirectoryRefusal(
    `${varDir} belongs to ${name}, so the server should not run as root: 'systemctl start posthorn' where that unit is installed, else 'runuser -u ${name} -- posthorn start'; --run-as-root says that root is meant`,
  )
}

/** Shared with restart. */
export async function startServer(context: LocalContext, quiet: boolean): Promise<number> {
  const { out, configFile, asRoot } = context
  const config = context.config()
  refuseRoot(context)
  prepareDataDirectory(config)
  const holder = whoHoldsLock(config)
  if (holder !== null) {
    const isServer = holder !== 'unknown' && holder.what === 'server'
    const who = holder === 'unknown' ? 'another process' : `process ${holder.pid} (${holder.what})`
    out.errorLine(
      isServer
        ? `Posthorn is already running (pid ${holder.pid})`
        : `${config.paths.varDir} is in use by ${who}; wait until it is done, then try again`,
    )
    return isServer ? EX.failed : EX.tryLater
  }
  if (!quiet) out.line('Starting Posthorn')
  // What the child says before it logs, and what Node says when it dies, stays readable there.
  const words = join(config.paths.logDir, 'posthorn.stderr')
  const target = openSync(words, 'w', 0o640)
  const general = [...(configFile === null ? [] : ['-C', configFile]), ...(asRoot ? ['--run-as-root'] : [])]
  const argv = [...process.execArgv, process.argv[1] ?? '', ...general, 'start', '--foreground']
  const child = spawn(process.execPath, argv, { detached: true, stdio: ['ignore', target, target, 'ipc'] })
  closeSync(target)
  const ended = await new Promise<'ready' | 'ended' | 'late'>((resolve) => {
    const timer = setTimeout(() => resolve('late'), longestStart)
    const settle = (how: 'ready' | 'ended') => {
      clearTimeout(timer)
      resolve(how)
    }
    child.once('message', () => settle('ready'))
    child.once('exit', () => settle('ended'))
    child.once('error', () => settle('ended'))
  })
  if (child.connected) child.disconnect()
  child.unref()
  switch (ended) {
    case 'ready':
      if (!quiet) out.line(`Posthorn is running (pid ${child.pid})`)
      return EX.ok
    case 'ended':
      out.errorLine(
        readFileSync(words, 'utf8').trim() || 'The server ended without a word; look into its log',
      )
      return EX.failed
    case 'late':
      out.errorLine(
        `The server (pid ${child.pid}) has not said that it is ready for ${spanOf(longestStart)}; look into ${join(config.paths.logDir, 'posthorn.log')}`,
      )
      return EX.failed
  }
}
