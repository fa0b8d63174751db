// `posthorn …`: reads the words before the command, finds the command, and runs it where it belongs: here, in the
// running server, or in this process with the data directory's lock.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Call, CallOutput } from '../app/control.ts'
import { type Answered, callServer } from '../app/control-client.ts'
import { DirectoryRefusal, findControlPath, type LockHolder } from '../app/data-directory.ts'
import { ownerToServe } from '../app/ownership.ts'
import { surroundings } from '../app/surroundings.ts'
import { Unavailable } from '../base/unavailable.ts'
import { type Config, loadConfig } from '../config/config.ts'
import { formatMistake } from '../config/mistake.ts'
import { didYouMean } from '../config/section.ts'
import { StoreRefusal } from '../store/database.ts'
import { type Command, EX, type LocalContext, type Prepared, usageError } from './command.ts'
import { commands, findCommand } from './commands.ts'
import { UsageFault } from './options.ts'
import { generalUsage, overview, programVersion } from './overview.ts'
import { reference } from './reference.ts'
import { outputOf, runCommand } from './run-command.ts'
import { FileFault, openInput, openOutput, terminalOutput } from './terminal.ts'
import { runWithoutServer } from './without-server.ts'

/** The configuration cannot be used: one line for each mistake. */
class ConfigFault extends Error {
  override readonly name = 'ConfigFault'
}

interface General {
  readonly configFile: string | null
  readonly asRoot: boolean
  readonly version: boolean
  readonly help: boolean
  readonly command: string | null
  readonly argv: readonly string[]
}

/** Throws UsageFault. Everything after the command's name is the command's. */
function readGeneral(argv: readonly string[]): General {
  const queue = [...argv]
  let configFile: string | null = null
  const told = { asRoot: false, version: false, help: false }
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const value = /^(?:--config=|-C=?)(.+)$/s.exec(word)?.[1]
    if (value !== undefined) configFile = value
    else if (word === '-C' || word === '--config') {
      configFile = queue.shift() ?? null
      if (configFile === null) throw new UsageFault(`Option ${word} needs a value: FILE.`)
    } else if (word === '--run-as-root') told.asRoot = true
    else if (word === '--version') told.version = true
    else if (word === '-h' || word === '--help') told.help = true
    else if (word.startsWith('-')) throw new UsageFault(`No such option: ${word}`)
    else return { ...told, configFile, command: word, argv: queue }
  }
  return { ...told, configFile, command: null, argv: [] }
}

/** Runs a whole command line and says its exit code. Rejects with faults of our own only. */
export async function runCommandLine(argv: readonly string[], output: CallOutput): Promise<number> {
  try {
    return await dispatch(argv, output)
  } catch (fault) {
    if (fault instanceof UsageFault) {
      output.err(usageError(generalUsage, '', fault.message))
      return EX.usage
    }
    if (fault instanceof ConfigFault) {
      output.err(`${fault.message}\n`)
      return EX.usage
    }
    if (fault instanceof DirectoryRefusal || fault instanceof StoreRefusal || fault instanceof FileFault) {
      output.err(`posthorn: ${fault.message}\n`)
      return EX.failed
    }
    if (fault instanceof Unavailable) {
      output.err(`posthorn: ${fault.message}; try again later\n`)
      return EX.tryLater
    }
    throw fault
  }
}

async function dispatch(argv: readonly string[], output: CallOutput): Promise<number> {
  const general = readGeneral(argv)
  if (general.version) {
    output.out(`${programVersion}\n`)
    return EX.ok
  }
  if (general.command === null || general.help) {
    output.out(overview(commands))
    return EX.ok
  }
  if (general.command === 'help') return help(general.argv, output)
  const command = findCommand(general.command)
  if (command === null) {
    const names = commands.map(({ name }) => name)
    throw new UsageFault(`No such command '${general.command}'${didYouMean(general.command, names)}`)
  }
  const { configFile } = general
  if (configFile !== null && !existsSync(configFile))
    throw new UsageFault(`Invalid value for -C: the file '${configFile}' does not exist.`)
  let prepared: Prepared
  try {
    prepared = command.prepare(general.argv)
  } catch (fault) {
    if (!(fault instanceof UsageFault)) throw fault
    output.err(usageError(command.usage, command.name, fault.message))
    return EX.usage
  }
  if (prepared.place === 'help') {
    output.out(command.help)
    return EX.ok
  }
  const local = localContext(general, output)
  warnOfRoot(local, output)
  if (prepared.place === 'here') {
    try {
      return await prepared.run(local)
    } catch (fault) {
      if (!(fault instanceof UsageFault)) throw fault
      output.err(usageError(command.usage, command.name, fault.message))
      return EX.usage
    }
  }
  return runOnStore(command, general.argv, prepared, local, output)
}

