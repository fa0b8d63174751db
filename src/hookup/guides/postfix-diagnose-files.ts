// Faults of main.cf and master.cf as texts: lines that are no settings, that are swallowed by others, or that a later line
// takes out of force; names and values that Postfix does not know. Pure.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { type PostfixConfiguration, partsOf } from './postfix-configuration.ts'
import { firstLine, oddValues } from './postfix-diagnose-values.ts'
import { namesIn } from './postfix-expansion.ts'
import * as kinds from './postfix-kinds.ts'
import { tableOf } from './postfix-look-ups.ts'
import { nearest, ours } from './postfix-names.ts'
import { ourTable } from './postfix-view.ts'

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
    if (used.has(name) || names.some((service) => isOfTransport(name, service))) continue
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

/** A parameter that each transport may have under its own name; `relay_domians` is none, though `relay` is one. */
const isOfTransport = (name: string, service: string): boolean =>
  name.startsWith(`${service}_`) && ofTransports.test(name.slice(service.length + 1))

const ofTransports =
  /^(?:(?:initial_)?destination_|(?:extra_)?recipient_(?:limit|refill_)|minimum_delivery_slots|delivery_slot_|time_limit|transport_rate_delay)/

// Names of main.cf are among what postconf prints only when something uses them; it says itself which are not.
const isUnused = ({ remarks }: PostfixConfiguration, name: string): boolean =>
  (remarks ?? []).some((remark) => remark.includes(`unused parameter: ${name}=`))

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
