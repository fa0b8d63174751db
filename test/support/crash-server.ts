// The server as a child process that may be killed at any moment; started as a service manager starts it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { program, type Site } from './crash-site.ts'

export interface Server {
  readonly pid: number
  /** Of the open door. */
  readonly lmtpPort: number
  /** Resolves when the process is gone, however it ended. */
  readonly gone: Promise<void>
  /** SIGKILL, without waiting. */
  kill(): void
  /** The latest lines of its log, for the report of a failure. */
  lastWords(): string
}

export interface HowToStart {
  /** Goes before the program: `strace` and its options. */
  readonly before?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The server may be dead before its door is open: resolve with null then. */
  readonly mayDie?: boolean
}

const linesKept = 60

/** Resolves when the door is open. Throws with the server's words when it ends before. */
export async function startServer(site: Site, how: HowToStart & { mayDie: true }): Promise<Server | null>
export async function startServer(site: Site, how?: HowToStart): Promise<Server>
export async function startServer(site: Site, how: HowToStart = {}): Promise<Server | null> {
  const [command = program, ...argv] = [
    ...(how.before ?? []),
    program,
    '-C',
    site.configuration,
    'start',
    '--foreground',
  ]
  const child = spawn(command, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...how.env },
  })
  const words: string[] = []
  const gone = once(child, 'exit').then(() => undefined)
  const ready = await new Promise<Ready | null>((resolve) => {
    const hear = (line: string): void => {
      words.push(line)
      if (words.length > linesKept) words.shift()
      const found = readyOf(line)
      if (found !== null) resolve(found)
    }
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', hear)
    void gone.then(() => resolve(null))
  })
  if (ready === null) {
    if (how.mayDie) return null
    throw new Error(`the server ended before its door was open:\n${words.join('\n')}`)
  }
  return {
    ...ready,
    gone,
    kill: () => kill(child, ready.pid),
    lastWords: () => words.join('\n'),
  }
}

interface Ready {
  readonly pid: number
  readonly lmtpPort: number
}

/** The line `server.ready` of the log names the process, which under strace is not the child itself. */
function readyOf(line: string): Ready | null {
  if (!line.includes('"server.ready"')) return null
  const { pid, addresses } = JSON.parse(line) as { pid: number; addresses: readonly string[] }
  const address = addresses[0] ?? ''
  return { pid, lmtpPort: Number(address.slice(address.lastIndexOf(':') + 1)) }
}

function kill(child: ChildProcess, pid: number): void {
  if (child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ESRCH') throw fault
  }
}
