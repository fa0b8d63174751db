// The lists of one domain, each with a posting address and one with an extension: the file that qmail-local finds for it,
// and what is in there. Law: a fault that all lists share is told once.
import type { Finding, FindingKind, HostFacts } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { finding } from '../finding.ts'
import { tails } from '../list-addresses.ts'
import { checkAcceptance, checkRoute, isUnknown } from './qmail-domain-checks.ts'
import {
  checkContents,
  checkMode,
  contentsOf,
  handsOver,
  missingProgram,
  seemsToHandOver,
} from './qmail-file-checks.ts'
import type { QmailFiles } from './qmail-files.ts'
import * as kinds from './qmail-kinds.ts'
import { type DotQmail, type InCharge, namesFor } from './qmail-route.ts'
import {
  nobody,
  prefixOf,
  publishedHome,
  rightLine,
  type Situation,
  type Way,
  wayOf,
} from './qmail-situation.ts'
import { checkHome, checkUser } from './qmail-user-checks.ts'

export async function* checkDomain(situation: Situation, domain: DirectoryDomain): AsyncIterable<Finding> {
  const { facts, files } = situation
  const { mailHost, listNames, listOnly } = domain
  const sample = await wayOf(files, listNames[0] ?? nobody, mailHost)
  if (listOnly && isUnknown(situation, sample)) {
    yield finding(kinds.hookUpMissing, {
      seen: `${mailHost} is in neither rcpthosts nor virtualdomains`,
      file: files.virtualdomains?.path ?? `${files.dir}/control/virtualdomains`,
    })
    return
  }
  yield* checkAcceptance(situation, domain)
  if (!listOnly && listNames.length === 0) return
  let isAstray = false
  const localParts = listNames.length === 0 ? [nobody] : listNames
  for (const localPart of localParts.flatMap((name) => addressesOf(facts, name))) {
    const way = await wayOf(files, localPart, mailHost)
    for (const found of checkRoute(situation, domain, way, await handsOver(situation, way))) {
      yield found
      isAstray = true
    }
  }
  if (isAstray) return
  const isPublished = publishedHome(facts, mailHost) !== null
  if (isPublished && listNames.length === 0) return
  const looked = new Set<string>()
  let astray = 0
  for (const localPart of localParts)
    for (const part of addressesOf(facts, localPart)) {
      const way = await wayOf(files, part, mailHost)
      if (await handsOver(situation, way)) {
        yield* checkFile(situation, way, looked)
        continue
      }
      for await (const found of whyNot(situation, domain, way, part !== localPart)) {
        astray += 1
        // One file is for several addresses of a list, and an account has them all.
        const told = `${found.kind.code} ${found.file} ${localPart}`
        if (!looked.has(told)) yield found
        looked.add(told)
      }
      // Where one file is for all lists, its lack is told once; and who lacks very many files knows by then.
      if (astray > (listOnly && !isPublished && way.file === null ? 0 : enough)) return
    }
}

const enough = 200

/** Local parts of one list: its own, its sub-addresses, and one that names a member. */
const addressesOf = ({ delimiter }: HostFacts, name: string): readonly string[] => [
  ...tails.map((tail) => `${name}${tail}`),
  `${name}-bounces${delimiter}doctor0asks`,
]

/** A file that starts posthorn-qmail; its own state is looked at once. */
async function* checkFile(situation: Situation, way: Way, looked: Set<string>): AsyncIterable<Finding> {
  const { inCharge, file } = way
  if (inCharge === null || file === null) return
  const contents = await contentsOf(situation.files, file)
  if (!looked.has(file.path)) {
    yield* checkHome(situation, way)
    yield* checkMode(file, contents, inCharge)
  }
  looked.add(file.path)
  for await (const found of checkContents(situation, way, file, contents)) {
    // What is wrong with a line is told by the first address that it is wrong for.
    const told = `${found.kind.code} ${file.path}:${found.line}`
    if (!looked.has(told)) yield found
    looked.add(told)
  }
}

/** Why mail for an address is not handed over, though it is for a user of this machine. */
async function* whyNot(
  situation: Situation,
  { mailHost, listNames, listOnly }: DirectoryDomain,
  way: Way,
  isExtended: boolean,
): AsyncIterable<Finding> {
  const { facts, files } = situation
  const { inCharge, file, address } = way
  let isUser = false
  for await (const found of checkUser(situation, way, (other) => handsOver(situation, other))) {
    yield found
    isUser = true
  }
  if (isUser || inCharge === null) return
  const isAccount = inCharge.by === 'account' && way.route.kind === 'local' && way.route.virtual === null
  if (isAccount) {
    yield finding(kinds.accountTakesList, {
      seen: `${address} goes to the account ${inCharge.user}`,
      file: `${files.root}/etc/passwd`,
    })
    return
  }
  let isHome = false
  for await (const found of checkHome(situation, way)) {
    yield found
    isHome = true
  }
  const ours = publishedHome(facts, mailHost)
  if (ours !== null && ours !== inCharge.home && listNames.length > 0) {
    yield finding(kinds.filesElsewhere, {
      seen: `[qmail] home is ${ours}; ${address} goes to ${inCharge.user}, whose home is ${inCharge.home}`,
      file: facts.configFile,
      change: `let [qmail] home be ${inCharge.home}, or give the domain to the user whose home is ${ours}`,
    })
    return
  }
  const [own = '', first = '', ...others] = namesFor(inCharge.dash, inCharge.ext).map(({ name }) => name)
  const prefix = prefixOf(way) ?? ''
  const wanted = listOnly && ours === null ? `.qmail-${prefix}default` : isExtended ? first : own
  const search: Search = { way, inCharge, wanted: `${inCharge.home}/${wanted}`, listOnly, isExtended }
  if (file !== null) yield* otherFile(situation, search, file)
  else if (!isHome)
    yield finding(kindOf(search, kinds.fileMissing), {
      seen: `there is none of ${[own, first, ...others].join(', ')} in ${inCharge.home}`,
      file: search.wanted,
      change: ours === null ? make(facts, search) : "run 'posthorn aliases'",
    })
}

