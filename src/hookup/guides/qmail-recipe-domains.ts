// What one domain needs of a qmail: to be taken, to be given to a user, and a .qmail file that starts posthorn-qmail. Law:
// the user and the file are worked out as qmail works them out, and so is PARTS.
import type { ConfigurationFile, HostFacts, Setting } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { lookUpCdb } from './cdb.ts'
import { badLine, goesToIntake } from './qmail-domain-checks.ts'
import { checkContents, contentsOf } from './qmail-file-checks.ts'
import { type ControlLine, lineOf, type QmailFiles, wildcardsOf } from './qmail-files.ts'
import { type InCharge, inChargeOf, isLocal, virtualLine } from './qmail-route.ts'
import {
  lineFor,
  nobody,
  partsOf,
  prefixOf,
  publishedHome,
  rightLine,
  type Way,
  wayOf,
} from './qmail-situation.ts'

export interface DomainPlan {
  readonly mailHost: string
  /** Where the domain is to be added; `compile`: it stands there, and is not compiled; null: it is taken already. */
  readonly accept: 'rcpthosts' | 'morercpthosts' | 'compile' | null
  readonly virtual: Setting | null
  readonly dotFiles: readonly ConfigurationFile[]
  readonly notes: readonly string[]
  readonly refusals: readonly string[]
}

export async function planDomain(
  facts: HostFacts,
  files: QmailFiles,
  domain: DirectoryDomain,
): Promise<DomainPlan> {
  const accept = await acceptanceOf(files, domain.mailHost)
  const nothing = { virtual: null, dotFiles: [], notes: [], refusals: [] }
  const base = { ...nothing, mailHost: domain.mailHost, accept }
  const more = domain.listOnly
    ? await planListOnly(facts, files, domain.mailHost)
    : await planShared(facts, files, domain)
  return { ...base, ...more }
}

const manyHosts = 50

/** Our own lines may be compiled already, and are to stay: only what stands there without them counts. */
async function acceptanceOf(files: QmailFiles, domain: string): Promise<DomainPlan['accept']> {
  const { rcpthosts, morercpthosts, morercpthostsCdb, dir } = files
  if (rcpthosts === null) return null
  const names = wildcardsOf(domain)
  if (names.some((name) => lineOf(rcpthosts, name) !== null)) return null
  const octets = morercpthostsCdb?.octets ?? null
  const isCompiled = octets !== null && names.some((name) => lookUpCdb(octets, name) !== null)
  if (names.some((name) => lineOf(morercpthosts, name) !== null)) return isCompiled ? null : 'compile'
  const whole = (await files.host.readText(`${dir}/control/morercpthosts`)) ?? ''
  if (isCompiled && !whole.toLowerCase().split('\n').includes(domain)) return null
  return morercpthosts !== null && rcpthosts.lines.length >= manyHosts ? 'morercpthosts' : 'rcpthosts'
}

type Planned = Partial<DomainPlan>

/** The account of the founding recipe, where there is one; else a corner of alias, which every qmail has. */
const usualPrefixes = ['mailman', 'alias-posthorn']

