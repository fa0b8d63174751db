// A directory for each list, `lists/NAME.DOMAIN/`, that Exim asks for with require_files; kept for every mail server,
// since changing to Exim should need no more than its own configuration.
import { mkdir, readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DirectoryDomain, ListDirectory, MailServer, PublishedFile } from '../model/mail-server.ts'
import { about, changeTime } from './replace-files.ts'
import { publishAlone } from './rereading.ts'
import { sameNames } from './table-parts.ts'

export interface EximSettings {
  /** The directory of the markers. */
  readonly lists: string
  /** Where lock and mark of a publication are. */
  readonly directory: string
  /** Run after markers came or went, for a site that wants it; Exim needs none. */
  readonly reloadCommand: readonly string[]
}

/** Exim's side: it looks at the markers itself, or asks the LMTP door by a callout. `publish` throws Unavailable. */
export function exim({ lists, directory, reloadCommand }: EximSettings): MailServer {
  const keep = markers(lists)
  const place = { name: 'exim4', directory, reread: { command: reloadCommand, byHand: null } }
  return { name: 'exim4', publish: (wanted) => publishAlone(place, (changing) => keep(wanted, changing)) }
}

/** The markers alone. `publish` throws Unavailable. */
export function markersAlone(lists: string): MailServer {
  const keep = markers(lists)
  return { name: 'null', publish: (wanted) => keep(wanted, async () => undefined) }
}

/** As `markers`, once. */
export function keepMarkers(lists: string, directory: ListDirectory): Promise<readonly PublishedFile[]> {
  return markers(lists)(directory, async () => undefined)
}

/**
 * Makes what is missing and removes what no list stands for, but only directories that are empty. While nobody else
 * changes the directory it is read once. `changing` runs before the first change. Throws Unavailable; throws Error for a
 * list whose name cannot be one of a directory (creation refuses such names).
 */
export function markers(
  lists: string,
): (directory: ListDirectory, changing: () => Promise<void>) => Promise<readonly PublishedFile[]> {
  let known: Known | null = null
  return async ({ domains }, changing) => {
    await about(lists, 'made', () => mkdir(lists, { recursive: true }))
    const before = known !== null && known.at === (await changeTime(lists)) ? known : await lookInto(lists)
    known = null
    const { made, unwanted } = difference(before, domains)
    if (made.length + unwanted.length > 0) await changing()
    for (const name of made) await about(join(lists, name), 'made', () => mkdir(join(lists, name)))
    const gone: string[] = []
    const left: string[] = []
    for (const name of unwanted) ((await removeEmpty(join(lists, name))) ? gone : left).push(name)
    known = { domains, others: new Set(left), at: await changeTime(lists) }
    return [...made, ...gone].map((name) => ({ path: join(lists, name), changed: true }))
  }
}

/** What is in the directory: a marker for each list of these domains, and others that are not empty. */
interface Known {
  readonly domains: readonly DirectoryDomain[]
  readonly others: ReadonlySet<string>
  /** When the directory was last changed. */
  readonly at: number | null
}

async function lookInto(lists: string): Promise<Known> {
  const names = await about(lists, 'read', () => readdir(lists))
  return { domains: [], others: new Set(names), at: null }
}

/** What has to be made, and what has to go. Domains whose lists are the same are not looked into. */
function difference(
  { domains: old, others }: Known,
  domains: readonly DirectoryDomain[],
): { readonly made: readonly string[]; readonly unwanted: readonly string[] } {
  const before = new Map(old.map(({ mailHost, listNames }) => [mailHost, listNames]))
  const there = new Set(others)
  const wanted: (readonly [string, string])[] = []
  for (const { mailHost, listNames } of domains) {
    const had = before.get(mailHost)
    before.delete(mailHost)
    if (had !== undefined && sameNames(had, listNames)) continue
    for (const name of had ?? []) there.add(`${name}.${mailHost}`)
    for (const name of listNames) wanted.push([name, mailHost])
  }
  for (const [mailHost, names] of before) for (const name of names) there.add(`${name}.${mailHost}`)
  const made: string[] = []
  for (const [name, mailHost] of wanted)
    if (!there.delete(`${name}.${mailHost}`)) made.push(markerName(name, mailHost))
  return { made, unwanted: [...there] }
}

/** The List-Id of the list, as the name of a directory. */
export function markerName(name: string, mailHost: string): string {
  const marker = `${name}.${mailHost}`
  // Letters, digits and the signs that the widest list name may hold: no slash, no NUL, no dots at the start.
  if (marker.length > 255 || !/^[a-z0-9_+=!$*{}~-][a-z0-9._+=!$*{}~-]*$/.test(marker))
    throw new Error(
      `the list ${name}@${mailHost} cannot have a marker: ${JSON.stringify(marker)} is no name of a directory`,
    )
  return marker
}

async function removeEmpty(path: string): Promise<boolean> {
  return about(path, 'removed', async () => {
    try {
      await rmdir(path)
      return true
    } catch (fault) {
      const { code } = fault as NodeJS.ErrnoException
      if (code === 'ENOTDIR' || code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOENT') return false
      throw fault
    }
  })
}
