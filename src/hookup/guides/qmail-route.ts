// Where qmail takes one address: locals and virtualdomains (qmail-send(8)), then the user in charge by users/cdb or by the
// accounts (qmail-lspawn(8), qmail-getpw(8)), then the file in that user's home (dot-qmail(5)). Law: decided here as qmail
// decides, in its order; what qmail passes over is kept with the reason, for who has to mend it.
import { dirname } from 'node:path'
import type { FileFacts } from '../../model/hookup.ts'
import { lookUpCdb } from './cdb.ts'
import { type Account, type ControlLine, lineOf, type QmailFiles, wildcardsOf } from './qmail-files.ts'

/** The user who gets an address. */
export interface InCharge {
  readonly user: string
  readonly uid: number
  readonly home: string
  /** `-`, or '' where the address is the user's own. */
  readonly dash: string
  readonly ext: string
  /** `alias`: nobody else had it. */
  readonly by: 'assign' | 'account' | 'alias'
  /** Accounts that would have had it. */
  readonly passedOver: readonly { readonly account: Account; readonly why: PassedOver }[]
}

export type PassedOver = 'root' | 'home-missing' | 'home-closed' | 'home-foreign'

export type Route =
  | { readonly kind: 'remote'; readonly line: ControlLine | null }
  | {
      readonly kind: 'local'
      /** The line of virtualdomains; null for a domain of locals. */
      readonly virtual: ControlLine | null
      /** The local part, with the prefix of a virtual domain. */
      readonly local: string
      /** Null when even the account alias is not there. */
      readonly inCharge: InCharge | null
    }

/** Throws Unavailable. */
export async function routeOf(files: QmailFiles, address: string): Promise<Route> {
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at)
  if (isLocal(files, address.slice(at + 1)))
    return { kind: 'local', virtual: null, local, inCharge: await inChargeOf(files, local) }
  const line = virtualLine(files, address)
  const prefix = line === null ? '' : line.text.slice(line.text.indexOf(':') + 1)
  if (prefix === '') return { kind: 'remote', line }
  const prefixed = `${prefix}-${local}`
  return { kind: 'local', virtual: line, local: prefixed, inCharge: await inChargeOf(files, prefixed) }
}

/** Without control/locals it is control/me alone. */
export function isLocal({ locals, me }: QmailFiles, domain: string): boolean {
  if (locals !== null) return lineOf(locals, domain) !== null
  return me?.lines[0]?.text.toLowerCase() === domain.toLowerCase()
}

/** The address itself, its domain, `.parent` of it, or nothing before the colon; of equal ones the last. */
export function virtualLine({ virtualdomains }: QmailFiles, address: string): ControlLine | null {
  const domain = address.slice(address.lastIndexOf('@') + 1)
  const labels = domain.split('.')
  const parents = labels.slice(1).map((_, at) => `.${labels.slice(at + 1).join('.')}`)
  for (const key of [address, domain, ...parents, '']) {
    const found = virtualdomains?.lines.findLast(({ text }) => {
      const colon = text.indexOf(':')
      return colon >= 0 && text.slice(0, colon).toLowerCase() === key.toLowerCase()
    })
    if (found !== undefined) return found
  }
  return null
}

/** The line of smtproutes for a remote domain: its own, or that of a parent. The one for everything is left out. */
export function routeLine({ smtproutes }: QmailFiles, domain: string): ControlLine | null {
  for (const key of wildcardsOf(domain)) {
    const found = smtproutes?.lines.findLast(({ text }) => text.split(':')[0]?.toLowerCase() === key)
    if (found !== undefined) return found
  }
  return null
}

/** Null when there is no account for what is left: alias. */
export async function inChargeOf(files: QmailFiles, local: string): Promise<InCharge | null> {
  const assigned = assignedIn(files, local)
  if (assigned !== null) return assigned
  const passedOver: { account: Account; why: PassedOver }[] = []
  for (const end of endsOf(local)) {
    const name = local.slice(0, end).toLowerCase()
    const account = name === '' || name.length > longestName ? null : await files.account(name)
    if (account === null) continue
    const why = await whyPassedOver(files, account)
    if (why === null)
      return {
        user: account.name,
        uid: account.uid,
        home: account.home,
        dash: end < local.length ? '-' : '',
        ext: local.slice(end + 1),
        by: 'account',
        passedOver,
      }
    passedOver.push({ account, why })
  }
  const alias = await files.account('alias')
  if (alias === null) return null
  return { user: 'alias', uid: alias.uid, home: alias.home, dash: '-', ext: local, by: 'alias', passedOver }
}

const longestName = 31

