// A real Postfix from the laboratory, and the world behind it: a sink that takes what Postfix relays.
import { ok } from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Envelope, Sink } from '../mta-lab/sink.mjs'
import { freePort, run } from './server.ts'

const lab = new URL('../mta-lab/lab.sh', import.meta.url).pathname

export interface PostfixLab extends AsyncDisposable {
  readonly smtpHost: string
  readonly smtpPort: number
  readonly lmtpPort: number
  /** All mail that is not for lists ends here. */
  readonly world: Sink
  /** The bytes of a message of the world. */
  textOf(envelope: Envelope): Buffer
  /** The folder of main.cf. */
  readonly configDir: string
  /** `extra`: lines of main.cf that count rather than the usual ones; `postfix-bare` knows nothing of lists. */
  start(
    maps: string,
    domain: string,
    extra?: string,
    kind?: 'postfix-hash' | 'postfix-regexp' | 'postfix-bare',
  ): Promise<void>
  log(): Promise<string>
}

export interface PostfixLabOptions {
  readonly lmtpPort?: number
  /** A network namespace that Postfix runs in. */
  readonly namespace?: string
  /** Where its SMTP door is reached; the loopback address unless said. */
  readonly smtpHost?: string
  /** Where it reaches the world. */
  readonly worldHost?: string
}

/** Fails by name where Postfix is not installed. Ports come from the kernel; `start` starts Postfix. */
export async function postfixLab(options: PostfixLabOptions = {}): Promise<PostfixLab> {
  const { namespace, smtpHost = '127.0.0.1', worldHost = '127.0.0.1' } = options
  ok(
    existsSync('/usr/sbin/postfix') && process.geteuid?.() === 0,
    "Postfix and root are needed: run 'test/mta-lab/lab.sh install postfix-hash' as root",
  )
  await using ending = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-postfix-'))
  chmodSync(directory, 0o755) // Postfix's own user has to pass
  ending.defer(() => rmSync(directory, { recursive: true, force: true }))
  const [instance, letters] = [join(directory, 'postfix'), join(directory, 'world')]
  const world = await new Sink({ host: worldHost, port: 0, keep: true, dir: letters }).listen()
  ending.defer(() => world.close())
  const [smtpPort, lmtpPort] = [await freePort(), options.lmtpPort ?? (await freePort())]
  const within = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]
  const command = async (...argv: string[]): Promise<string> => {
    const { code, out, err } = await run([...within, lab, ...argv])
    if (code !== 0) throw new Error(`lab.sh ${argv.join(' ')} ended with ${code}: ${err}`)
    return out
  }
  const kept = ending.move()
  return {
    smtpHost,
    smtpPort,
    lmtpPort,
    world,
    textOf: ({ id }) => readFileSync(join(letters, `${String(id).padStart(8, '0')}.eml`)),
    configDir: join(instance, 'conf'),
    start: async (maps, domain, extra = '', kind = 'postfix-hash') => {
      const extraFile = join(directory, 'extra.cf')
      const route = worldHost === '127.0.0.1' ? '' : `relayhost = [${worldHost}]:${world.port}\n`
      writeFileSync(extraFile, extra + route)
      const ports = Object.entries({ smtp: smtpPort, lmtp: lmtpPort, sink: world.port })
      const words = ports.flatMap(([name, port]) => [`--${name}-port`, String(port)])
      const lists = ['--domain', domain, '--maps', maps, '--extra', extraFile]
      await command('start', kind, '--dir', instance, ...words, ...lists)
      kept.defer(async () => void (await command('stop', '--dir', instance)))
    },
    log: () => command('log', '--dir', instance),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