async function planListOnly(facts: HostFacts, files: QmailFiles, mailHost: string): Promise<Planned> {
  if (isLocal(files, mailHost)) {
    const line = lineOf(files.locals, mailHost)
    const where =
      line === null ? 'control/me, and there is no control/locals' : `in ${line.file}:${line.line}`
    return {
      refusals: [
        `${mailHost} is marked as list-only, but it is ${where}, so each account of this machine has an address there: ${line === null ? 'make control/locals with the domains of people' : 'take the line out'} when nobody uses them, or say 'posthorn domain set ${mailHost} --shared'`,
      ],
    }
  }
  if (goesToIntake({ facts, files }, mailHost))
    return { notes: [`smtproutes leads ${mailHost} to the SMTP intake, so no user and no file is needed.`] }
  const home = publishedHome(facts, mailHost)
  const there = virtualLine(files, `${nobody}@${mailHost}`)
  const [key = '', given = ''] = (there?.text ?? '').split(/:(.*)/s)
  const isOwn = key.toLowerCase() === mailHost.toLowerCase() && given !== '' && !/\s/.test(given)
  const prefix =
    home !== null
      ? await prefixAt(files, home, isOwn ? given : null)
      : isOwn
        ? given
        : await usualPrefix(files)
  if (prefix === null)
    return {
      refusals: [
        home === null
          ? `there is neither an account mailman nor the account alias of qmail: make one, 'useradd --create-home mailman'`
          : `[qmail] home is ${home}, which is no account's home: name the home of the user who gets ${mailHost}`,
      ],
    }
  const inCharge = await inChargeOf(files, `${prefix}-${nobody}`)
  const before = prefixOf({ localPart: nobody, inCharge })
  const [passedOver] = inCharge?.passedOver ?? []
  if (
    inCharge === null ||
    before === null ||
    (before !== '' && !before.endsWith('-')) ||
    passedOver !== undefined
  )
    return {
      refusals: [
        `${mailHost} is given to ${prefix}, whom qmail does not deliver to (${passedOver === undefined ? 'no such user' : `${passedOver.account.name}: ${passedOver.why}`}): 'posthorn doctor qmail' says why`,
      ],
    }
  const isGiven = isOwn && given === prefix
  return {
    virtual: isGiven ? null : virtualSetting(files, mailHost, prefix, isOwn ? there : null),
    dotFiles: home === null ? await defaultFile(facts, files, { mailHost, inCharge, before }) : [],
    notes: home === null ? [] : [`Posthorn writes two files for each list into ${home}.`],
  }
}

async function usualPrefix(files: QmailFiles): Promise<string | null> {
  for (const prefix of usualPrefixes) {
    const inCharge = await inChargeOf(files, `${prefix}-${nobody}`)
    if (inCharge !== null && (inCharge.by !== 'alias' || prefix.startsWith('alias-'))) return prefix
  }
  return null
}

/** A prefix that leads to this home, with nothing of it left in the names of files. */
async function prefixAt(files: QmailFiles, home: string, given: string | null): Promise<string | null> {
  const account = await files.accountAt(home)
  const assigned = (files.assign?.lines ?? []).flatMap(({ text }) => {
    const [key = '', , , , at, dash, pre] = text.split(':')
    return at === home && dash === '-' && pre === '' && /^\+.+-$/.test(key) ? [key.slice(1, -1)] : []
  })
  for (const prefix of [given, account?.name ?? null, ...assigned]) {
    if (prefix === null) continue
    const inCharge = await inChargeOf(files, `${prefix}-${nobody}`)
    if (inCharge?.home === home && inCharge.ext === nobody) return prefix
  }
  return null
}

function virtualSetting(
  files: QmailFiles,
  mailHost: string,
  prefix: string,
  other: ControlLine | null,
): Setting {
  const excepted = files.virtualdomains?.lines.filter(
    ({ text }) => text.toLowerCase() === `${mailHost.toLowerCase()}:`,
  )
  const bad = badLine(files, mailHost)
  const replaced = [...(excepted ?? []), ...(bad === null ? [] : [bad]), ...(other === null ? [] : [other])]
  return {
    lines: [`${mailHost}:${prefix}`],
    why: `Mail for NAME@${mailHost} is delivered to ${prefix}-NAME.`,
    replaces: [...new Set(replaced.map(({ line }) => line))],
  }
}

interface Default {
  readonly mailHost: string
  readonly inCharge: InCharge
  readonly before: string
}

/** `.qmail-default`, or `.qmail-posthorn-default`, of the user in charge. */
async function defaultFile(
  facts: HostFacts,
  files: QmailFiles,
  { mailHost, inCharge, before }: Default,
): Promise<readonly ConfigurationFile[]> {
  const name = `.qmail-${before.toLowerCase().replaceAll('.', ':')}default`
  const path = `${inCharge.home}/${name}`
  const there = await files.stat(path)
  const file = there === null ? null : { path, rest: nobody, facts: there }
  const route = { kind: 'local', virtual: null, local: '', inCharge } as const
  const way: Way = {
    address: `${nobody}@${mailHost}`,
    localPart: nobody,
    domain: mailHost,
    route,
    inCharge,
    file,
  }
  if (file !== null && (await isSound(facts, files, way))) return []
  const contents = file === null ? null : await contentsOf(files, file)
  const blank = contents !== null && /^[ \t]*\n/.test(contents.text) ? [1] : []
  return [
    {
      path: `${files.root}${path}`,
      kind: 'block',
      comment: '#',
      place: 'end',
      settings: [
        {
          lines: [lineFor(facts, partsOf(before))],
          why: `Each message for lists is handed to Posthorn; ${variableOf(before)} is the address without what qmail put before it.`,
          replaces: [...blank, ...(contents?.instructions ?? []).map(({ line }) => line)],
        },
      ],
      mode: 0o644,
    },
  ]
}

