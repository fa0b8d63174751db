// The server as a child process that may be killed at any moment; started as a service manager starts it.
import { spawn } from 'node:child_process'
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
  readonly env?: Readonly<Record<string, string>>
  /** Hears each line of the log. */
  readonly onLine?: (line: string) => void
}

const linesKept = 60

/** Resolves when the door is open. Throws with the server's words when it ends before. */
export async function startServer(site: Site, how: HowToStart = {}): Promise<Server> {
  const child = spawn(program, ['-C', site.configuration, 'start', '--foreground'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...how.env },
  })
  const words: string[] = []
  const gone = once(child, 'exit').then(() => undefined)
  const ready = await new Promise<Ready | null>((resolve) => {
    const hear = (line: string): void => {
      words.push(line)
      if (words.length > linesKept) words.shift()
      how.onLine?.(line)
      const found = readyOf(line)
      if (found !== null) resolve(found)
    }
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', hear)
    void gone.then(() => resolve(null))
  })
  if (ready === null) throw new Error(`the server ended before its door was open:\n${words.join('\n')}`)
  return {
    ...ready,
    gone,
    kill: () => void child.kill('SIGKILL'),
    lastWords: () => words.join('\n'),
  }
}

interface Ready {
  readonly pid: number
  readonly lmtpPort: number
}

function readyOf(line: string): Ready | null {
  if (!line.includes('"server.ready"')) return null
  const { pid, addresses } = JSON.parse(line) as { pid: number; addresses: readonly string[] }
  const address = addresses[0] ?? ''
  return { pid, lmtpPort: Number(address.slice(address.lastIndexOf(':') + 1)) }
}
