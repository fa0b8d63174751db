// Runs one command on the store: called by the server for what comes over the control socket, and by the command
// line itself when no server runs. The one place of the command line that catches.
import type { Call } from '../app/control.ts'
import type { ServerSide } from '../app/control-server-side.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { Services } from '../services.ts'
import { EX, type Output, usageError } from './command.ts'
import { findCommand } from './commands.ts'
import { UsageFault } from './options.ts'
import { FileFault } from './terminal.ts'

/** Never rejects: every end is an exit code, with words on the call's output. */
export async function runCommand(
  services: Services,
  server: ServerSide,
  { command: name, argv, cwd, stdin, output, signal }: Call,
): Promise<number> {
  const command = findCommand(name)
  const out = outputOf(output)
  if (command === null) {
    out.errorLine(
      `posthorn: the server does not know the command '${name}'; it may be older than this program: restart it`,
    )
    return EX.usage
  }
  try {
    const prepared = command.prepare(argv)
    if (prepared.place === 'help') {
      output.out(command.help)
      return EX.ok
    }
    if (prepared.place === 'here') {
      out.errorLine(`posthorn: '${name}' does not run in the server`)
      return EX.usage
    }
    return await prepared.run({ services, server, out, stdin, cwd, signal })
  } catch (fault) {
    return explain(fault, { name, usage: command.usage, services, output, signal })
  }
}

function explain(
  fault: unknown,
  at: {
    readonly name: string
    readonly usage: string
    readonly services: Services
    readonly output: Call['output']
    readonly signal: AbortSignal
  },
): number {
  const { name, usage, services, output, signal } = at
  if (fault instanceof UsageFault) {
    output.err(usageError(usage, name, fault.message))
    return EX.usage
  }
  const words = fault instanceof Error ? fault.message : String(fault)
  if (fault instanceof FileFault) {
    output.err(`posthorn: ${words}\n`)
    return EX.failed
  }
  if (signal.aborted) {
    services.log.info('command.cancelled', { command: name })
    return EX.failed
  }
  if (fault instanceof Unavailable) {
    services.log.warn('command.unavailable', { command: name, words })
    output.err(`posthorn: ${words}; try again later\n`)
    return EX.tryLater
  }
  services.log.error('command.failed', { command: name, err: fault })
  output.err(
    `posthorn: ${name} failed through a fault of Posthorn itself: ${words}; the log has the details\n`,
  )
  return EX.failed
}

/** Whole lines on a call's output. */
export function outputOf(output: Call['output']): Output {
  return {
    line: (text) => output.out(`${text}\n`),
    errorLine: (text) => output.err(`${text}\n`),
    json: (value) => output.out(`${JSON.stringify(value, null, 2)}\n`),
    progress: (text) => output.progress(text),
    drained: () => output.drained(),
  }
}
