// A whole server in this very process, quick enough for stories in npm test: real sockets, real threads, real SQLite
// in a fresh directory, and a sink as the relay. Commands run as they do in a server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AnswerCall } from '../../src/app/control.ts'
import { serve } from '../../src/app/serve.ts'
import { surroundings } from '../../src/app/surroundings.ts'
import { runCommand } from '../../src/cli/run-command.ts'
import { loadConfig } from '../../src/config/config.ts'
import { formatMistake } from '../../src/config/mistake.ts'
import type { Services } from '../../src/services.ts'
import { Sink, type SinkOptions } from '../mta-lab/sink.mjs'
import { type Answers, handIn, post } from './hand-in.ts'
import { configuration, eventually, type Sections } from './server.ts'

/** One copy at the sink. */
export interface Copy {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
}

export interface ServerHere extends AsyncDisposable {
  readonly services: Services
  readonly lmtpPort: number
  readonly world: Sink
  /** In the order in which the sink took them. */
  readonly copies: readonly Copy[]
  /** Runs a command in the server; throws with its words unless it ends with 0. Standard output. */
  posthorn(argv: readonly string[], stdin?: string): Promise<string>
  /** A list with these members. */
  list(address: string, members: readonly string[]): Promise<void>
  /** Hands in a post by LMTP; its Message-ID is `<id@client.example.test>`. */
  post(from: string, to: string, id: string, more?: { header?: string; body?: string }): Promise<Answers>
  /** Waits for so many copies that pass the test, and gives them. */
  arrived(count: number, check: (copy: Copy) => boolean): Promise<readonly Copy[]>
  /** Ends the server in order and starts it again on the same directory. */
  restart(): Promise<void>
  stop(): Promise<void>
}

interface Started {
  readonly services: Services
  readonly lmtpPort: number
  readonly answer: AnswerCall
  stop(): Promise<void>
}

export async function serverHere({
  sections = {},
  sink = {},
}: {
  sections?: Sections
  sink?: Partial<SinkOptions>
} = {}): Promise<ServerHere> {
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-story-'))
  const copies: Copy[] = []
  const world = new Sink({ port: 0, keep: true, ...sink })
  world.o.onMessage = ({ messages }, _id, body) => {
    const { from = '', to = [] } = messages.at(-1) ?? {}
    copies.push({ from, to, text: body.toString('utf8') })
  }
  await world.listen()
  const configFile = join(directory, 'posthorn.cfg')
  writeFileSync(configFile, configuration({ relayPort: world.port, sections }, join(directory, 'var')))
  let now = await begin(configFile)

  const posthorn = async ([command = '', ...argv]: readonly string[], stdin = ''): Promise<string> => {
    let [out, words] = ['', '']
    const code = await now.answer({
      command,
      argv,
      cwd: directory,
      stdin: once(stdin),
      output: {
        out: (text) => {
          out += text
        },
        err: (text) => {
          words += text
        },
        progress: () => undefined,
        drained: async () => undefined,
      },
      signal: new AbortController().signal,
    })
    if (code !== 0) throw new Error(`posthorn ${command} ${argv.join(' ')} ended with ${code}: ${words}`)
    return out
  }
  return {
    get services() {
      return now.services
    },
    get lmtpPort() {
      return now.lmtpPort
    },
    world,
    copies,
    posthorn,
    list: async (address, members) => {
      await posthorn(['create', address])
      if (members.length > 0) await posthorn(['addmembers', '-W', '-', address], members.join('\n'))
    },
    post: (from, to, id, more) =>
      handIn({ port: now.lmtpPort, from, to: [to], message: post(from, to, id, more) }),
    arrived: (count, check) =>
      eventually(`${count} such copies at the sink`, () => {
        const found = copies.filter(check)
        return found.length >= count && found
      }),
    restart: async () => {
      await now.stop()
      now = await begin(configFile)
    },
    stop: () => now.stop(),
    [Symbol.asyncDispose]: async () => {
      await now.stop()
      await world.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function begin(configFile: string): Promise<Started> {
  const loaded = loadConfig(surroundings(configFile))
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatMistake).join('\n'))
  const ending = new AbortController()
  let answer: AnswerCall | null = null
  const ready = Promise.withResolvers<{ addresses: readonly string[]; services: Services }>()
  const ended = serve(loaded.config, {
    foreground: false,
    answer: (services, server) => {
      answer = (call) => runCommand(services, server, call)
      return answer
    },
    onReady: ready.resolve,
    onRefused: (words) => ready.reject(new Error(words)),
    signal: ending.signal,
  })
  ended.catch(ready.reject)
  const { addresses, services } = await ready.promise
  const [address = ''] = addresses
  if (answer === null) throw new Error('the server takes no commands')
  return {
    services,
    lmtpPort: Number(address.slice(address.lastIndexOf(':') + 1)),
    answer,
    stop: async () => {
      ending.abort()
      await ended
    },
  }
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield Buffer.from(text)
}
