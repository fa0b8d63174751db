// What the file of one list lets Courier do (dot-courier(5)): does it hand the mail to Posthorn, whole, under the right
// address, and does the answer come back.
import { isAbsolute, join } from 'node:path'
import type { Finding } from '../../model/hookup.ts'
import { isOurs } from '../dot-files.ts'
import { finding, type Particulars } from '../finding.ts'
import type { PipeCall } from '../pipe/envelope.ts'
import * as kinds from './courier-kinds.ts'
import { modeOf } from './courier-refusals.ts'
import type { CourierDomain, CourierSituation } from './courier-situation.ts'
import { type DotInstruction, type PipeCommand, readDotFile, readPipeCommand } from './dot-command.ts'
import { reaches } from './hosts.ts'

/** A file that Posthorn should have written. */
export interface ListFile {
  readonly name: string
  readonly path: string
  readonly isDefault: boolean
  readonly list: string
  readonly of: CourierDomain
}

/** Names the Node that the program is to take. */
const nodeVariable = 'POSTHORN_NODE'

/** `tried`: programs that were looked at already. */
export async function* checkDotFile(
  situation: CourierSituation,
  file: ListFile,
  tried: Set<string>,
): AsyncIterable<Finding> {
  const text = await situation.host.readText(file.path)
  if (text === null) return
  const isForeign = !isOurs(text)
  for await (const found of checkText(situation, file, text, tried))
    yield isForeign
      ? {
          ...found,
          change: `${found.change}; Posthorn did not make ${file.path}, and leaves it alone: change it by hand, or move it away first`,
        }
      : found
}

async function* checkText(
  situation: CourierSituation,
  file: ListFile,
  text: string,
  tried: Set<string>,
): AsyncIterable<Finding> {
  const facts = await situation.host.stat(file.path)
  if (facts !== null && (facts.mode & 0o002) !== 0)
    yield finding(kinds.dotFileWritable, {
      seen: `${file.path} is ${modeOf(facts)}`,
      file: file.path,
      change: `chmod o-w ${file.path}`,
    })
  const instructions = readDotFile(text)
  if (instructions.length === 0) {
    yield finding(kinds.dotFileEmpty, { seen: text === '' ? 'it is empty' : text.trim(), file: file.path })
    return
  }
  for (const instruction of instructions) {
    const command = /^(program|output)$/.test(instruction.kind) ? readPipeCommand(instruction.value) : null
    if (command === null) continue
    const at = { seen: instruction.text, file: file.path, line: instruction.line }
    yield* checkCommand(situation, file, instruction, command, at)
    const program = JSON.stringify([
      file.of.account?.name,
      command.program,
      command.assignments.get(nodeVariable),
    ])
    if (!tried.has(program)) yield* checkProgram(situation, file, command, at)
    tried.add(program)
    if (instructions.length > 1) {
      const other = instructions.find((one) => one !== instruction) ?? instruction
      yield finding(kinds.moreInstructions, { ...at, seen: other.text, line: other.line })
    }
    return
  }
  const [first] = instructions
  yield finding(kinds.commandOther, { seen: first?.text ?? '', file: file.path, line: first?.line ?? 1 })
}

function* checkCommand(
  situation: CourierSituation,
  file: ListFile,
  { kind }: DotInstruction,
  command: PipeCommand,
  at: Particulars,
): Iterable<Finding> {
  if (kind === 'output') yield finding(kinds.outputRead, at)
  // Where output goes does not change the exit code; a pipe, a list and the background do.
  if (/[;&|]/.test(command.rest.replace(/\d*>&\d/g, ''))) yield finding(kinds.exitCodeHidden, at)
  if (command.before.some((word) => /(^|\/)preline$/.test(word))) yield finding(kinds.textChanged, at)
  if (!command.sysexits) yield finding(kinds.sysexitsMissing, at)
  if ('wrong' in command.call)
    yield finding(kinds.commandWrong, { ...at, why: `${command.call.wrong}. ${kinds.commandWrong.why}` })
  else {
    yield* checkPlace(situation, command.call.good, at)
    yield* checkRecipient(file, command, command.call.good, at)
  }
}

