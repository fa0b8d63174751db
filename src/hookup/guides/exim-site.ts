// What the diagnosis of Exim has read, and small answers about it.
import type { Finding, FindingKind, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import type { EximConfiguration } from './exim-configuration.ts'
import { option } from './exim-ours.ts'
import type { Driver, Place, Setting } from './exim-syntax.ts'

export interface EximSite {
  readonly facts: HostFacts
  readonly host: MailServerHost
  readonly exim: EximConfiguration
  /** Routers that take addresses of lists, or were meant to. */
  readonly routers: readonly Driver[]
  /** Transports that hand mail to Posthorn, or were meant to. */
  readonly transports: readonly Driver[]
}

/** How a router knows which addresses exist. */
export type RouterWay = 'markers' | 'lookup' | 'callout' | 'other'

export function wayOf(router: Driver): RouterWay {
  if (option(router, 'condition').includes('readsocket')) return 'lookup'
  if (/local_part/.test(option(router, 'require_files'))) return 'markers'
  return option(router, 'require_files') === '' && option(router, 'condition') === '' ? 'callout' : 'other'
}

/** A finding at a line of the operator's, or in a file as a whole. */
export function at(
  place: Place | { readonly file: string; readonly line: null } | undefined | null,
  kind: FindingKind,
  more: { readonly seen?: string; readonly why?: string; readonly change?: string } = {},
): Finding {
  const seen = more.seen ?? (place?.line == null ? '' : place.text.trim())
  return finding(kind, {
    seen,
    file: place?.file ?? null,
    line: place?.line ?? null,
    ...(more.why === undefined ? {} : { why: more.why }),
    ...(more.change === undefined ? {} : { change: more.change }),
  })
}

/** The line to change for a value: that of the macro which it comes from, where it is one. */
export function origin(setting: Setting | undefined, exim: EximConfiguration): Place | undefined {
  if (setting === undefined) return undefined
  for (const [name, macro] of exim.text.macros)
    if (setting.place.text.includes(name) && macro.value !== '') return macro.place
  return setting.place
}

/** What to do after an edit, so that it counts. */
export const reload = ({ debian }: EximConfiguration): string =>
  debian === null ? 'then reload Exim' : 'then: update-exim4.conf && systemctl reload exim4'

/** Lists for questions to Exim: the first, the last and one between of each domain, of a few domains. */
export function samples({ facts }: EximSite): readonly { readonly list: string; readonly domain: string }[] {
  return facts.domains.slice(0, 5).flatMap(({ mailHost, listNames }) => {
    const chosen = [listNames[0], listNames.at(-1), listNames[Math.floor(listNames.length / 2)]]
    return [...new Set(chosen)].flatMap((list) => (list === undefined ? [] : [{ list, domain: mailHost }]))
  })
}

/** The name that was probably meant. */
export function nearest(name: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const one of known) {
    const far = distance(name.toLowerCase(), one.toLowerCase())
    if (far < least) [best, least] = [one, far]
  }
  return best
}

function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1),
        ),
      )
    row = next
  }
  return row.at(-1) ?? 0
}
