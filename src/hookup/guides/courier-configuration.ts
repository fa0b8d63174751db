// Reads Courier's control files (courier(8)): a file is a list of lines, a folder is all of its files one after the other,
// and some are compiled into a database beside them. Law: a line keeps the file and number where it stands; of a database
// only its time and whether an entry's text is in it are looked at.
import { basename, join } from 'node:path'
import type { MailServerHost } from '../../model/hookup.ts'
import { closing, opening, ownFile } from '../blocks.ts'

/** A line that says something: no remark, not empty. */
export interface Entry {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly text: string
  /** `posthorn hookup` wrote it. */
  readonly ours: boolean
}

/** A control file, or a folder of them. */
export interface Source {
  readonly path: string
  readonly kind: 'file' | 'folder' | 'missing'
  readonly entries: readonly Entry[]
  /** When the latest of its files changed; milliseconds since 1970. */
  readonly changed: number
}

/** What a `make…` program of Courier's made of a source. */
export interface Compiled {
  readonly path: string
  readonly changed: number
  /** Whether these octets are anywhere in it. */
  holds(text: string): boolean
}

export interface Setting {
  readonly file: string
  readonly line: number
  readonly value: string
}

export interface CourierConfiguration {
  readonly dir: string
  /** What the paths in its files are below: the root of a chroot that is looked at from outside; '' for none. */
  readonly root: string
  /** The name of this mail server; null: the machine's. */
  readonly me: Entry | null
  readonly locals: Source
  readonly acceptFile: Source
  readonly acceptFolder: Source
  readonly acceptCompiled: Compiled | null
  readonly hosted: Source
  readonly hostedCompiled: Compiled | null
  readonly aliases: Source
  readonly aliasesCompiled: Compiled | null
  readonly access: Source
  readonly accessCompiled: Compiled | null
  readonly bofh: Source
  /** Null: capitals and small letters in local parts differ. What stands in it does not matter. */
  readonly localLowercase: string | null
  /** What the files in homes are called, when not `.courier`. */
  readonly dotExtension: Entry | null
  readonly aliasdir: string
  /** Variables of `courierd` and of `esmtpd`, and of the latter with what `esmtpd-msa` and `esmtpd-ssl` set over them. */
  readonly courierd: ReadonlyMap<string, Setting>
  readonly esmtpd: ReadonlyMap<string, Setting>
  readonly msa: ReadonlyMap<string, Setting>
  readonly ssl: ReadonlyMap<string, Setting>
}

/** Debian; then where Courier's own installation puts it. */
const usualPlaces = ['/etc/courier', '/usr/lib/courier/etc', '/usr/local/etc/courier']

/** The folder that counts, whether it is there or not. `courierd` tells the mail server from Courier's IMAP server. */
export async function courierFolder(host: MailServerHost): Promise<string> {
  if (host.configDir !== null) return host.configDir.replace(/(.)\/+$/, '$1')
  for (const path of usualPlaces) if (await hasCourier(host, path)) return path
  return '/etc/courier'
}

export const hasCourier = async (host: MailServerHost, dir: string): Promise<boolean> =>
  (await host.stat(join(dir, 'courierd'))) !== null

