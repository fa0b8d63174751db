// A command line on a fresh store, without a process of its own: what `posthorn …` does once it knows where to run.
import type { ServerStatus } from '../../src/app/control-server-side.ts'
import { ManualClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemRandom } from '../../src/base/random.ts'
import { runCommand } from '../../src/cli/run-command.ts'
import { type Config, defaultConfig } from '../../src/config/config.ts'
import type { Services } from '../../src/services.ts'
import type { FreshStore } from './fresh-store.ts'

export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Around {
  readonly stdin?: string | Uint8Array
  readonly publish?: () => Promise<string | null>
  readonly status?: ServerStatus | Error
}

export interface Shell {
  run(argv: readonly string[], around?: Around): Promise<Said>
  readonly clock: ManualClock
  readonly services: Services
  /** How often a command said that there is work. */
  woken(): number
  /** What was shown of long work. */
  readonly progress: readonly string[]
}

/** `lines` of the command's input come in chunks of a few bytes, so that no line lies in one chunk. */
export function shell(
  { store, directory }: FreshStore,
  overrides: Parameters<typeof defaultConfig>[0] = {},
): Shell {
  const clock = new ManualClock()
  const config: Config = defaultConfig({ paths: { varDir: directory }, ...overrides })
  const services = { config, store, clock, random: systemRandom, log: silentLog }
  const progress: string[] = []
  let woken = 0
  const run = async (argv: readonly string[], around: Around = {}): Promise<Said> => {
    const [command = '', ...rest] = argv
    const said = { out: '', err: '' }
    async function* stdin() {
      const bytes = Buffer.from(around.stdin ?? '')
      const size = bytes.length < 1000 ? 7 : 65_537
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    }
    const server = {
      publish: around.publish ?? (async () => null),
      status: () => {
        if (around.status instanceof Error) throw around.status
        return around.status ?? null
      },
      wake: () => {
        woken += 1
      },
      pauseChanged: async () => undefined,
      keepMessages: async () => () => undefined,
    }
    const code = await runCommand(services, server, {
      command,
      argv: rest,
      cwd: directory,
      stdin: stdin(),
      output: {
        out: (text) => {
          said.out += text
        },
        err: (text) => {
          said.err += text
        },
        progress: (text) => {
          progress.push(text)
        },
        drained: async () => undefined,
      },
      signal: new AbortController().signal,
    })
    return { code, ...said }
  }
  return { run, clock, services, woken: () => woken, progress }
}
