// The machine where the mail server is, as `hookup` and `doctor` reach it: this one, or one behind a command prefix
// (`docker exec mail`, `chroot /srv/mail`, `ssh mail`). Law: programs are started by argument vector, never by a shell;
// nothing is written; what cannot be looked at is Unavailable with words for the operator, what is not there is null.
import { execFile } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { SECOND } from '../base/clock.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { Ended, FileFacts, MailServerHost } from '../model/hookup.ts'

export interface WhereTheMailServerIs {
  readonly configDir: string | null
  /** Words put before each command; empty: this machine. */
  readonly commandPrefix: readonly string[]
  /** Milliseconds that a program may take; 15 s unless said. */
  readonly timeLimit?: number
}

/** With a prefix files are read there, and here when they are not there (a folder that both share). */
export function mailServerHost({
  configDir,
  commandPrefix,
  timeLimit = 15 * SECOND,
}: WhereTheMailServerIs): MailServerHost {
  const run = (argv: readonly [string, ...string[]], input = ''): Promise<Ended | null> =>
    runProgram(commandPrefix, argv, input, timeLimit)
  if (commandPrefix.length === 0)
    return { configDir, readText: readHere, stat: statHere, list: listHere, run, listens: listensHere }
  const inside = async <T>(
    argv: readonly [string, ...string[]],
    path: string,
    read: (out: string) => T,
    here: (path: string) => Promise<T | null>,
  ): Promise<T | null> => {
    const ended = await run(argv)
    if (ended?.code === 0) return read(ended.out)
    if (ended !== null && !/no such file|not a directory/i.test(ended.err))
      throw new Unavailable(
        `'${[...commandPrefix, ...argv].join(' ')}' failed: ${oneLine(ended.err)}; see that --command-prefix reaches the mail server and may read ${path}`,
      )
    return here(path)
  }
  return {
    configDir,
    readText: (path) => inside(['cat', path], path, (out) => out, readHere),
    stat: (path) => inside(['stat', '-L', '-c', '%F|%U|%G|%a|%s|%Y', path], path, readStat, statHere),
    list: (path) => inside(['ls', '-1A', path], path, namesOf, listHere),
    run,
    // What listens in another container or host may not be reached from here, and what answers here may be another.
    listens: async () => null,
  }
}

async function readHere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (fault) {
    return nothingThere(path, fault)
  }
}

async function listHere(path: string): Promise<readonly string[] | null> {
  try {
    return (await readdir(path)).sort()
  } catch (fault) {
    return nothingThere(path, fault)
  }
}

async function statHere(path: string): Promise<FileFacts | null> {
  try {
    const found = await stat(path)
    const [user, group] = await Promise.all([
      nameIn('/etc/passwd', found.uid),
      nameIn('/etc/group', found.gid),
    ])
    return {
      kind: found.isFile()
        ? 'file'
        : found.isDirectory()
          ? 'directory'
          : found.isSocket()
            ? 'socket'
            : 'other',
      user,
      group,
      mode: found.mode & 0o7777,
      size: found.size,
      changed: found.mtimeMs,
    }
  } catch (fault) {
    return nothingThere(path, fault)
  }
}

function listensHere(place: Parameters<MailServerHost['listens']>[0]): Promise<boolean | null> {
  const { promise, resolve } = Promise.withResolvers<boolean | null>()
  const socket = 'path' in place ? connect(place.path) : connect(place.port, place.host)
  socket.setTimeout(longestConnect, () => socket.destroy())
  socket.on('connect', () => resolve(true))
  socket.on('error', ({ code }: NodeJS.ErrnoException) =>
    resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? false : null),
  )
  socket.on('close', () => resolve(null))
  return promise.finally(() => socket.destroy())
}

function nothingThere(path: string, fault: unknown): null {
  const { code, message } = fault as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return null
  const why = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : message
  throw new Unavailable(`${path} cannot be read (${why}); run this as root, or as a user who may read it`, {
    cause: fault,
  })
}

/** The name of an account or a group by its number (passwd(5), group(5)); the number itself where it has none. */
async function nameIn(file: string, number: number): Promise<string> {
  const text = (await readHere(file)) ?? ''
  const line = text.split('\n').find((each) => each.split(':')[2] === String(number))
  return line?.split(':')[0] ?? String(number)
}

/** What `stat -c '%F|%U|%G|%a|%s|%Y'` prints. */
function readStat(out: string): FileFacts {
  const [kind = '', user = '', group = '', mode = '', size = '', changed = ''] = out.trim().split('|')
  return {
    kind: kind.includes('file') ? 'file' : kind === 'directory' || kind === 'socket' ? kind : 'other',
    user,
    group,
    mode: Number.parseInt(mode, 8),
    size: Number(size),
    changed: Number(changed) * SECOND,
  }
}

const namesOf = (out: string): readonly string[] =>
  out
    .split('\n')
    .filter((name) => name !== '')
    .sort()

const oneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, ' | ')

const longestConnect = 2 * SECOND

/** What env(1), chroot(1), docker exec and shells at the other end answer when there is no such program. */
const noSuchProgram = 127
const outputLimit = 64 * 1024 * 1024

function runProgram(
  prefix: readonly string[],
  argv: readonly [string, ...string[]],
  input: string,
  timeLimit: number,
): Promise<Ended | null> {
  const [program = '', ...args] = [...prefix, ...argv]
  const shown = [program, ...args].join(' ')
  const { promise, resolve, reject } = Promise.withResolvers<Ended | null>()
  const options = {
    timeout: timeLimit,
    killSignal: 'SIGKILL',
    maxBuffer: outputLimit,
    env: environment(),
  } as const
  const child = execFile(program, args, options, (fault, out, err) => {
    const code = fault === null ? 0 : (fault.code ?? null)
    if (typeof code === 'number') {
      const missing = prefix.length > 0 && code === noSuchProgram
      return resolve(missing ? null : { code, out, err })
    }
    if (code === 'ENOENT' && prefix.length === 0) return resolve(null)
    reject(
      new Unavailable(`'${shown}' ${failure(code, fault?.killed === true, timeLimit)}`, { cause: fault }),
    )
  })
  child.stdin?.on('error', () => undefined) // it may have ended without reading; its exit status tells
  child.stdin?.end(input)
  return promise
}

function failure(code: string | null, killed: boolean, timeLimit: number): string {
  if (code === 'ENOENT') return 'cannot be started: there is no such program; look at --command-prefix'
  if (code !== null) return `cannot be run (${code}); run this as root, or look at --command-prefix`
  if (killed) return `was ended after ${timeLimit / SECOND} s; run it by hand to see what it waits for`
  return 'was ended by a signal; run it by hand to see why'
}

// Mail servers live in sbin, which is not on everybody's PATH; their messages are read, so they come untranslated.
function environment(): NodeJS.ProcessEnv {
  const path = `${process.env.PATH ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`
  return { ...process.env, PATH: path, LC_ALL: 'C' }
}
