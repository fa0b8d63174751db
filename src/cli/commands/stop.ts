// posthorn stop and reopen: signals to the running server, whose pid is that of the lock's holder.
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { whoHoldsLock } from '../../app/data-directory.ts'
import { defineCommand, EX, type LocalContext } from '../command.ts'

const patience = { tries: 240, pause: 50 } // 12 s: a graceful end takes 10 at most

export const stop = defineCommand({
  name: 'stop',
  summary: 'Stop the server',
  about: `  Stops the server in order and waits for its end, 12 seconds at most. When none runs, there is
  nothing to do and the exit code is 0.`,
  examples: ['posthorn stop'],
  options: { quiet: { kind: 'flag', short: 'q', help: 'Print nothing but mistakes.' } },
  args: {},
  runHere: (context, { quiet }) => stopServer(context, quiet),
})

export const reopen = defineCommand({
  name: 'reopen',
  summary: 'Make the server open its log anew',
  about: '  For logrotate: the server opens its log file anew.',
  examples: ['posthorn reopen'],
  options: { quiet: { kind: 'flag', short: 'q', help: 'Print nothing but mistakes.' } },
  args: {},
  async runHere(context, { quiet }) {
    const pid = serverPid(context)
    if (typeof pid !== 'number') return saySo(context, pid)
    if (!signalled(context, pid, 'SIGHUP')) return EX.failed
    if (!quiet) context.out.line("Reopening Posthorn's log")
    return EX.ok
  },
})

/** Shared with restart. */
export async function stopServer(context: LocalContext, quiet: boolean): Promise<number> {
  const pid = serverPid(context)
  if (typeof pid !== 'number') return saySo(context, pid)
  const { out } = context
  if (!quiet) out.line('Shutting down Posthorn')
  if (!signalled(context, pid, 'SIGTERM')) return EX.failed
  const config = context.config()
  for (let tries = patience.tries; tries > 0; tries -= 1) {
    const holder = whoHoldsLock(config)
    const isFree = holder === null || (holder !== 'unknown' && holder.pid !== pid)
    if (isFree && hasEnded(pid)) return EX.ok
    await wait(patience.pause)
  }
  out.errorLine(
    `The server (pid ${pid}) has not ended after 12 seconds. 'kill -9 ${pid}' ends it at once; no mail is lost by that`,
  )
  return EX.failed
}

/** The lock is the last thing that the server lets go, a moment before its end. A zombie has ended: its parent is late. */
function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code === 'ESRCH'
  }
  try {
    return /^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return existsSync('/proc/self/stat')
  }
}

type NoServer = 'none' | { readonly busy: string }

function serverPid(context: LocalContext): number | NoServer {
  const holder = whoHoldsLock(context.config())
  if (holder === null) return 'none'
  if (holder === 'unknown') return { busy: 'a process that has not left its pid' }
  return holder.what === 'server' ? holder.pid : { busy: `process ${holder.pid} (${holder.what})` }
}

function saySo({ out, config }: LocalContext, how: NoServer): number {
  if (how === 'none') {
    out.errorLine('Posthorn is not running')
    return EX.ok
  }
  out.errorLine(
    `No server runs, but ${config().paths.varDir} is in use by ${how.busy}; wait until it is done`,
  )
  return EX.tryLater
}

function signalled({ out }: LocalContext, pid: number, signal: 'SIGTERM' | 'SIGHUP'): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException
    out.errorLine(
      code === 'EPERM'
        ? `Process ${pid} belongs to another user; run this as the user that runs Posthorn`
        : `Process ${pid} cannot be reached (${code}); the server may run in another container: stop it there`,
    )
    return false
  }
}
