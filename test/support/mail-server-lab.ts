// A real mail server of test/mta-lab in a chroot of its own, and the world behind it: a sink that takes what it relays.
import { ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Envelope, Sink } from '../mta-lab/sink.mjs'
import { eventually, freePort, type Ran, run } from './server.ts'

const lab = new URL('../mta-lab/lab.sh', import.meta.url).pathname

export interface MailServerLab extends AsyncDisposable {
  readonly smtpPort: number
  readonly lmtpPort: number
  /** All mail that is not for lists ends here. */
  readonly world: Sink
  /** The `/` that the mail server sees. */
  readonly root: string
  /** Words before a command that is to run where the mail server is. */
  readonly prefix: readonly string[]
  /** The bytes of a message of the world. */
  textOf(envelope: Envelope): Buffer
  /** Makes the mail server's folder, without starting it; then `root` can be written to, and `prefix` works. */
  prepare(where: Where): Promise<void>
  /** Starts what was prepared; resolves when it greets. */
  up(): Promise<void>
  /** Both. */
  start(where: Where): Promise<void>
  stop(): Promise<void>
  /** Ends it; `up` starts it again, with what its files say by then. Of a server that was prepared. */
  down(): Promise<void>
  /** What lab.sh prints for `log`, `queue`, `flush`, `reload`. */
  ask(what: 'log' | 'queue' | 'flush' | 'reload'): Promise<string>
  /** Runs a program where the mail server is. */
  exec(argv: readonly string[], stdin?: string): Promise<Ran>
}

export interface Where {
  readonly domains: readonly string[]
  /** What lab.sh calls `--maps`: the folder of Posthorn that this mail server reads. */
  readonly maps?: string
  /** Files below /etc that take the place of the laboratory's, path to text: `exim4/exim4.conf`. */
  readonly etc?: Readonly<Record<string, string>>
}

/** `kind` as `lab.sh list` has it; its packages are fetched when they are not there. Ports come from the kernel. */
export async function mailServerLab(kind: string): Promise<MailServerLab> {
  ok(process.geteuid?.() === 0, 'mail servers change users: run this as root')
  const command = async (...argv: string[]): Promise<string> => {
    const { code, out, err } = await run([lab, ...argv])
    if (code !== 0) throw new Error(`lab.sh ${argv.join(' ')} ended with ${code}: ${err}`)
    return out
  }
  await command('install', kind)
  await using ending = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), `posthorn-${kind}-`))
  chmodSync(directory, 0o755) // the mail server's own user has to pass
  ending.defer(() => rmSync(directory, { recursive: true, force: true }))
  const [instance, letters, etc] = ['instance', 'world', 'etc'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  const world = await new Sink({ port: 0, keep: true, dir: letters }).listen()
  ending.defer(() => world.close())
  const [smtpPort, lmtpPort] = [await freePort(), await freePort()]
  // lab.sh makes a chroot for each command; to step into that of a process takes no time.
  const making = [lab, 'exec', '--dir', instance]
  let prefix: readonly string[] = making
  /** Something in the chroot that does nothing, to step to. */
  const keepOpen = async (): Promise<void> => {
    const [program = '', ...args] = making
    const keeper = spawn(program, [...args, 'sleep', '3600'], { stdio: 'ignore' })
    const ended = once(keeper, 'close')
    kept.defer(() => void keeper.kill())
    const inside = await eventually(
      'a process in the chroot',
      () => (keeper.pid === undefined ? null : jailed(keeper.pid, join(instance, 'root'))),
      20_000,
    )
    kept.defer(async () => {
      process.kill(inside)
      await ended
    })
    prefix = ['nsenter', '--target', String(inside), '--mount', '--root', '--wd', '--']
  }

  const begin = async (verb: 'prepare' | 'start', where: Where): Promise<void> => {
    rmSync(etc, { recursive: true, force: true })
    mkdirSync(etc)
    for (const [path, text] of Object.entries(where.etc ?? {})) {
      mkdirSync(dirname(join(etc, path)), { recursive: true })
      writeFileSync(join(etc, path), text)
    }
    const ports = Object.entries({ smtp: smtpPort, lmtp: lmtpPort, sink: world.port })
    const words = ports.flatMap(([name, port]) => [`--${name}-port`, String(port)])
    const domains = where.domains.flatMap((domain) => ['--domain', domain])
    const maps = where.maps === undefined ? [] : ['--maps', where.maps]
    await command(verb, kind, '--dir', instance, ...words, ...domains, ...maps, '--etc', etc)
    // Haraka has no chroot.
    if (prefix === making && existsSync(join(instance, 'root'))) await keepOpen()
  }
  let up = false
  const stop = async (): Promise<void> => {
    if (up) await command('stop', '--dir', instance)
    up = false
  }
  ending.defer(stop)
  const kept = ending.move()
  return {
    smtpPort,
    lmtpPort,
    world,
    root: join(instance, 'root'),
    get prefix() {
      return prefix
    },
    textOf: ({ id }) => readFileSync(join(letters, `${String(id).padStart(8, '0')}.eml`)),
    prepare: (where) => begin('prepare', where),
    up: async () => {
      await command('up', '--dir', instance)
      up = true
    },
    start: async (where) => {
      await begin('start', where)
      up = true
    },
    stop,
    down: async () => {
      await command('down', '--dir', instance)
    },
    ask: (what) => command(what, '--dir', instance),
    exec: (argv, stdin) => run([...prefix, ...argv], stdin),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** The process itself or the nearest of its descendants that has this root; null when none has. */
function jailed(pid: number, root: string): number | null {
  if (!existsSync(`/proc/${pid}/root`)) return null
  if (readlinkSync(`/proc/${pid}/root`) === root) return pid
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  for (const child of children === '' ? [] : children.split(' ')) {
    const found = jailed(Number(child), root)
    if (found !== null) return found
  }
  return null
}
