// Faults of main.cf and master.cf as texts: lines that are no settings, that are swallowed by others, or that a later line
// takes out of force; names and values that Postfix does not know. Pure.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { type PostfixConfiguration, partsOf } from './postfix-configuration.ts'
import { namesIn } from './postfix-expansion.ts'
import type { MainSetting } from './postfix-files.ts'
import * as kinds from './postfix-kinds.ts'
import { tableOf } from './postfix-look-ups.ts'
import { ourTable } from './postfix-view.ts'

/** Settings that decide on mail for lists: a fault in them is an error, elsewhere it is somebody else's affair. */
const ours: ReadonlySet<string> = new Set([
  'transport_maps',
  'relay_domains',
  'relay_recipient_maps',
  'local_recipient_maps',
  'virtual_alias_maps',
  'virtual_alias_domains',
  'virtual_mailbox_maps',
  'virtual_mailbox_domains',
  'mydestination',
  'mynetworks',
  'recipient_delimiter',
  'owner_request_special',
  'unknown_local_recipient_reject_code',
  'unknown_relay_recipient_reject_code',
  'unknown_virtual_alias_reject_code',
  'unknown_virtual_mailbox_reject_code',
  'unverified_recipient_reject_code',
  'address_verify_negative_cache',
  'address_verify_negative_expire_time',
  'address_verify_negative_refresh_time',
  'smtpd_relay_restrictions',
  'smtpd_recipient_restrictions',
  'inet_interfaces',
  'inet_protocols',
  'propagate_unmatched_extensions',
  'relay_transport',
  'local_transport',
  'virtual_transport',
  'default_transport',
  'relayhost',
  'receive_override_options',
])

/** Parameters whose value is a list that both the operator and we add to. */
const lists: readonly string[] = [
  'transport_maps',
  'relay_domains',
  'relay_recipient_maps',
  'local_recipient_maps',
  'virtual_alias_maps',
  'virtual_alias_domains',
  'virtual_mailbox_maps',
  'virtual_mailbox_domains',
  'mydestination',
  'mynetworks',
]

export function* fileFaults(configuration: PostfixConfiguration): Generator<Finding> {
  const { main, master } = configuration
  for (const { line, text } of main.faults)
    yield finding(kinds.unreadableLine, {
      seen: text.trim(),
      file: main.path,
      line,
      change: mended(configuration, text),
    })
  for (const { line, text } of master.faults)
    yield finding(kinds.masterLine, { seen: text.trim(), file: master.path, line })
  const intruders = [...swallowedSettings(configuration), ...lostBeginnings(configuration)]
  yield* intruders
  yield* misspelledNames(configuration)
  yield* oddValues(configuration, new Set(intruders.map(({ line }) => line)))
  yield* repetitions(configuration)
}

function mended({ known }: PostfixConfiguration, text: string): string {
  const [name = '', ...rest] = text.trim().split(/[\s:]+/)
  if (!known.has(name) && !ours.has(name)) return kinds.unreadableLine.change
  return `${name} = ${
    text
      .trim()
      .slice(name.length)
      .replace(/^[\s:]+/, '') || rest.join(' ')
  }`
}

// ---- indentation ----

function* swallowedSettings({ main, known }: PostfixConfiguration): Generator<Finding> {
  for (const setting of main.settings)
    for (const { line, text } of setting.lines.slice(1)) {
      const name = /^\s+(\w+)\s*=(?!=)/.exec(text)?.[1] ?? ''
      if (!known.has(name) && !ours.has(name)) continue
      yield finding(kinds.swallowed, {
        seen: text.trimEnd(),
        file: main.path,
        line,
        why: `${kinds.swallowed.why} Here the setting above is ${setting.name} (line ${setting.line}).`,
        change: text.trim(),
      })
    }
}

function* lostBeginnings({ main, known }: PostfixConfiguration): Generator<Finding> {
  const comments = new Map(main.comments.map((comment) => [comment.line, comment]))
  for (const setting of main.settings)
    for (const { line, text } of setting.lines.slice(1)) {
      const above = comments.get(line - 1)
      const name = /^\s*#\s*(\w+)\s*=/.exec(above?.text ?? '')?.[1] ?? ''
      if (above === undefined || !(known.has(name) || ours.has(name)) || name === setting.name) continue
      if (!ours.has(name) && !ours.has(setting.name)) continue
      yield finding(kinds.lostBeginning, {
        seen: text.trimEnd(),
        file: main.path,
        line,
        why: `Line ${above.line} (${above.text.trim()}) is a comment, so line ${line} goes on with ${setting.name} of line ${setting.line}, whose value it changes.`,
        change: `Take the # of line ${above.line} away, or make line ${line} a comment too:\n#${text}`,
      })
    }
}

// ---- names ----

function* misspelledNames(configuration: PostfixConfiguration): Generator<Finding> {
  const { main, known } = configuration
  if (known.size === 0) return
  const used = new Set([
    ...main.settings.flatMap(({ text }) => namesIn(text)),
    ...configuration.master.services.flatMap(({ lines }) => lines.flatMap(({ text }) => namesIn(text))),
    ...partsOf(configuration.value('smtpd_restriction_classes')),
  ])
  const names = configuration.master.services.map(({ name }) => name)
  for (const setting of main.settings) {
    const { name } = setting
    if (known.has(name) && !isUnused(configuration, name)) continue
    if (used.has(name) || names.some((service) => name.startsWith(`${service}_`))) continue
    const meant = nearest(name, ours)
    if (meant === null) continue
    yield finding(kinds.misspelled, {
      ...firstLine(setting),
      file: main.path,
      why: `Postfix knows no ${name} and passes over it without a word in the log; ${meant}, which was meant, is '${configuration.value(meant)}'.`,
      change: `${meant} = ${setting.text}`,
    })
  }
}