/** Where the name of an account may end: at the end, and at each dash. */
function endsOf(local: string): readonly number[] {
  const dashes = [...local.matchAll(/-/g)].map(({ index }) => index)
  return [local.length, ...dashes.reverse()]
}

/** qmail-getpw looks at the home as a user of its own, which owns nothing. */
async function whyPassedOver(files: QmailFiles, { uid, home, name }: Account): Promise<PassedOver | null> {
  if (uid === 0) return 'root'
  if ((await closedFolder(files, home)) !== null) return 'home-closed'
  const facts = await files.stat(home)
  if (facts === null) return 'home-missing'
  return facts.user === name || facts.user === String(uid) ? null : 'home-foreign'
}

/** The first folder above `path` that others cannot pass. */
export async function closedFolder(files: QmailFiles, path: string): Promise<string | null> {
  const above: string[] = []
  for (let folder = dirname(path); folder !== '/' && folder !== '.'; folder = dirname(folder))
    above.unshift(folder)
  for (const folder of above) {
    const facts = await files.stat(folder)
    if (facts !== null && (facts.mode & 0o001) === 0) return folder
  }
  return null
}

/** What users/cdb says, or users/assign where it cannot be read here but is there. */
function assignedIn({ usersCdb, assign }: QmailFiles, local: string): InCharge | null {
  if (usersCdb === null) return null
  if (usersCdb.octets === null)
    return inAssign(
      (assign?.lines ?? []).map(({ text }) => text),
      local,
    )
  const lower = `!${local.toLowerCase()}`
  const simple = lookUpCdb(usersCdb.octets, `${lower}\0`)
  if (simple !== null) return fromFields(simple.split('\0'), '')
  const wildcards = lookUpCdb(usersCdb.octets, '') ?? ''
  for (let end = lower.length; end > 0; end -= 1) {
    if (end > 1 && !wildcards.includes(lower[end - 1] ?? '')) continue
    const found = lookUpCdb(usersCdb.octets, lower.slice(0, end))
    if (found !== null) return fromFields(found.split('\0'), local.slice(end - 1))
  }
  return null
}

/** The same from the lines of users/assign: the first simple one, else the longest wildcard. */
export function inAssign(lines: readonly string[], local: string): InCharge | null {
  const lower = local.toLowerCase()
  const parsed = lines.flatMap((text) => {
    const [key = '', ...fields] = text.split(':')
    return /^[=+]/.test(key) && fields.length >= 6
      ? [{ sign: key[0], key: key.slice(1).toLowerCase(), fields }]
      : []
  })
  const simple = parsed.find(({ sign, key }) => sign === '=' && key === lower)
  if (simple !== undefined) return fromFields(simple.fields, '')
  const [longest] = parsed
    .filter(({ sign, key }) => sign === '+' && lower.startsWith(key))
    .sort((a, b) => b.key.length - a.key.length)
  return longest === undefined ? null : fromFields(longest.fields, local.slice(longest.key.length))
}

function fromFields(fields: readonly string[], rest: string): InCharge {
  const [user = '', uid = '', , home = '', dash = '', pre = ''] = fields
  return { user, uid: Number(uid), home, dash, ext: `${pre}${rest}`, by: 'assign', passedOver: [] }
}

/** A file that has the instructions for an address. */
export interface DotQmail {
  readonly path: string
  /** Of a file whose name ends with `default`: what stands there for. */
  readonly rest: string | null
  readonly facts: FileFacts
}

/** The first file that there is, of those that qmail-local looks for; null when it looks in vain. */
export async function dotQmailOf(
  files: QmailFiles,
  { home, dash, ext }: Pick<InCharge, 'home' | 'dash' | 'ext'>,
): Promise<DotQmail | null> {
  const names = await files.list(home)
  for (const { name, rest } of namesFor(dash, ext)) {
    if (!names.has(name)) continue
    const facts = await files.stat(`${home}/${name}`)
    if (facts?.kind === 'file') return { path: `${home}/${name}`, rest, facts }
  }
  return null
}

/** The names of files in the order in which they are looked for. Dots are colons there, capitals are small. */
export function namesFor(
  dash: string,
  ext: string,
): readonly { readonly name: string; readonly rest: string | null }[] {
  const safe = ext.toLowerCase().replaceAll('.', ':')
  const exact = safe.endsWith('default') ? ext.slice(safe.length - 'default'.length) : null
  const names: { name: string; rest: string | null }[] = [{ name: `.qmail${dash}${safe}`, rest: exact }]
  for (let at = safe.length; at >= 0; at -= 1)
    if (at === 0 || safe[at - 1] === '-')
      names.push({ name: `.qmail${dash}${safe.slice(0, at)}default`, rest: ext.slice(at) })
  return names
}