async function help([name, target]: readonly string[], output: CallOutput): Promise<number> {
  if (name === '--reference') {
    output.out(reference(commands))
    return EX.ok
  }
  if (name === '--man') {
    if (target === undefined) throw new UsageFault('help --man needs the DIR that takes the pages.')
    // Loaded here only: nobody else needs the schema's texts.
    const { writeManualPages } = await import('./man-files.ts')
    output.out(`${writeManualPages(target)} pages written to ${target}\n`)
    return EX.ok
  }
  const command = name === undefined ? null : findCommand(name)
  if (name !== undefined && command === null)
    throw new UsageFault(
      `No such command '${name}'${didYouMean(
        name,
        commands.map((each) => each.name),
      )}`,
    )
  output.out(command === null ? overview(commands) : command.help)
  return EX.ok
}

function localContext({ configFile, asRoot }: General, output: CallOutput): LocalContext {
  let loaded: Config | null = null
  const config = (): Config => {
    if (loaded !== null) return loaded
    const read = loadConfig(surroundings(configFile))
    if ('errors' in read) throw new ConfigFault(read.errors.map(formatMistake).join('\n'))
    loaded = read.config
    return loaded
  }
  return {
    configFile: configFile === null ? null : resolve(configFile),
    asRoot,
    out: outputOf(output),
    config,
    write: async (name, text) => {
      if (name === null || name === '-') return output.out(text)
      const file = await openOutput(name)
      file.stream.write(text)
      await file.finish(true)
    },
    commands,
    answer: runCommand,
  }
}

// In a data directory of another's, what root makes is given to that one. In a pipe (cron) the line would be a nuisance.
function warnOfRoot({ asRoot, config }: LocalContext, output: CallOutput): void {
  if (asRoot || process.geteuid?.() !== 0 || process.stderr.isTTY !== true) return
  try {
    if (ownerToServe(config().paths.varDir) !== null) return
  } catch (fault) {
    if (!(fault instanceof ConfigFault)) throw fault
  }
  output.err(
    'posthorn: running as root; files made now belong to root. --run-as-root says that this is meant\n',
  )
}

// How long to wait for a server that starts or stops, or for another command, before giving up.
const patience = { tries: 30, pause: 100 }

async function runOnStore(
  command: Command,
  argv: readonly string[],
  prepared: Extract<Prepared, { place: 'store' }>,
  local: LocalContext,
  terminal: CallOutput,
): Promise<number> {
  const config = local.config()
  const input = prepared.reads === null ? null : openInput(prepared.reads)
  const file = prepared.writes === null || prepared.writes === '-' ? null : await openOutput(prepared.writes)
  const output = file === null ? terminal : terminalOutput(file.stream)
  let code: number = EX.failed
  try {
    code = await runSomewhere(command.name, argv, prepared, { config, local, input, output })
  } finally {
    await file?.finish(code === EX.ok)
  }
  return code
}

async function runSomewhere(
  name: string,
  argv: readonly string[],
  prepared: Extract<Prepared, { place: 'store' }>,
  at: {
    readonly config: Config
    readonly local: LocalContext
    readonly input: AsyncIterable<Uint8Array> | null
    readonly output: CallOutput
  },
): Promise<number> {
  const { config, local, input, output } = at
  const cwd = process.cwd()
  let holder: LockHolder | null = null
  for (let tries = patience.tries; tries > 0; tries -= 1) {
    const answer = await callServer(
      findControlPath(config),
      { command: name, argv, cwd, stdin: input },
      (frame) => {
        output[frame.kind](frame.text)
        return output.drained()
      },
    )
    if (answer.kind !== 'nobody') return codeOf(answer, output)
    if (prepared.withoutServer !== null) return prepared.withoutServer(local)
    const call: Call = {
      command: name,
      argv,
      cwd,
      stdin: input ?? nothing(),
      output,
      signal: new AbortController().signal,
    }
    const ran = await runWithoutServer(config, call)
    if ('code' in ran) return ran.code
    holder = ran.heldBy
    await wait(patience.pause)
  }
  output.err(`posthorn: ${heldWords(config, holder)}\n`)
  return EX.tryLater
}

function codeOf(answer: Exclude<Answered, { kind: 'nobody' }>, output: CallOutput): number {
  switch (answer.kind) {
    case 'exit':
      return answer.code
    case 'refused':
      output.err(`posthorn: ${answer.words}\n`)
      return EX.failed
    case 'lost':
      output.err(
        "posthorn: the server went away before the command ended; see with 'posthorn status' whether it runs, and whether the change was made\n",
      )
      return EX.tryLater
  }
}

function heldWords({ paths }: Config, holder: LockHolder | null): string {
  const who = holder === null ? 'another process' : `process ${holder.pid} (${holder.what})`
  const what =
    holder?.what === 'server'
      ? `it answers nobody: if it does not start or stop right now, end it with 'kill ${holder.pid}' and look into its log`
      : 'wait until it is done, then try again'
  return `${paths.varDir} is in use by ${who}; ${what}`
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
