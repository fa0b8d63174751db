// The demo: the main job on loopback, in a folder of its own, with a list, three members, a mail catcher in place of
// the mail server, and a page that shows the way of a post. Law: nothing outside its folder is touched, and no mail leaves the machine.
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { type Config, defaultConfig, loadConfig } from '../config/config.ts'
import { formatMistake } from '../config/mistake.ts'
import { createList } from '../lists/create.ts'
import { addMembers } from '../membership/add.ts'
import type { Services } from '../services.ts'
import { DoorRefusal, listen, oneKey } from '../smtp/listening.ts'
import { Copies } from '../web/copies.ts'
import { demoPage } from '../web/demo-page.ts'
import { serveHttp } from '../web/serving.ts'
import type { ServerSide } from './control-server-side.ts'
import { DirectoryRefusal, whoHoldsLock } from './data-directory.ts'
import {
  configurationText,
  copyLines,
  demoList,
  demoMembers,
  demoNoList,
  demoStranger,
  firstLine,
  welcomeLines,
} from './demo-words.ts'
import { openMailCatcher } from './mail-catcher.ts'
import { verpSecret } from './relay.ts'
import { type ServeOptions, serve } from './serve.ts'
import { surroundings } from './surroundings.ts'

export interface DemoSettings {
  /** Absolute. Made when it is missing; a second start goes on with what is in it. */
  readonly directory: string
  readonly lmtpPort: number
  /** Of the page. */
  readonly webPort: number
  /** Where the caller stands: paths below it are shown short. */
  readonly cwd: string
}

export interface DemoOptions extends Pick<ServeOptions, 'answer' | 'signal' | 'onRefused'> {
  readonly say: (line: string) => void
}

/** Runs until it is told to end. 0: ended in order; 1: could not start; the words went to `onRefused`. */
export async function runDemo(settings: DemoSettings, options: DemoOptions): Promise<number> {
  try {
    prepareFolder(settings.directory)
    await mustBeFree(settings)
    const copies = new Copies()
    const catcher = await openMailCatcher(systemClock, (shown, whole) => {
      copies.keep(whole)
      for (const line of copyLines(shown)) options.say(line)
    })
    try {
      return await runServer(configure(settings, catcher.port), copies, settings, options)
    } finally {
      await catcher.close()
    }
  } catch (fault) {
    if (!(fault instanceof DirectoryRefusal || fault instanceof DoorRefusal)) throw fault
    options.onRefused(fault.message)
    return 1
  }
}

// A folder that holds something else is left alone: a site's own configuration and database have these names too.
function prepareFolder(directory: string): void {
  const file = join(directory, 'posthorn.cfg')
  const isOurs = inFolder(directory, () => {
    mkdirSync(directory, { recursive: true })
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK)
    if (existsSync(file)) return readFileSync(file, 'utf8').startsWith(firstLine)
    return !existsSync(join(directory, 'posthorn.db'))
  })
  if (!isOurs)
    throw new DirectoryRefusal(
      `${directory} is no folder of a demo, and its posthorn.cfg or posthorn.db would be changed: use another folder with --directory FOLDER`,
    )
}

function inFolder<T>(directory: string, work: () => T): T {
  try {
    return work()
  } catch (fault) {
    throw new DirectoryRefusal(
      `${directory} cannot be used (${(fault as Error).message}): use another folder with --directory FOLDER`,
      { cause: fault },
    )
  }
}

// Asked before anything is written: the folder's configuration belongs to the demo that runs in it.
async function mustBeFree({ directory, lmtpPort, webPort }: DemoSettings): Promise<void> {
  const holder = whoHoldsLock(defaultConfig({ paths: { varDir: directory } }))
  if (holder !== null) {
    const who = holder === 'unknown' ? 'another process' : `process ${holder.pid} (${holder.what})`
    throw new DirectoryRefusal(
      `${directory} is in use by ${who}: end that one first, or use another folder with --directory FOLDER`,
    )
  }
  if (lmtpPort === webPort)
    throw new DoorRefusal(`LMTP and the page cannot both have port ${webPort}: give one of them another`)
  await portMustBeFree(lmtpPort, '--lmtp-port')
  await portMustBeFree(webPort, '--web-port')
}

