// `posthorn doctor`: gathers what the checks find, leaves out what follows from something else that was found, and puts
// the most likely cause first. Law: a check that cannot look stops nothing; what the others found is told all the same.
import { Unavailable } from '../base/unavailable.ts'
import type { Finding, Severity } from '../model/hookup.ts'

export interface Examination {
  /** Most likely cause first. */
  readonly findings: readonly Finding[]
  /** Why something could not be looked at, a sentence each. */
  readonly unavailable: readonly string[]
}

/** Runs the checks one after the other; only Unavailable is caught. */
export async function examine(checks: readonly AsyncIterable<Finding>[]): Promise<Examination> {
  const findings: Finding[] = []
  const unavailable: string[] = []
  for (const check of checks) {
    try {
      for await (const found of check) findings.push(found)
    } catch (fault) {
      if (!(fault instanceof Unavailable)) throw fault
      unavailable.push(fault.message)
    }
  }
  return { findings: inOrder(findings), unavailable }
}

/**
 * For a folder that `--config-dir` names: it may be a configuration that no mail server runs with yet. When neither the
 * mail server nor Posthorn answers, both are down on purpose or not, which is then a remark, and no fault of the folder.
 */
export function ofFolder({ findings, unavailable }: Examination, posthornRuns: boolean): Examination {
  const silent = ['lmtp.refused', 'relay.unreachable']
  const down = findings.filter(({ kind }) => silent.includes(kind.code))
  if (posthornRuns || new Set(down.map(({ kind }) => kind.code)).size < silent.length)
    return { findings, unavailable }
  const softened = findings.map((found): Finding => {
    if (!down.includes(found)) return found
    return { ...found, kind: { ...found.kind, severity: 'info' } }
  })
  return { findings: inOrder(softened), unavailable }
}

const severities: readonly Severity[] = ['error', 'warning', 'info']

/** Each thing once, causes before consequences; consequences of what was found are left out. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const told = new Map(findings.map((found) => [JSON.stringify(findingAsJson(found)), found]))
  const explained = [...told.values()].flatMap(({ kind }) => kind.explains ?? [])
  return [...told.values()]
    .filter(({ kind }) => !explained.some((code) => isOf(kind.code, code)))
    .sort(
      (a, b) =>
        severities.indexOf(a.kind.severity) - severities.indexOf(b.kind.severity) ||
        a.kind.rank - b.kind.rank,
    )
}

const isOf = (code: string, named: string): boolean =>
  named.endsWith('.*') ? code.startsWith(named.slice(0, -1)) : code === named

/** The form of `--json`. */
export function findingAsJson({ kind, seen, file, line, why, change }: Finding) {
  const { code, severity, summary } = kind
  return { code, severity, summary, seen, file, line, why, change }
}

/** For a person: what, where, why, and what to write. */
export function findingLines({ kind, seen, file, line, why, change }: Finding): readonly string[] {
  const place = file === null ? '' : line === null ? `${file}: ` : `${file}:${line}: `
  return [
    `${kind.severity}: ${kind.summary} (${kind.code})`,
    ...labelled('seen', place + seen),
    ...labelled('why', why),
    ...labelled('change', change),
  ]
}

function labelled(label: string, text: string): readonly string[] {
  const [first = '', ...more] = text.split('\n')
  return [`  ${`${label}:`.padEnd(8)}${first}`, ...more.map((line) => `          ${line}`)]
}

/** Something to mend: anything but remarks. */
export const needsMending = (findings: readonly Finding[]): boolean =>
  findings.some(({ kind }) => kind.severity !== 'info')
