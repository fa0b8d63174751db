// Which file is the configuration, and how far it is trusted. The first one found counts: the command line,
// the environment, then Mailman's places, with posthorn.cfg before mailman.cfg at each. A file that somebody
// else could have put in the way of root may set values, but may not name code or further files.
import { statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export interface Surroundings {
  /** `-C FILE`. */
  readonly explicit: string | null
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly home: string | null
  readonly effectiveUid: number
  /** The path of the program that was started; `../etc` beside it is looked at last. */
  readonly program?: string | null
}

export type FoundBy = 'command line' | 'environment' | 'current directory' | 'home' | 'system' | 'program'

export interface FoundFile {
  readonly path: string
  readonly foundBy: FoundBy
}

/** A file that was named must exist; with none named, the places are tried in order. */
export function placesFor(
  around: Surroundings,
): { readonly named: FoundFile } | { readonly tried: readonly FoundFile[] } {
  const { explicit, environment, cwd } = around
  if (explicit !== null) return { named: { path: resolve(cwd, explicit), foundBy: 'command line' } }
  const variable = environment.POSTHORN_CONFIG_FILE || environment.MAILMAN_CONFIG_FILE
  if (variable) return { named: { path: resolve(cwd, variable), foundBy: 'environment' } }
  return { tried: searchPlaces(around) }
}

/** Every place where an unnamed configuration is looked for, in order. */
export function searchPlaces({ cwd, home, program }: Surroundings): readonly FoundFile[] {
  const places: FoundFile[] = []
  const both = (foundBy: FoundBy, directory: string, dot = '') => {
    for (const name of ['posthorn.cfg', 'mailman.cfg']) {
      const path = join(directory, dot + name)
      places.push({ path, foundBy: path.startsWith('/etc/') ? 'system' : foundBy })
    }
  }
  both('current directory', cwd)
  both('current directory', join(cwd, 'var/etc'))
  if (home !== null) both('home', home, '.')
  both('system', '/etc')
  both('system', '/etc/posthorn')
  both('system', '/etc/mailman3')
  if (program) both('program', resolve(dirname(resolve(cwd, program)), '../etc'))
  return places
}

/** False too for what this user may not even look at, as in Mailman: the search goes on. */
export function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  } catch {
    return false
  }
}

/** Null when the files may name code and relative configuration; else why not, as the end of a sentence. */
export function distrustOf(place: FoundFile, files: readonly string[], effectiveUid: number): string | null {
  if (place.foundBy === 'current directory' && effectiveUid === 0) {
    return `${place.path} was only found in the current directory, by root; name it with -C`
  }
  const loose = files.find(canOthersWrite)
  return loose === undefined ? null : `others can write ${loose}; take that right away (chmod o-w)`
}

const othersWrite = 0o002
const sticky = 0o1000

/** True when others can write the file, or put another in its place. */
export function canOthersWrite(path: string): boolean {
  const file = statSync(path, { throwIfNoEntry: false })
  const directory = statSync(dirname(path), { throwIfNoEntry: false })
  const replaceable = directory !== undefined && (directory.mode & (othersWrite | sticky)) === othersWrite
  return replaceable || (file !== undefined && (file.mode & othersWrite) !== 0)
}
