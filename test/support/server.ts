// A site of its own for whole-server tests: a fresh directory with a configuration, the real command line, and the
// server as a child process whose log lines can be waited for. What a test starts ends with the test.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const ours = new URL('../../bin/posthorn', import.meta.url).pathname

export type Sections = Readonly<Record<string, Readonly<Record<string, string | number>>>>

export interface SiteOptions {
  /** Where mail goes out. */
  readonly relayPort: number
  /** 0, the default, lets the kernel choose at each start. */
  readonly lmtpPort?: number
  /** Another `posthorn` than that of this tree. */
  readonly program?: string
  /** Default: `var` in the fresh directory. */
  readonly varDir?: string
  /** Over and beyond the usual ones. */
  readonly sections?: Sections
}

/** How a program ended, and all it said. */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface LogLine {
  readonly event: string
  readonly level: string
  readonly [field: string]: unknown
}

export interface StartOptions {
  /** Words before the program, such as a change of user. */
  readonly before?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

export interface Server {
  readonly pid: number
  readonly lmtpPort: number
  readonly log: readonly LogLine[]
  /** What stood on standard error. */
  words(): string
  /** The first line, so far or to come, that has this event and passes `check`. */
  logged(event: string, check?: (line: LogLine) => boolean, milliseconds?: number): Promise<LogLine>
  /** Ends as SIGTERM does; the exit code. */
  stop(): Promise<number | null>
  /** kill -9. */
  kill(): Promise<void>
  readonly ended: Promise<number | null>
}

export interface Site extends AsyncDisposable {
  readonly directory: string
  readonly varDir: string
  readonly configFile: string
  /** Runs `posthorn -C … argv`, and gives any exit code back. `before`: words before the program. */
  posthorn(argv: readonly string[], stdin?: string, before?: readonly string[]): Promise<Ran>
  /** The same; throws with the words of the program unless it ends with 0. Returns standard output. */
  must(argv: readonly string[], stdin?: string): Promise<string>
  /** A list with these members. */
  list(address: string, members: readonly string[]): Promise<void>
  /** Throws with the server's words when it does not become ready. */
  start(options?: StartOptions): Promise<Server>
  /** A start that is expected to fail: how it ended. Fails itself when the server becomes ready. */
  refusedStart(options?: StartOptions): Promise<Ran>
}

export async function freshSite(options: SiteOptions): Promise<Site> {
  const { program = ours } = options
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-site-'))
  chmodSync(directory, 0o755)
  const varDir = options.varDir ?? join(directory, 'var')
  const configFile = join(directory, 'posthorn.cfg')
  writeFileSync(configFile, configuration(options, varDir))
  const ending = new AsyncDisposableStack()
  ending.defer(() => rmSync(directory, { recursive: true, force: true }))

  const posthorn: Site['posthorn'] = (argv, stdin = '', before = []) =>
    run([...before, program, '-C', configFile, ...argv], stdin)
  const must = async (argv: readonly string[], stdin = ''): Promise<string> => {
    const { code, out, err } = await posthorn(argv, stdin)
    if (code !== 0) throw new Error(`posthorn ${argv.join(' ')} ended with ${code}: ${err}${out}`)
    return out
  }
  const begin = ({ before = [], environment = {} }: StartOptions = {}): Child => {
    const [command = '', ...words] = [...before, program, '-C', configFile, 'start', '--foreground']
    const child = serverChild(command, words, environment)
    ending.defer(() => child.kill())
    return child
  }
  return {
    directory,
    varDir,
    configFile,
    posthorn,
    must,
    list: async (address, members) => {
      await must(['create', address])
      if (members.length > 0) await must(['addmembers', '-W', '-', address], members.join('\n'))
    },
    start: async (startOptions) => {
      const child = begin(startOptions)
      const ready = await child.logged('server.ready', undefined, 60_000)
      const [address = ''] = ready.addresses as readonly string[]
      return { ...child, lmtpPort: Number(address.slice(address.lastIndexOf(':') + 1)) }
    },
    refusedStart: async (startOptions) => {
      const child = begin(startOptions)
      await Promise.race([child.ended, child.logged('server.ready', undefined, 60_000).catch(() => null)])
      if (child.log.some(({ event }) => event === 'server.ready')) throw new Error('the server did start')
      return { code: await child.ended, out: '', err: child.words() }
    },
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  }
}

/** The text of a configuration file. */
export function configuration(
  { relayPort, lmtpPort = 0, sections = {} }: Omit<SiteOptions, 'varDir' | 'program'>,
  varDir: string,
): string {
  const usual: Sections = {
    mailman: { site_owner: 'owner@example.test', layout: 'here' },
    'paths.here': { var_dir: varDir },
    mta: {
      incoming: 'null',
      smtp_host: '127.0.0.1',
      smtp_port: relayPort,
      lmtp_host: '127.0.0.1',
      lmtp_port: lmtpPort,
    },
    store: { reserve: '1 MiB' },
  }
  const names = new Set([...Object.keys(usual), ...Object.keys(sections)])
  return [...names]
    .map((name) => {
      const keys = Object.entries({ ...usual[name], ...sections[name] })
      return `[${name}]\n${keys.map(([key, value]) => `${key}: ${value}\n`).join('')}`
    })
    .join('\n')
}

/** Runs a program to its end. */
export async function run(argv: readonly string[], stdin = ''): Promise<Ran> {
  const [command = '', ...words] = argv
  const child = spawn(command, words, { stdio: 'pipe' })
  const [out, err] = [gather(child.stdout), gather(child.stderr)]
  child.stdin.on('error', () => undefined) // it may end without reading
  child.stdin.end(stdin)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out: out(), err: err() }
}

function gather(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

type Child = Omit<Server, 'lmtpPort'>

function serverChild(
  command: string,
  words: readonly string[],
  more: Readonly<Record<string, string>>,
): Child {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...more } })
  const stderr = gather(child.stderr)
  const log: LogLine[] = []
  const waiting = new Set<(line: LogLine | null) => void>()
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as LogLine
    log.push(line)
    for (const look of waiting) look(line)
  })
  const ended = endOf(child)
  void ended.then(() => {
    for (const look of waiting) look(null)
  })

  const logged: Child['logged'] = (event, check = () => true, milliseconds = 60_000) => {
    const fits = (line: LogLine): boolean => line.event === event && check(line)
    const found = log.find(fits)
    if (found !== undefined) return Promise.resolve(found)
    return new Promise((resolve, reject) => {
      const over = (settle: () => void): void => {
        clearTimeout(timer)
        waiting.delete(look)
        settle()
      }
      const fail = (why: string): void =>
        over(() => reject(new Error(`no ${event} in the log: ${why}; ${stderr()}${lastLines(log)}`)))
      const look = (line: LogLine | null): void => {
        if (line === null) fail('the server has ended')
        else if (fits(line)) over(() => resolve(line))
      }
      const timer = setTimeout(() => fail(`not within ${milliseconds} ms`), milliseconds)
      waiting.add(look)
    })
  }
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return ended
  }
  return {
    pid: child.pid ?? 0,
    log,
    words: stderr,
    logged,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
    ended,
  }
}

// `close`, not `exit`: by then all that it said has been read.
async function endOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}

const lastLines = (log: readonly LogLine[]): string =>
  log
    .slice(-10)
    .map((line) => `\n${JSON.stringify(line)}`)
    .join('')

/** A port that was free a moment ago, for programs that cannot be told to ask the kernel. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Waits until `look` gives something; fails after so many milliseconds, saying what was waited for. */
export async function eventually<T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  milliseconds = 60_000,
): Promise<T> {
  const end = performance.now() + milliseconds
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
