// A directory for each list, `lists/NAME.DOMAIN/`, that Exim asks for with require_files; kept for every mail server,
// since changing to Exim should need no more than its own configuration.
import { mkdir, readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListDirectory, MailServer, PublishedFile } from '../model/mail-server.ts'
import { about, changeTime } from './replace-files.ts'
import { publishAlone } from './rereading.ts'

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
  let known: { readonly names: ReadonlySet<string>; readonly at: number | null } | null = null
  return async ({ domains }, changing) => {
    await about(lists, 'made', () => mkdir(lists, { recursive: true }))
    const at = await changeTime(lists)
    const there = known !== null && known.at === at ? known.names : await namesIn(lists)
    known = null
    const wanted = new Set<string>()
    const made: string[] = []
    for (const { mailHost, listNames } of domains)
      for (const name of listNames) {
        const marker = `${name}.${mailHost}`
        wanted.add(marker)
        if (!there.has(marker)) made.push(markerName(name, mailHost))
      }
    const unwanted = [...there].filter((name) => !wanted.has(name))
    if (made.length + unwanted.length > 0) await changing()
    for (const name of made) await about(join(lists, name), 'made', () => mkdir(join(lists, name)))
    const gone: string[] = []
    for (const name of unwanted) {
      if (await removeEmpty(join(lists, name))) gone.push(name)
      else wanted.add(name)
    }
    known = { names: wanted, at: await changeTime(lists) }
    return [...made, ...gone].map((name) => ({ path: join(lists, name), changed: true }))
  }
}

const namesIn = async (path: string): Promise<ReadonlySet<string>> =>
  new Set(await about(path, 'read', () => readdir(path)))

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
