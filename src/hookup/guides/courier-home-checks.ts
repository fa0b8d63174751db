// The folder where Posthorn writes the files of the lists: is it there, may Posthorn write and Courier look, and are the
// files there that should be. Law: of many files that lack the same, one is told, with their number.
import { dirname, join } from 'node:path'
import type { Finding, FindingKind, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { subAddresses } from '../../model/list.ts'
import { isOurs, wantedFiles } from '../dot-files.ts'
import { finding } from '../finding.ts'
import { checkDotFile, type ListFile } from './courier-dot-checks.ts'
import * as kinds from './courier-kinds.ts'
import { modeOf } from './courier-refusals.ts'
import type { CourierDomain, CourierSituation } from './courier-situation.ts'

/** `domains`: those whose lists have their files in this home. */
export async function* checkHome(
  situation: CourierSituation,
  home: string,
  domains: readonly CourierDomain[],
): AsyncIterable<Finding> {
  const { host, facts } = situation
  const there = domains[0]?.homeFacts ?? null
  if (there === null) {
    yield finding(kinds.homeMissing, { seen: `${home} is not there`, file: home })
    return
  }
  const names = (await host.list(home)) ?? []
  const isAliasdir = domains.some(({ way }) => way === 'aliasdir')
  if (!domains.some(({ isWritable }) => isWritable))
    yield finding(kinds.homeUnwritable, {
      seen: `${home} is ${modeOf(there)}; Posthorn runs as ${facts.account.user}`,
      file: home,
      change: isAliasdir
        ? `chown ${facts.account.user} ${home}`
        : `chgrp ${facts.account.group} ${home}; chmod g+w ${home}`,
    })
  if ((there.mode & 0o002) !== 0)
    yield finding(kinds.homeOpen, {
      seen: `${home} is ${modeOf(there)}`,
      file: home,
      change: `chmod o-w ${home}`,
    })
  if (!isAliasdir) yield* checkWay(host, home)
  if (names.includes('.courier-default'))
    yield finding(kinds.unknownAccepted, {
      seen: `${join(home, '.courier-default')} is there`,
      file: join(home, '.courier-default'),
    })
  else if (!facts.incoming.includes('courier'))
    yield finding(kinds.notPublished, {
      seen: `[mta] incoming: ${facts.incoming.join(' ')}`,
      file: facts.configFile,
    })
  yield* checkFiles(situation, home, domains, names)
}

/** Courier looks with its own account, which passes where everybody may. */
async function* checkWay(host: MailServerHost, home: string): AsyncIterable<Finding> {
  for (let folder = home; folder !== '/'; folder = dirname(folder)) {
    const there = await host.stat(folder)
    if (there !== null && (there.mode & 0o001) === 0)
      yield finding(kinds.homeClosed, {
        seen: `${folder} is ${modeOf(there)}`,
        file: folder,
        change: `chmod o+x ${folder}`,
      })
  }
}

/** So many lists are looked at in a home; the first ones stand for all. */
const enough = 100

async function* checkFiles(
  situation: CourierSituation,
  home: string,
  domains: readonly CourierDomain[],
  names: readonly string[],
): AsyncIterable<Finding> {
  const { facts, host } = situation
  const wanted = domains.flatMap((of) => filesOf(facts, home, of))
  const there = new Set(names)
  const missing = wanted.filter(({ name }) => !there.has(name))
  if (!there.has('.courier-default'))
    for (const isDefault of [false, true])
      yield* told(
        isDefault ? kinds.defaultFileMissing : kinds.dotFileMissing,
        missing
          .filter((file) => file.isDefault === isDefault)
          .map(({ path }) => ({ path, seen: `${path} is not there` })),
      )
  const found = new Map<FindingKind, Finding>()
  const tried = new Set<string>()
  for (const file of wanted.filter(({ name }) => there.has(name)).slice(0, 2 * enough))
    for await (const one of checkDotFile(situation, file, tried))
      if (!found.has(one.kind)) found.set(one.kind, one)
  yield* found.values()
  const known = new Set(wanted.map(({ name }) => name))
  const strangers = names.filter((name) => name.startsWith('.courier-') && !known.has(name))
  const taking = strangers.filter((name) => takes(name, wanted))
  yield* told(
    kinds.subAddressTaken,
    taking.map((name) => ({ path: join(home, name), seen: `${join(home, name)} is there` })),
  )
  const stale: { path: string; seen: string }[] = []
  for (const name of strangers.slice(0, enough)) {
    const path = join(home, name)
    if (isOurs((await host.readText(path)) ?? '')) stale.push({ path, seen: `${path} is there` })
  }
  yield* told(kinds.staleFile, stale)
}

function filesOf(facts: HostFacts, home: string, of: CourierDomain): readonly ListFile[] {
  const { mailHost } = of.domain
  const files: ListFile[] = []
  for (const list of of.domain.listNames) {
    const one = { ...of.domain, listNames: [list] }
    const settings = { ...facts.courier, lmtpHost: facts.lmtp.host, lmtpPort: facts.lmtp.port }
    const made = wantedFiles({ name: 'courier', ...settings, homeOf: () => home }, { domains: [one] })
    for (const name of made.get(home)?.keys() ?? [])
      files.push({
        name,
        path: join(home, name),
        isDefault: name.endsWith('-default') && !list.endsWith('-default'),
        list: `${list}@${mailHost}`,
        of,
      })
  }
  return files
}

/** `.courier-tea-bounces-default` beside `.courier-tea-default`. */
function takes(name: string, wanted: readonly ListFile[]): boolean {
  return wanted.some((file) => {
    if (file.isDefault || !name.startsWith(`${file.name}-`)) return false
    const tail = name.slice(file.name.length + 1)
    return subAddresses.some(
      (one) => tail === one || tail.startsWith(`${one}-`) || tail.startsWith(`${one}+`),
    )
  })
}

function* told(
  kind: FindingKind,
  all: readonly { readonly path: string; readonly seen: string }[],
): Iterable<Finding> {
  const [first, ...more] = all
  if (first === undefined) return
  const others = more.length === 0 ? '' : ` (and ${more.length} more of this kind)`
  yield finding(kind, { seen: `${first.seen}${others}`, file: first.path })
}