async function isSound(facts: HostFacts, files: QmailFiles, way: Way): Promise<boolean> {
  if (way.file === null) return false
  const contents = await contentsOf(files, way.file)
  for await (const { kind } of checkContents({ facts, files }, way, way.file, contents))
    if (kind.severity === 'error') return false
  return contents.handOvers.length > 0
}

const variableOf = (prefix: string): string => {
  const parts = partsOf(prefix)
  return parts === 'default' ? 'DEFAULT' : parts === '1' ? 'EXT' : `EXT${parts}`
}

/** Two files for each list, beside those of people. */
async function planShared(
  facts: HostFacts,
  files: QmailFiles,
  { mailHost, listNames }: DirectoryDomain,
): Promise<Planned> {
  const probe = await wayOf(files, nobody, mailHost)
  if (probe.route.kind === 'remote')
    return {
      refusals: [
        `qmail delivers no mail for ${mailHost} on this machine, so lists cannot share it: say 'posthorn domain set ${mailHost} --list-only', or add it to control/locals`,
      ],
    }
  const home = publishedHome(facts, mailHost)
  const refusals: string[] = []
  const dotFiles: ConfigurationFile[] = []
  for (const name of listNames) {
    const way = await wayOf(files, name, mailHost)
    const { inCharge, route } = way
    const prefix = prefixOf(way)
    if (
      inCharge === null ||
      prefix === null ||
      (route.kind === 'local' && route.virtual === null && inCharge.by === 'account')
    )
      refusals.push(
        `${name}@${mailHost} is the address of the account ${inCharge?.user ?? name}, which gets all its mail: call the list another name`,
      )
    else if (home !== null && (home !== inCharge.home || prefix !== ''))
      refusals.push(
        `[qmail] home is ${home}, but mail for ${name}@${mailHost} goes by ${inCharge.home}/.qmail-${prefix}${name}: ${prefix === '' ? `write '${mailHost}: ${inCharge.home}' into [qmail]` : 'take qmail out of [mta] incoming, and this command makes the files'}`,
      )
    else if (home === null) dotFiles.push(...(await listFiles(facts, files, way, prefix)))
  }
  const notes =
    home === null
      ? [
          `${mailHost} has other people too: each list has two files, and a new list needs 'posthorn hookup qmail --write' again. Posthorn writes them itself with '[mta] incoming: qmail' and '[qmail] home', where its user may write there.`,
        ]
      : [`Posthorn writes two files for each list into ${home}.`]
  return { refusals, dotFiles, notes }
}

async function listFiles(
  facts: HostFacts,
  files: QmailFiles,
  way: Way,
  prefix: string,
): Promise<readonly ConfigurationFile[]> {
  const { localPart, domain, inCharge } = way
  const stem = `.qmail-${`${prefix}${localPart}`.toLowerCase().replaceAll('.', ':')}`
  const made: ConfigurationFile[] = []
  for (const [name, local] of [
    [stem, localPart],
    [`${stem}-default`, `${localPart}-request`],
  ] as const) {
    const path = `${inCharge?.home}/${name}`
    const found = await wayOf(files, local, domain)
    const isOwn = found.file?.path === path && (await files.text(path)) !== null
    const isOurs = isOwn && (await files.text(path))?.startsWith('# posthorn hookup') === true
    if (isOwn && !isOurs && (await isSound(facts, files, found))) continue
    made.push({
      path: `${files.root}${path}`,
      kind: 'whole',
      comment: '#',
      place: 'end',
      settings: [
        {
          lines: [rightLine(facts, way)],
          why:
            name === stem
              ? `Posts to ${domain}'s list ${localPart}.`
              : `Its sub-addresses, such as ${local}.`,
          replaces: [],
        },
      ],
      mode: 0o644,
    })
  }
  return made
}