async function portMustBeFree(port: number, option: string): Promise<void> {
  try {
    const probe = await listen({ host: '127.0.0.1', port }, (socket) => socket.destroy())
    await new Promise((resolve) => probe.close(resolve))
  } catch (fault) {
    const code = ((fault as Error).cause as NodeJS.ErrnoException | undefined)?.code
    const remedy = `start the demo with ${option} N, N being a free port (with npm: npm start -- ${option} ${anotherPort(port)})`
    if (code === 'EADDRINUSE')
      throw new DoorRefusal(`port ${port} is taken by another program: ${remedy}`, { cause: fault })
    if (code === 'EACCES')
      throw new DoorRefusal(`port ${port} is for root alone: ${remedy}`, { cause: fault })
    throw fault
  }
}

const anotherPort = (port: number): number => (port < 50_000 ? port + 10_000 : port - 10_000)

/** Writes the configuration that the commands use too, and reads it as they do. Throws DirectoryRefusal. */
function configure({ directory, lmtpPort, webPort }: DemoSettings, smtpPort: number): Config {
  const file = join(directory, 'posthorn.cfg')
  inFolder(directory, () =>
    writeFileSync(file, configurationText({ directory, lmtpPort, smtpPort, webPort })),
  )
  const around = surroundings(file)
  if (around.environment.MAILMAN_VAR_DIR)
    throw new DirectoryRefusal(
      `MAILMAN_VAR_DIR is set (${around.environment.MAILMAN_VAR_DIR}) and would win over the folder of the demo: unset it first`,
    )
  const loaded = loadConfig(around)
  if ('config' in loaded && loaded.config.paths.varDir === directory) return loaded.config
  const mistakes = 'errors' in loaded ? loaded.errors.map(formatMistake) : []
  throw new DirectoryRefusal(
    [
      `the configuration cannot name the folder ${directory}: use one with a plainer name, with --directory FOLDER`,
      ...mistakes,
    ].join('\n'),
  )
}

async function runServer(
  config: Config,
  copies: Copies,
  settings: DemoSettings,
  options: DemoOptions,
): Promise<number> {
  const { answer, say, onRefused, signal } = options
  const failed = new AbortController()
  let server: ServerSide | null = null
  const code = await serve(config, {
    foreground: false,
    answer: (services, side) => {
      server = side
      return answer(services, side)
    },
    alsoOpen: (services) => openPage(services, copies, settings),
    onReady: ({ services }) => {
      prepareList(services, server).then(
        () => {
          for (const line of welcomeLines(settings)) say(line)
        },
        (fault: unknown) => {
          services.log.error('demo.failed', { err: fault })
          onRefused(
            `the list of the demo could not be made (${String(fault)}): use another folder with --directory FOLDER`,
          )
          failed.abort()
        },
      )
    },
    onRefused,
    signal: signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]),
  })
  if (code !== 0) return code
  if (failed.signal.aborted) return 1
  say('')
  say(`The demo has ended. What it kept is in ${config.paths.varDir}; the next start goes on with it.`)
  return 0
}

/** What closes it. Throws DoorRefusal. */
async function openPage(
  services: Services,
  copies: Copies,
  { lmtpPort, webPort }: DemoSettings,
): Promise<() => Promise<void>> {
  const app = demoPage(services, {
    copies,
    verpKey: await verpSecret(services),
    lmtp: { host: '127.0.0.1', port: lmtpPort },
    port: () => webPort,
    stranger: demoStranger,
    noList: demoNoList,
  })
  const place = { host: '127.0.0.1', port: webPort }
  const door = await serveHttp(place, (request) => app.fetch(request), oneKey('HTTP', '--web-port'))
  return () => door.close()
}

/** Makes list and members at the first start; what was changed since is left as it is. */
async function prepareList(services: Services, server: ServerSide | null): Promise<void> {
  const made = await createList(services, {
    address: demoList,
    settings: { displayName: 'Tea', description: 'All about tea' },
    owners: [],
    createDomain: true,
    nameCharacters: services.config.mailman.listnameChars,
  })
  if (made.kind === 'exists') return
  if (made.kind !== 'created') throw new Error(`${demoList}: ${made.kind}`)
  await addMembers(services, {
    list: made.list,
    role: 'member',
    delivery: 'regular',
    status: 'enabled',
    lines: demoMembers,
  })
  await server?.publish()
}
