// Values of main.cf that are of the wrong kind, whatever they are for (postconf(5)): numbers, switches, networks, names of
// restrictions; comments behind a value, and settings that refer to themselves. Pure.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { type PostfixConfiguration, partsOf } from './postfix-configuration.ts'
import { namesIn } from './postfix-expansion.ts'
import type { MainSetting } from './postfix-files.ts'
import * as kinds from './postfix-kinds.ts'
import { nearest, ours, restrictionNames } from './postfix-names.ts'
import { wrongNetwork } from './postfix-networks.ts'

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
export function* oddValues(
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
      else if (name === 'smtpd_recipient_limit' && Number(value) < 1)
        yield finding(kinds.badValue, { ...at, change: `${name} = 1000` })
      else if (/^smtpd_\w+_restrictions$/.test(name)) yield* unknownRestrictions(configuration, setting)
      else if (name === 'mynetworks') yield* wrongNetworks(configuration, at)
      else if (name === 'inet_protocols' && partsOf(value).some((word) => !/^(?:all|ipv4|ipv6)$/.test(word)))
        yield finding(kinds.badValue, { ...at, change: 'inet_protocols = all' })
    }
  }
}

/** smtpd answers everybody with 451 when a network of mynetworks has bits behind its prefix, or none that there is. */
function* wrongNetworks(
  configuration: PostfixConfiguration,
  at: { readonly seen: string; readonly file: string; readonly line: number },
): Generator<Finding> {
  for (const word of partsOf(configuration.value('mynetworks'))) {
    const wrong = wrongNetwork(word)
    if (wrong !== null)
      yield finding(kinds.badValue, {
        ...at,
        why: `${wrong}: smtpd answers "451 Server configuration error" to everybody.`,
        change: word.startsWith('127.') ? 'Write 127.0.0.0/8' : `Correct ${word}`,
      })
  }
}

/** Only names that come near a known one: classes and words behind others may be called anything. */
function* unknownRestrictions(configuration: PostfixConfiguration, setting: MainSetting): Generator<Finding> {
  const classes = partsOf(configuration.value('smtpd_restriction_classes'))
  for (const word of partsOf(configuration.value(setting.name))) {
    if (restrictionNames.has(word.toLowerCase()) || classes.includes(word) || /[:/.{]/.test(word)) continue
    const meant = nearest(word, restrictionNames)
    if (meant === null || /^check_\w+_(?:a|mx|ns)_access$/.test(word)) continue
    const line = setting.lines.find(({ text }) => text.includes(word)) ?? setting.lines[0]
    yield finding(kinds.unknownRestriction, {
      seen: (line?.text ?? '').trim(),
      file: configuration.main.path,
      line: line?.line ?? setting.line,
      why: `Postfix knows no restriction ${word}: ${kinds.unknownRestriction.why}`,
      change: (line?.text ?? '').trim().replace(word, meant),
    })
  }
}

/** As `seen` and `line` of a finding. */
export const firstLine = ({
  lines,
  line,
}: MainSetting): { readonly seen: string; readonly line: number } => ({
  seen: (lines[0]?.text ?? '').trim(),
  line,
})
