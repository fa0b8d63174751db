// `posthorn doctor qmail`: goes the way of mail for each list through qmail's files, and names the line that is to blame.
// Law: nothing is wrong that works; a fault is told where it begins; no qmail needs to run.
import { SECOND } from '../../base/clock.ts'
import type { Finding, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { isCdb } from './cdb.ts'
import { checkRefusedRecipients } from './qmail-domain-checks.ts'
import { type ControlFile, type QmailFiles, readQmailFiles } from './qmail-files.ts'
import * as kinds from './qmail-kinds.ts'
import { checkDomain, checkLeftovers } from './qmail-list-checks.ts'
import { checkLimits, checkRelaying, checkRoutes, checkSenders } from './qmail-relay-checks.ts'
import { checkAssign } from './qmail-user-checks.ts'

export async function* diagnoseQmail(facts: HostFacts, host: MailServerHost): AsyncIterable<Finding> {
  const files = await readQmailFiles(host)
  // What stands in a chroot is told by its path here.
  const seen = (file: string | null): string | null =>
    file === null || file === facts.configFile || file.startsWith(`${files.root}/`)
      ? file
      : `${files.root}${file}`
  for await (const found of check(facts, files)) yield { ...found, file: seen(found.file) }
}

async function* check(facts: HostFacts, files: QmailFiles): AsyncIterable<Finding> {
  const { host } = files
  const control = `${files.dir}/control`
  if ((await host.stat(control)) === null) {
    yield finding(kinds.notInstalled, { seen: `${control} is not there`, file: control })
    return
  }
  if ((files.me?.lines[0]?.text ?? '') === '')
    yield finding(kinds.meMissing, { seen: 'control/me names nobody', file: `${control}/me` })
  const situation = { facts, files }
  yield* checkRunning(files)
  yield* checkControls(files)
  yield* checkLimits(situation)
  yield* checkAssign(situation)
  for (const domain of facts.domains) {
    let isHookedUp = true
    for await (const found of checkDomain(situation, domain)) {
      yield found
      if (found.kind === kinds.hookUpMissing) isHookedUp = false
    }
    // What is not hooked up at all need not be told for each domain.
    if (!isHookedUp) break
  }
  yield* checkRefusedRecipients(situation, facts.domains)
  yield* checkLeftovers(situation)
  yield* checkSenders(situation)
  yield* checkRoutes(situation)
  yield* checkRelaying(situation)
}

/** A folder that was named may be one that no qmail runs with. */
async function* checkRunning({ host, locals, virtualdomains }: QmailFiles): AsyncIterable<Finding> {
  if (host.configDir !== null) return
  const ended = await host.run(['ps', '-C', 'qmail-send', '-o', 'etimes='])
  if (ended === null || ended.err !== '') return
  const [elapsed] = ended.out.trim().split(/\s+/)
  if (elapsed === undefined || elapsed === '') {
    yield finding(kinds.notRunning, { seen: 'no process is called qmail-send' })
    return
  }
  const now = await host.run(['date', '+%s'])
  if (now === null || now.code !== 0) return
  const started = (Number(now.out) - Number(elapsed)) * SECOND
  for (const file of [locals, virtualdomains])
    if (file !== null && file.changed > started + SECOND)
      yield finding(kinds.notReread, {
        seen: `changed ${new Date(file.changed).toISOString()}, qmail-send runs since ${new Date(started).toISOString()}`,
        file: file.path,
      })
}

/** qmail-send and qmail-smtpd are users of their own, of the groups qmail and nofiles. */
async function* checkControls({ host, dir, ...files }: QmailFiles): AsyncIterable<Finding> {
  const folder = await host.stat(`${dir}/control`)
  if (folder !== null && (folder.mode & 0o001) === 0)
    yield finding(kinds.controlClosed, {
      seen: `mode ${folder.mode.toString(8)}`,
      file: `${dir}/control`,
      change: `run 'chmod 755 ${dir}/control'`,
    })
  for (const [compiled, program] of [
    [files.usersCdb, 'qmail-newu'],
    [files.morercpthostsCdb, 'qmail-newmrh'],
  ] as const)
    if (compiled !== null && compiled.octets !== null && !isCdb(compiled.octets))
      yield finding(kinds.compiledBroken, {
        seen: `${compiled.octets.length} octets`,
        file: compiled.path,
        change: `run ${dir}/bin/${program}`,
      })
  const read: readonly (readonly [Pick<ControlFile, 'path' | 'lines'> | null, string])[] = [
    [files.me, 'qmail'],
    [files.locals, 'qmail'],
    [files.virtualdomains, 'qmail'],
    [files.rcpthosts, 'nofiles'],
    [files.morercpthostsCdb === null ? null : { path: files.morercpthostsCdb.path, lines: [] }, 'nofiles'],
  ]
  for (const [file, group] of read) {
    const ended = file?.lines.find(({ text }) => text.endsWith('\r'))
    if (ended !== undefined)
      yield finding(kinds.carriageReturn, {
        seen: ended.text.slice(0, -1),
        file: ended.file,
        line: ended.line,
        change: `run 'sed -i s/\\r$// ${ended.file}'`,
      })
    const facts = file === null ? null : await host.stat(file.path)
    if (file === null || facts === null) continue
    const isOpen = (facts.mode & 0o004) !== 0 || (facts.group === group && (facts.mode & 0o040) !== 0)
    if (!isOpen)
      yield finding(kinds.controlClosed, {
        seen: `mode ${facts.mode.toString(8).padStart(4, '0')}, of ${facts.user}`,
        file: file.path,
        change: `run 'chmod 644 ${file.path}'`,
      })
  }
}