/** Throws Unavailable when a file is there and cannot be read. */
export async function readCourier(host: MailServerHost, dir: string): Promise<CourierConfiguration> {
  const at = (name: string): string => join(dir, name)
  const source = (name: string): Promise<Source> => readSource(host, at(name))
  const compiled = (name: string): Promise<Compiled | null> => readCompiled(host, at(name))
  const esmtpd = await readVariables(host, at('esmtpd'), new Map())
  // Without ACCESSFILE esmtpd asks no database, and nobody may relay.
  const accessName = basename(esmtpd.get('ACCESSFILE')?.value ?? '')
  return {
    dir,
    root: await rootOf(host),
    me: (await source('me')).entries[0] ?? null,
    locals: await source('locals'),
    acceptFile: await source('esmtpacceptmailfor'),
    acceptFolder: await source('esmtpacceptmailfor.dir'),
    acceptCompiled: await compiled('esmtpacceptmailfor.dat'),
    hosted: await source('hosteddomains'),
    hostedCompiled: await compiled('hosteddomains.dat'),
    // makealiases leaves hidden files out; the others do not.
    aliases: await readSource(host, at('aliases'), (name) => !name.startsWith('.')),
    aliasesCompiled: await compiled('aliases.dat'),
    access: accessName === '' ? { ...nothing, path: at('smtpaccess') } : await source(accessName),
    accessCompiled: accessName === '' ? null : await compiled(`${accessName}.dat`),
    bofh: await source('bofh'),
    localLowercase: await host.readText(at('locallowercase')),
    dotExtension: (await source('dotextension')).entries[0] ?? null,
    aliasdir: at('aliasdir'),
    courierd: await readVariables(host, at('courierd'), new Map()),
    esmtpd,
    msa: await readVariables(host, at('esmtpd-msa'), esmtpd),
    ssl: await readVariables(host, at('esmtpd-ssl'), esmtpd),
  }
}

/** `/srv/mail` of `--config-dir /srv/mail/etc/courier`, when there are accounts of its own. */
async function rootOf(host: MailServerHost): Promise<string> {
  const root = /^(\/.+)\/etc\/courier\/?$/.exec(host.configDir ?? '')?.[1]
  return root !== undefined && (await host.stat(join(root, 'etc/passwd'))) !== null ? root : ''
}

const nothing = { kind: 'missing', entries: [], changed: 0 } as const

async function readSource(
  host: MailServerHost,
  path: string,
  isRead: (name: string) => boolean = () => true,
): Promise<Source> {
  const there = await host.stat(path)
  if (there === null) return { path, ...nothing }
  if (there.kind !== 'directory')
    return {
      path,
      kind: 'file',
      entries: entriesOf(path, (await host.readText(path)) ?? ''),
      changed: there.changed,
    }
  const entries: Entry[] = []
  let changed = 0
  for (const name of (await host.list(path)) ?? []) {
    const file = join(path, name)
    const facts = isRead(name) ? await host.stat(file) : null
    if (facts?.kind !== 'file') continue
    entries.push(...entriesOf(file, (await host.readText(file)) ?? ''))
    changed = Math.max(changed, facts.changed)
  }
  return { path, kind: 'folder', entries, changed }
}

/** Blanks at the end are taken off; those at the beginning make a line go on, in aliases. */
export function entriesOf(file: string, text: string): readonly Entry[] {
  const entries: Entry[] = []
  const isOurFile = text.startsWith(`# ${ownFile}`)
  let inBlock = false
  for (const [at, written] of text.split('\n').entries()) {
    const line = written.trimEnd()
    if (line.startsWith(`# ${opening}`)) inBlock = true
    if (line.startsWith(`# ${closing}`)) inBlock = false
    if (line !== '' && !line.trimStart().startsWith('#'))
      entries.push({ file, line: at + 1, text: line, ours: isOurFile || inBlock })
  }
  return entries
}

async function readCompiled(host: MailServerHost, path: string): Promise<Compiled | null> {
  const there = await host.stat(path)
  if (there === null) return null
  const text = ((await host.readText(path)) ?? '').toLowerCase()
  return { path, changed: there.changed, holds: (part) => text.includes(part.toLowerCase()) }
}

/** `NAME=value` lines as sh(1) reads them; the last one counts. Variables within are left as they stand. */
async function readVariables(
  host: MailServerHost,
  file: string,
  before: ReadonlyMap<string, Setting>,
): Promise<ReadonlyMap<string, Setting>> {
  const found = new Map(before)
  for (const { line, text } of entriesOf(file, (await host.readText(file)) ?? '')) {
    const [, name, written = ''] = /^\s*(?:export\s+)?([A-Z_][A-Z0-9_]*)=(.*)$/.exec(text) ?? []
    if (name === undefined) continue
    const [, double, single, plain = ''] = /^(?:"([^"]*)"|'([^']*)'|([^\s;#]*))/.exec(written) ?? []
    found.set(name, { file, line, value: double ?? single ?? plain })
  }
  return found
}