// Names of main.cf are among what postconf prints only when something uses them; it says itself which are not.
const isUnused = ({ remarks }: PostfixConfiguration, name: string): boolean =>
  (remarks ?? []).some((remark) => remark.includes(`unused parameter: ${name}=`))

function nearest(name: string, names: ReadonlySet<string>): string | null {
  const folded = fold(name)
  let [best, least] = [null as string | null, 3]
  for (const candidate of names) {
    const far = distance(folded, fold(candidate))
    if (far < least) [best, least] = [candidate, far]
  }
  return best
}

const fold = (name: string): string => name.toLowerCase().replace(/[-_.]/g, '')

/** Levenshtein's distance; a swap of neighbours counts as two. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (const [i, sign] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries())
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (sign === other ? 0 : 1)))
    row = next
  }
  return row[b.length] ?? 0
}

// ---- values ----

const numbers = /(?:_code|_limit)$/
const times = /^address_verify_\w+_(?:expire|refresh)_time$/
const switches: readonly string[] = [
  'owner_request_special',
  'soft_bounce',
  'address_verify_negative_cache',
  'smtpd_reject_unlisted_recipient',
  'smtpd_sasl_auth_enable',
  'disable_dns_lookups',
]

/** `intruders`: lines that got into a setting by mistake; its value says nothing then. */
function* oddValues(
  configuration: PostfixConfiguration,
  intruders: ReadonlySet<number | null>,
): Generator<Finding> {
  const { main } = configuration
  for (const setting of main.settings) {
    if (configuration.written(setting.name) !== setting) continue
    if (setting.lines.some(({ line }) => intruders.has(line))) continue
    const { name, text } = setting
    const hash = setting.lines.find((line) =>
      /(?:^|[\s,])#/.test(line.text.slice(line.text.indexOf('=') + 1)),
    )
    const at = { ...firstLine(setting), file: main.path }
    if (namesIn(text).includes(name)) yield finding(kinds.selfReference, at)
    else if (hash !== undefined && (ours.has(name) || numbers.test(name)))
      yield finding(kinds.commentInValue, {
        seen: hash.text.trim(),
        file: main.path,
        line: hash.line,
        change: `${hash.text.replace(/\s*#.*$/, '')}\n(and the words of the comment in a line above that begins with #)`,
      })
    else {
      const value = configuration.value(name)
      if (numbers.test(name) && (ours.has(name) || name.startsWith('unknown_')) && !/^\d+$/.test(value))
        yield finding(kinds.badValue, {
          ...at,
          change: `${name} = ${name.endsWith('_code') ? '550' : '1000'}`,
        })
      else if (name.endsWith('_reject_code') && ours.has(name) && !/^[45]\d\d$/.test(value))
        yield finding(kinds.badValue, { ...at, change: `${name} = 550` })
      else if (switches.includes(name) && !/^(?:yes|no)$/i.test(value))
        yield finding(kinds.badValue, { ...at, change: `${name} = no` })
      else if (times.test(name) && !/^\d+[smhdw]?$/.test(value))
        yield finding(kinds.badValue, { ...at, change: `${name} = 10s` })
      else if (name === 'inet_protocols' && partsOf(value).some((word) => !/^(?:all|ipv4|ipv6)$/.test(word)))
        yield finding(kinds.badValue, { ...at, change: 'inet_protocols = all' })
    }
  }
}

const firstLine = ({ lines, line }: MainSetting): { readonly seen: string; readonly line: number } => ({
  seen: (lines[0]?.text ?? '').trim(),
  line,
})

// ---- one name, several settings ----

function* repetitions(configuration: PostfixConfiguration): Generator<Finding> {
  const { main } = configuration
  const byName = Map.groupBy(main.settings, ({ name }) => name)
  for (const [name, settings] of byName) {
    const last = settings.at(-1)
    const earlier = settings.slice(0, -1)
    if (last === undefined || earlier.length === 0) continue
    const kept = new Set(partsOf(configuration.expand(last.text)))
    for (const setting of earlier) {
      const lost = partsOf(configuration.expand(setting.text)).filter((word) => !kept.has(word))
      const isOurs = lost.some((word) => isOurWord(word))
      const isList = lists.includes(name)
      const changes = isOurs || (isList && lost.length > 0)
      const kind = isOurs ? kinds.overridden : changes ? kinds.othersOverridden : kinds.repeated
      yield finding(kind, {
        seen: `${firstLine(last).seen}  (line ${setting.line} had: ${firstLine(setting).seen})`,
        file: main.path,
        line: last.line,
        ...(changes
          ? {
              why: `Of two settings of one name the last counts: line ${setting.line} with ${lost.join(', ')} is out of force.`,
              change: `Take line ${setting.line} away, and write in line ${last.line}:\n${name} = ${[...partsOf(last.text), ...lost].join(', ')}`,
            }
          : { change: `Take line ${setting.line} away.` }),
      })
    }
  }
}

function isOurWord(word: string): boolean {
  const table = tableOf(word)
  return table !== null && ourTable(table) !== null
}
