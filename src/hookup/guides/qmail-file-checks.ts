// One .qmail file: would qmail-local follow it, and does its line start posthorn-qmail in the right way? Law: every line
// is followed in turn, forwards last; what the program gets is worked out, not guessed.
import { posix } from 'node:path'
import type { Finding, FindingKind } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import type { DotInstruction } from './dot-command.ts'
import { reachable, reaches } from './hosts.ts'
import type { QmailFiles } from './qmail-files.ts'
import {
  type HandOver,
  handOversIn,
  partsFor,
  readDotQmail,
  recipientOf,
  type Surroundings,
} from './qmail-hand-over.ts'
import * as kinds from './qmail-kinds.ts'
import { closedFolder, type DotQmail, type InCharge } from './qmail-route.ts'
import { may, type Situation, type Way } from './qmail-situation.ts'

export interface Contents {
  readonly text: string
  readonly instructions: readonly DotInstruction[]
  readonly handOvers: readonly HandOver[]
}

/** Throws Unavailable. */
export async function contentsOf(files: QmailFiles, { path }: DotQmail): Promise<Contents> {
  const text = (await files.text(path)) ?? ''
  const instructions = readDotQmail(text)
  return { text, instructions, handOvers: handOversIn(instructions) }
}

/** Whether mail that goes this way is meant to come to Posthorn. */
export async function handsOver({ files }: Situation, { file }: Way): Promise<boolean> {
  return file !== null && (await contentsOf(files, file)).handOvers.length > 0
}

/** Whether qmail-local reads the file at all. */
export function* checkMode(
  { path, facts }: DotQmail,
  { text, instructions }: Contents,
  inCharge: InCharge,
): Iterable<Finding> {
  const told = (kind: FindingKind): Finding =>
    finding(kind, { seen: `mode ${facts.mode.toString(8).padStart(4, '0')}, of ${facts.user}`, file: path })
  if (!may('read', facts, inCharge)) yield told(kinds.fileUnreadable)
  if ((facts.mode & 0o002) !== 0) yield told(kinds.fileWritable)
  else if ((facts.mode & 0o020) !== 0) yield told(kinds.fileGroupWritable)
  const isMore = instructions.some(({ kind }) => kind !== 'forward')
  if ((facts.mode & 0o100) !== 0 && isMore) yield told(kinds.fileExecutable)
  if (text === '') yield finding(kinds.fileEmpty, { seen: 'the file is empty', file: path })
  else if (/^[ \t]*\n/.test(text))
    yield finding(kinds.fileBlank, { seen: 'the first line is empty', file: path, line: 1 })
}

/** The lines around ours, then ours. */
export async function* checkContents(
  situation: Situation,
  way: Way,
  { path }: DotQmail,
  { instructions, handOvers }: Contents,
): AsyncIterable<Finding> {
  const [first, second] = handOvers
  if (first === undefined) return
  const placed = ({ text, line }: DotInstruction) => ({ seen: text, file: path, line })
  for (const other of instructions) {
    if (other === first.instruction) continue
    const isBefore = other.line < first.instruction.line
    if (other.kind !== 'program' || other === second?.instruction)
      yield finding(kinds.deliveredTwice, placed(other))
    else if (isBefore)
      yield finding(endsTheFile(other.value) ? kinds.commandBefore : kinds.programBefore, placed(other))
  }
  for await (const found of checkCall(situation, way, first)) yield { ...found, ...placed(first.instruction) }
}

/** Programs of qmail's own that leave with 99 or 100 when they have their way, and a plain exit. */
const endsTheFile = (command: string): boolean =>
  /^\s*(exit\s+(99|100|111)\b|(\S*\/)?(condredirect|bouncesaying|except)\b)/.test(command) ||
  /(;|&&)\s*exit\s+99\s*$/.test(command)

