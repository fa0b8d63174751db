// What the doctor and the recipe know of a qmail: its files, our facts, and the way of an address through both.
import type { Finding, FindingKind, HostFacts } from '../../model/hookup.ts'
import { finding, type Particulars } from '../finding.ts'
import { addressFromAfar, reachable } from './hosts.ts'
import type { ControlLine, QmailFiles } from './qmail-files.ts'
import { type DotQmail, dotQmailOf, type InCharge, type Route, routeOf } from './qmail-route.ts'

export interface Situation {
  readonly facts: HostFacts
  readonly files: QmailFiles
}

export const nobody = 'posthorn-doctor-asks-for-nobody'

/** An address, and how qmail goes with it. */
export interface Way {
  readonly address: string
  readonly localPart: string
  readonly domain: string
  readonly route: Route
  /** Null where it does not come to a user. */
  readonly inCharge: InCharge | null
  readonly file: DotQmail | null
}

/** Throws Unavailable. */
export async function wayOf(files: QmailFiles, localPart: string, domain: string): Promise<Way> {
  const address = `${localPart}@${domain}`
  const route = await routeOf(files, address)
  const inCharge = route.kind === 'local' ? route.inCharge : null
  const file = inCharge === null ? null : await dotQmailOf(files, inCharge)
  return { address, localPart, domain, route, inCharge, file }
}

/** What stands before the address of a list in the name of its file: `lists-` of `.qmail-lists-tea`; null for none such. */
export function prefixOf({ localPart, inCharge }: Pick<Way, 'localPart' | 'inCharge'>): string | null {
  if (inCharge === null || !inCharge.ext.endsWith(localPart)) return null
  return inCharge.ext.slice(0, inCharge.ext.length - localPart.length)
}

/** The word PARTS for that prefix; it must end with a dash where it is not empty. */
export function partsOf(prefix: string): string {
  const dashes = prefix.split('-').length - 1
  return dashes <= 3 ? String(dashes + 1) : 'default'
}

/** The line of a `.qmail` file that starts posthorn-qmail. */
export function lineFor(
  { pipeProgram, lmtp }: Pick<HostFacts, 'pipeProgram' | 'lmtp'>,
  parts: string,
): string {
  const program = /^[\w./+-]+$/.test(pipeProgram) ? pipeProgram : `'${pipeProgram.replaceAll("'", "'\\''")}'`
  const host = reachable(lmtp.host)
  const isUsual = addressFromAfar(lmtp.host) === null && (host === '127.0.0.1' || host === 'localhost')
  return `|${program} ${lmtp.port} ${parts}${isUsual ? '' : ` ${host}`}`
}

/** The line for an address that goes this way; `program`: another one than ours. */
export function rightLine(facts: HostFacts, way: Way, program: string = facts.pipeProgram): string {
  const isPlain = way.route.kind === 'local' && way.route.virtual === null
  return lineFor({ ...facts, pipeProgram: program }, isPlain ? '0' : partsOf(prefixOf(way) ?? ''))
}

/** Where Posthorn itself writes a file for each list of a domain; null: nowhere. */
export function publishedHome({ incoming, qmail }: HostFacts, domain: string): string | null {
  return incoming.includes('qmail') ? (qmail.homes[domain] ?? qmail.home) : null
}

export function at(
  kind: FindingKind,
  { text, file, line }: ControlLine,
  more: Partial<Particulars> = {},
): Finding {
  return finding(kind, { seen: text, file, line, ...more })
}

/** What an account may do with a file or folder, by its permission bits. */
export function may(
  wish: 'read' | 'enter',
  { user, group, mode }: { readonly user: string; readonly group: string; readonly mode: number },
  account: Pick<InCharge, 'user' | 'uid'>,
): boolean {
  const bit = wish === 'read' ? 0o4 : 0o1
  if (user === account.user || user === String(account.uid)) return (mode & (bit << 6)) !== 0
  return (mode & bit) !== 0 || (group === account.user && (mode & (bit << 3)) !== 0)
}
