// Where the files are: one [paths.LAYOUT] section, whose values name each other as `$var_dir`. Expanded as
// often as it takes; a circle is found. All come out absolute.
import { dirname, resolve } from 'node:path'
import { type ConfigMistake, mistake, type Place } from './mistake.ts'

export interface Paths {
  readonly layout: string
  /** Databases, run/, and all that is not said otherwise. */
  readonly varDir: string
  /** Tables for the mail server. */
  readonly dataDir: string
  /** Marker files for Exim, `lists/LIST-ID`. */
  readonly listDataDir: string
  readonly logDir: string
  /** Null: the built-in templates only. */
  readonly templateDir: string | null
  readonly pidFile: string
}

/** The text of a path, and where it was written; null for a default. */
export interface PathText {
  readonly text: string
  readonly place: Place | null
}

export interface PathFacts {
  readonly layout: string
  /** The layout's values by key, defaults filled in. */
  readonly values: ReadonlyMap<string, PathText>
  readonly cwd: string
  readonly program: string | null
  /** The configuration file, or null. */
  readonly source: string | null
  /** `MAILMAN_VAR_DIR`, which wins over var_dir. */
  readonly varDirOverride: string | null
}

/** The paths, and what is wrong with them; with a mistake the path concerned is meaningless. */
export function expandPaths(facts: PathFacts): {
  readonly paths: Paths
  readonly mistakes: readonly ConfigMistake[]
} {
  const mistakes = new Map<string, ConfigMistake>()
  const one = (key: string): string => {
    const expanded = expandPath(`$${key}`, facts)
    if ('value' in expanded) return resolve(facts.cwd, expanded.value)
    // A fault in one path shows in all that name it: it is told once, where it was written.
    const place = facts.values.get(expanded.at)?.place ?? null
    const told = mistake(place, `paths.${facts.layout}.${expanded.at}`, expanded.wrong)
    const fault = expanded.circle ? 'circle' : expanded.at
    if (!mistakes.has(fault)) mistakes.set(fault, told)
    return facts.cwd
  }
  const ownTemplates = facts.values.get('template_dir')?.text !== ':source:'
  const paths: Paths = {
    layout: facts.layout,
    varDir: one('var_dir'),
    dataDir: one('data_dir'),
    listDataDir: one('list_data_dir'),
    logDir: one('log_dir'),
    templateDir: ownTemplates ? one('template_dir') : null,
    pidFile: one('pid_file'),
  }
  return { paths, mistakes: [...mistakes.values()] }
}

export type Expanded =
  | { readonly value: string }
  /** `at` is the path whose text has the fault, or empty for the text itself. */
  | { readonly wrong: string; readonly at: string; readonly circle: boolean }

/** Puts values in the place of `$name` and `${name}`, in any letter case, until none is left. */
export function expandPath(text: string, facts: PathFacts): Expanded {
  const given = new Map([
    ['cwd', facts.cwd],
    ['argv', facts.program === null ? facts.cwd : dirname(resolve(facts.cwd, facts.program))],
    ['cfg_file', facts.source ?? resolve(facts.cwd, 'mailman.cfg')],
  ])
  if (facts.varDirOverride !== null) given.set('var_dir', resolve(facts.cwd, facts.varDirOverride))
  const faults: Exclude<Expanded, { value: string }>[] = []
  const expand = (text: string, within: readonly string[]): string => {
    const at = within.at(-1) ?? ''
    if (text.trim() === '') faults.push({ wrong: 'no path is given; accepted: a path', at, circle: false })
    return text.replace(/\$(?:(\w+)|\{(\w+)\})/g, (_, bare?: string, braced?: string) => {
      const name = (bare ?? braced ?? '').toLowerCase()
      const fixed = given.get(name)
      if (fixed !== undefined) return fixed
      const value = facts.values.get(name)
      if (value === undefined) {
        const known = [...new Set([...given.keys(), ...facts.values.keys()])].map((key) => `$${key}`)
        faults.push({ wrong: `$${name} is not known; accepted: ${known.join(', ')}`, at, circle: false })
      } else if (within.includes(name)) {
        const circle = [...within.slice(within.indexOf(name)), name].map((key) => `$${key}`)
        faults.push({
          wrong: `${circle.join(' names ')}: a circle; accepted: a path`,
          at: name,
          circle: true,
        })
      }
      return value === undefined || faults.length > 0 ? '' : expand(value.text, [...within, name])
    })
  }
  const value = expand(text, [])
  return faults[0] ?? { value }
}
