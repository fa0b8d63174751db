// Where the files are: one [paths.LAYOUT] section, whose values name each other as `$var_dir`. Expanded as
// often as it takes; a circle is found. All come out absolute.
import { dirname, resolve } from 'node:path'
import type { WrittenValue } from './lazr.ts'
import { type ConfigMistake, mistake, quote } from './mistake.ts'

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

export interface PathFacts {
  readonly layout: string
  /** The layout's values by key, defaults filled in. */
  readonly values: ReadonlyMap<string, WrittenValue>
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
  const mistakes: ConfigMistake[] = []
  const one = (key: string): string => {
    const expanded = expandPath(`$${key}`, facts)
    if ('value' in expanded) return resolve(facts.cwd, expanded.value)
    const place = facts.values.get(key)?.place ?? null
    mistakes.push(mistake(place, `paths.${facts.layout}.${key}`, expanded.wrong))
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
  return { paths, mistakes }
}

/** Puts values in the place of `$name` and `${name}`, in any letter case, until none is left. */
export function expandPath(
  text: string,
  facts: PathFacts,
): { readonly value: string } | { readonly wrong: string } {
  const given = new Map([
    ['cwd', facts.cwd],
    ['argv', facts.program === null ? facts.cwd : dirname(resolve(facts.cwd, facts.program))],
    ['cfg_file', facts.source ?? resolve(facts.cwd, 'mailman.cfg')],
  ])
  if (facts.varDirOverride !== null) given.set('var_dir', resolve(facts.cwd, facts.varDirOverride))
  let wrong: string | null = null
  const expand = (text: string, within: readonly string[]): string =>
    text.replace(/\$(?:(\w+)|\{(\w+)\})/g, (_, bare?: string, braced?: string) => {
      const name = (bare ?? braced ?? '').toLowerCase()
      const fixed = given.get(name)
      if (fixed !== undefined) return fixed
      const value = facts.values.get(name)
      const known = `$cwd, $argv, $cfg_file, ${[...facts.values.keys()].map((key) => `$${key}`).join(', ')}`
      if (value === undefined) wrong ??= `$${name} is not known; accepted: ${known}`
      if (within.includes(name))
        wrong ??= `${[...within, name].map((key) => `$${key}`).join(' names ')}: a circle`
      return value === undefined || wrong !== null ? '' : expand(value.text, [...within, name])
    })
  const value = expand(text, [])
  if (wrong === null && value.trim() === '')
    wrong = `${quote(text)} is empty; accepted: the path of a directory`
  return wrong === null ? { value } : { wrong }
}
