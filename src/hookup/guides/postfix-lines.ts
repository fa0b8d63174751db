// Lines of main.cf as the recipe writes them (postconf(5)); pure. Law: a list keeps every word that it had, in its order;
// what is right already gives no line; an earlier line of the same name is named as replaced, so that nothing is set twice.
import { isIPv6 } from 'node:net'
import type { HostFacts, Setting } from '../../model/hookup.ts'
import { type PostfixConfiguration, partsOf } from './postfix-configuration.ts'

/** The words of a list parameter, not expanded; of its default where it is not written. */
export function wordsOf(configuration: PostfixConfiguration, name: string): readonly string[] {
  const written = configuration.written(name)?.text
  if (written !== undefined) return partsOf(written)
  const byDefault = configuration.known.get(name) ?? configuration.value(name)
  // `${{$compatibility_level} <level {2} ? {$mydestination} : {}}`: the side that counts, in its own words.
  const chosen = /^\$\{\{.*\?\s*\{([^{}]*)\}\s*:\s*\{([^{}]*)\}\s*\}$/.exec(byDefault)
  if (chosen === null) return partsOf(byDefault)
  const [, yes = '', no = ''] = chosen
  return partsOf(configuration.value(name) === configuration.expand(no) ? no : yes)
}

export interface Joining {
  /** Before or behind the words that are there. */
  readonly where: 'first' | 'last'
  /** Words of an earlier hook-up, which ours take the place of. */
  readonly isOurs: (word: string) => boolean
}

/** A list parameter with our words beside those that are there; no line when it has them already. */
export function joined(
  configuration: PostfixConfiguration,
  name: string,
  ours: readonly string[],
  why: string,
  { where, isOurs }: Joining,
): readonly Setting[] {
  const before = wordsOf(configuration, name)
  const [missing, kept] = [
    ours.filter((word) => !before.includes(word)),
    before.filter((word) => !isOurs(word) || ours.includes(word)),
  ]
  if (missing.length === 0 && kept.length === before.length) return []
  const words = where === 'first' ? [...missing, ...kept] : [...kept, ...missing]
  return [setting(configuration, name, words, why)]
}

/** A parameter of one word; no line when it says that already. */
export function plain(
  configuration: PostfixConfiguration,
  name: string,
  value: string,
  why: string,
): readonly Setting[] {
  return configuration.value(name) === value ? [] : [setting(configuration, name, [value], why)]
}

function setting(
  { main }: PostfixConfiguration,
  name: string,
  words: readonly string[],
  why: string,
): Setting {
  const [only = '', ...more] = words
  return {
    lines: more.length === 0 ? [`${name} = ${only}`] : [`${name} =`, ...words.map((word) => `    ${word}`)],
    why,
    replaces: main.settings.flatMap((each) => (each.name === name ? each.lines.map(({ line }) => line) : [])),
  }
}

/** The door as transport(5) names it; an IPv6 address says so inside its brackets. */
export function lmtpTransport({ host, port }: HostFacts['lmtp']): string {
  return `lmtp:[${isIPv6(host) ? `ipv6:${host}` : host}]:${port}`
}