/** For a file that is not there, or not for the list. */
interface Search {
  readonly way: Way
  readonly inCharge: InCharge
  /** The path of the file that should have the address. */
  readonly wanted: string
  readonly listOnly: boolean
  /** It is a sub-address. */
  readonly isExtended: boolean
}

const kindOf = ({ listOnly, isExtended }: Search, ofDomain: FindingKind): FindingKind =>
  listOnly ? ofDomain : isExtended ? kinds.extensionFileMissing : kinds.listFileMissing

const make = (facts: HostFacts, { way, wanted }: Search): string =>
  `write the line '${rightLine(facts, way)}' into ${wanted} ('posthorn hookup qmail --write' does it)`

/** A file that does not start posthorn-qmail. */
async function* otherFile(situation: Situation, search: Search, file: DotQmail): AsyncIterable<Finding> {
  const { facts, files } = situation
  const { way, inCharge, listOnly, wanted } = search
  const contents = await contentsOf(files, file)
  const right = rightLine(facts, way)
  for (const found of checkMode(file, contents, inCharge)) {
    if (found.kind.severity !== 'error') continue
    yield found.kind === kinds.fileEmpty ? { ...found, change: `write the line '${right}' into it` } : found
    if (found.kind === kinds.fileEmpty || found.kind === kinds.fileBlank) return
  }
  const missing = await missingProgram(files, contents)
  if (missing === null && seemsToHandOver(situation, contents)) return
  const told = missing ?? contents.instructions[0]
  const seen = { seen: told?.text ?? 'nothing but comments', file: file.path, line: told?.line ?? null }
  const change = `write '${right}' instead`
  const there = file.path === wanted ? null : await files.stat(wanted)
  const isShadow = there !== null && (await isOurs(files, { path: wanted, rest: null, facts: there }))
  if (missing !== null) yield finding(kinds.programMissing, { ...seen, change })
  else if (isShadow)
    yield finding(kinds.fileShadows, { ...seen, change: `run 'mv ${file.path} ${file.path}.old'` })
  else if (listOnly || file.path === wanted) yield finding(kinds.handOverMissing, { ...seen, change })
  else
    yield finding(kindOf(search, kinds.fileMissing), {
      ...seen,
      why: `${way.address} goes by ${file.path}. ${kinds.listFileMissing.why}`,
      change: make(facts, search),
    })
}

const isOurs = async (files: QmailFiles, file: DotQmail): Promise<boolean> =>
  (await contentsOf(files, file)).handOvers.length > 0

/** Files that are there for nothing: named as qmail never asks, or of lists that there are no more. */
export async function* checkLeftovers(situation: Situation): AsyncIterable<Finding> {
  const { facts, files } = situation
  const homes = new Map<string, Set<string>>()
  for (const { mailHost, listNames } of facts.domains) {
    const way = await wayOf(files, listNames[0] ?? nobody, mailHost)
    const prefix = prefixOf(way)
    if (way.inCharge === null || prefix === null) continue
    const known = homes.get(way.inCharge.home) ?? new Set<string>()
    homes.set(way.inCharge.home, known)
    for (const name of [...listNames, 'default'])
      known.add(`.qmail-${`${prefix}${name}`.toLowerCase().replaceAll('.', ':')}`)
  }
  for (const [home, known] of homes) {
    for (const name of await files.list(home)) {
      if (!name.startsWith('.qmail-') || /\.posthorn-/.test(name)) continue
      const asked = `.qmail-${name.slice('.qmail-'.length).toLowerCase().replaceAll('.', ':')}`
      const list = asked.replace(/-default$/, '')
      const path = `${home}/${name}`
      const text = async (): Promise<string> => (await files.text(path)) ?? ''
      if (name !== asked && (known.has(asked) || known.has(list)))
        yield finding(kinds.fileMisnamed, { seen: name, file: path, change: `name it ${asked}` })
      else if (
        !known.has(asked) &&
        !known.has(list) &&
        /^# (Generated by Posthorn|posthorn hookup)/.test(await text())
      )
        yield finding(kinds.fileStale, { seen: name, file: path, change: `run 'rm ${path}'` })
    }
    const plain = `${home}/.qmail`
    const facts = await files.stat(plain)
    if (facts?.kind !== 'file' || home.endsWith('/alias')) continue
    const { handOvers } = await contentsOf(files, { path: plain, rest: null, facts })
    const [first] = handOvers
    if (first !== undefined)
      yield finding(kinds.plainFile, {
        seen: first.instruction.text,
        file: plain,
        line: first.instruction.line,
      })
  }
}