async function* checkCall(situation: Situation, way: Way, { command }: HandOver): AsyncIterable<Finding> {
  const { facts } = situation
  const told = (kind: FindingKind, change: string = kind.change): Finding =>
    finding(kind, { seen: '', change })
  yield* checkProgram(situation, way, command.program)
  if (command.before.some((word) => posix.basename(word) === 'preline')) yield told(kinds.preline)
  if (command.sysexits) yield told(kinds.sysexits)
  if (!isHarmless(command.rest)) yield told(kinds.exitCodeHidden)
  if ('wrong' in command.call) {
    yield told(kinds.callWrong, `write ${command.program} ${facts.lmtp.port} PARTS: ${command.call.wrong}`)
    return
  }
  const { good: call } = command.call
  const { lmtp } = facts
  if ('path' in call.place) {
    if (call.place.path !== lmtp.socket)
      yield told(
        kinds.wrongSocket,
        lmtp.socket === null
          ? `Posthorn has no socket: write ${lmtp.port} instead of --unix, or set [lmtp] socket`
          : `write --unix ${lmtp.socket}`,
      )
  } else {
    if (call.place.port !== lmtp.port) yield told(kinds.wrongPort, `write ${lmtp.port}`)
    const { host } = call.place
    const isName = /[a-z]/i.test(host) && !host.includes(':') && host.toLowerCase() !== 'localhost'
    if (!isName && !reaches(host, lmtp.host))
      yield told(kinds.wrongHost, `write ${reachable(lmtp.host)} as the third word`)
  }
  yield* checkEnvelope(way, command, call)
}

function* checkEnvelope(
  way: Way,
  command: HandOver['command'],
  call: Parameters<typeof recipientOf>[1],
): Iterable<Finding> {
  const { route, inCharge, file, localPart, domain } = way
  if (route.kind === 'remote' || inCharge === null || file === null) return
  const surroundings: Surroundings = { local: route.local, host: domain, ext: inCharge.ext, rest: file.rest }
  const isFixed = (word: string | null): boolean => word !== null && !word.includes('$')
  const given = recipientOf(command, call, surroundings)
  if (isFixed(call.recipient) || isFixed(call.sender)) {
    yield finding(kinds.envelopeFixed, { seen: '' })
    return
  }
  if (given === null || given.toLowerCase() === way.address.toLowerCase()) return
  const [local = ''] = given.split('@')
  if (local.toLowerCase() === localPart.toLowerCase()) {
    yield finding(kinds.envelopeFixed, { seen: '', change: 'take HOST=... out of the line: qmail sets it' })
    return
  }
  const parts = partsFor(surroundings, localPart)
  yield finding(kinds.wrongParts, {
    seen: '',
    why: `Posthorn gets '${given}' for ${way.address}. ${kinds.wrongParts.why}`,
    change: parts === null ? 'give the lists a prefix that ends with a dash' : `write ${parts} for PARTS`,
  })
}

/** Redirections, and what says success after success. */
const isHarmless = (rest: string): boolean =>
  /^(\d*[<>]{1,2}&?\s*[^\s;&|]+\s*)*((&&\s*exit\s+(0|99))|(;\s*exit\s+\$\?))?$/.test(rest)

async function* checkProgram(
  { files }: Situation,
  { inCharge }: Way,
  program: string,
): AsyncIterable<Finding> {
  if (inCharge === null || /[$`~]/.test(program)) return
  const places = program.startsWith('/')
    ? [program]
    : program.includes('/')
      ? [posix.join(inCharge.home, program)]
      : ['/usr/local/bin', '/usr/bin', '/bin', `${files.dir.slice(files.root.length)}/bin`].map(
          (folder) => `${folder}/${program}`,
        )
  for (const place of places) {
    const facts = await files.stat(place)
    if (facts === null || facts.kind !== 'file') continue
    const closed = await closedFolder(files, place)
    if (!may('enter', facts, inCharge))
      yield finding(kinds.programClosed, {
        seen: '',
        change: `run 'chmod a+rx ${place}'`,
      })
    else if (closed !== null && (await files.stat(closed))?.user !== inCharge.user)
      yield finding(kinds.programClosed, { seen: '', change: `run 'chmod o+x ${closed}'` })
    return
  }
  yield finding(kinds.programMissing, {
    seen: '',
    change: program.startsWith('/')
      ? `make it: 'ln -s .../bin/posthorn-qmail ${program}'; or name its path`
      : 'write its whole path',
  })
}
