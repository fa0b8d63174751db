// A directory for each list, `lists/NAME.DOMAIN/`, that Exim asks for with require_files; kept for every mail server,
// since changing to Exim should need no more than its own configuration.
import { mkdir, readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListDirectory, PublishedFile } from '../model/mail-server.ts'
import { about } from './replace-files.ts'

/**
 * Makes what is missing and removes what no list stands for, but only directories that are empty. Throws Unavailable;
 * throws Error for a list whose name cannot be one of a directory (creation refuses such names).
 */
export async function keepMarkers(
  lists: string,
  directory: ListDirectory,
): Promise<readonly PublishedFile[]> {
  const wanted = new Set(
    directory.domains.flatMap(({ mailHost, listNames }) =>
      listNames.map((name) => markerName(name, mailHost)),
    ),
  )
  await about(lists, 'made', () => mkdir(lists, { recursive: true }))
  const there = await about(lists, 'read', () => readdir(lists))
  const known = new Set(there)
  const made = [...wanted].filter((name) => !known.has(name))
  for (const name of made) await about(join(lists, name), 'made', () => mkdir(join(lists, name)))
  const gone: string[] = []
  for (const name of there) if (!wanted.has(name) && (await removeEmpty(join(lists, name)))) gone.push(name)
  return [...made, ...gone].map((name) => ({ path: join(lists, name), changed: true }))
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