function* checkPlace(
  { facts: { lmtp } }: CourierSituation,
  { place }: PipeCall,
  at: Particulars,
): Iterable<Finding> {
  if ('path' in place) {
    if (place.path !== lmtp.socket)
      yield finding(kinds.wrongSocket, {
        ...at,
        why: `Posthorn ${lmtp.socket === null ? 'has no Unix socket ([lmtp] socket)' : `listens at ${lmtp.socket}`}. ${kinds.wrongSocket.why}`,
      })
    return
  }
  if (place.port !== lmtp.port)
    yield finding(kinds.wrongPort, {
      ...at,
      why: `Posthorn listens at port ${lmtp.port}. ${kinds.wrongPort.why}`,
    })
  else if (!reaches(place.host, lmtp.host))
    yield finding(kinds.wrongHost, {
      ...at,
      why: `Posthorn listens at ${lmtp.host}. ${kinds.wrongHost.why}`,
    })
}

function* checkRecipient(
  { of, isDefault }: ListFile,
  { assignments }: PipeCommand,
  { localPartIn, recipient }: PipeCall,
  at: Particulars,
): Iterable<Finding> {
  const { mailHost } = of.domain
  if (recipient !== null) {
    // One address for all that a -default file takes.
    if (isDefault && !recipient.includes('$')) yield finding(kinds.wrongParts, at)
    return
  }
  const fitting = of.way === 'account' ? ['EXT'] : ['EXT', 'LOCAL']
  if (!fitting.includes(localPartIn)) yield finding(kinds.wrongParts, at)
  const host = assignments.get('HOST')
  if (host === undefined) {
    if (of.way === 'account')
      yield finding(kinds.hostMissing, {
        ...at,
        change: `begin the command with HOST=${mailHost}: 'posthorn aliases'`,
      })
  } else if (!host.includes('$') && host.toLowerCase() !== mailHost)
    yield finding(kinds.hostOther, { ...at, change: `write HOST=${mailHost}: 'posthorn aliases'` })
}

async function* checkProgram(
  situation: CourierSituation,
  { of }: ListFile,
  { program, assignments }: PipeCommand,
  at: Particulars,
): AsyncIterable<Finding> {
  const { host, configuration } = situation
  if (/[$`]/.test(program)) return
  const path = configuration.courierd.get('PATH')?.value ?? '/usr/bin:/bin:/usr/local/bin'
  const places = isAbsolute(program)
    ? [program]
    : program.includes('/')
      ? [join(of.home ?? '/', program)]
      : path.split(':').map((folder) => join(folder, program))
  let found: string | null = null
  for (const place of [...places.map((one) => join(configuration.root, one)), ...places])
    if (found === null && (await host.stat(place)) !== null) found = place
  if (found === null) {
    yield finding(kinds.programMissing, {
      ...at,
      why: `${program} is not there. ${kinds.programMissing.why}`,
      change: `ln -s ${situation.facts.pipeProgram} ${isAbsolute(program) ? program : '/usr/local/bin/posthorn-qmail'}`,
    })
    return
  }
  const facts = await host.stat(found)
  if (facts !== null && facts.user !== of.account?.name && (facts.mode & 0o005) !== 0o005)
    yield finding(kinds.programClosed, {
      ...at,
      why: `${found} is ${modeOf(facts)}. ${kinds.programClosed.why}`,
    })
  else if (facts !== null && (facts.mode & 0o111) === 0)
    yield finding(kinds.programClosed, {
      ...at,
      why: `${found} is ${modeOf(facts)}. ${kinds.programClosed.why}`,
    })
  else yield* tryProgram(situation, of.account?.ids ?? null, [program, path, assignments], at)
}

/** Asks it for its usage, as the account of the lists. */
async function* tryProgram(
  { host, configuration }: CourierSituation,
  ids: { readonly uid: string; readonly gid: string } | null,
  [program, path, assignments]: readonly [string, string, ReadonlyMap<string, string>],
  at: Particulars,
): AsyncIterable<Finding> {
  if (ids === null || configuration.root !== '') return
  const set = [...assignments].map(([name, value]) => `${name}=${value}`)
  const asUser = ['--userspec', `${ids.uid}:${ids.gid}`, '--groups', '', '/'] as const
  const ended = await host.run(['chroot', ...asUser, 'env', '-i', `PATH=${path}`, ...set, program, '--help'])
  if (ended === null || ended.code === 0) return
  if (/no Node\.js/.test(ended.err))
    yield finding(kinds.nodeMissing, { ...at, why: `${ended.err.trim()} ${kinds.nodeMissing.why}` })
  else if (/permission denied/i.test(ended.err) && ended.err.includes(program))
    yield finding(kinds.programClosed, { ...at, why: `${ended.err.trim()} ${kinds.programClosed.why}` })
}
