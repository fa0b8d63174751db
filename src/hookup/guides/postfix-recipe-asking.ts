// The recipe for Postfix without tables: it asks the look-up service (socketmap_table(5)), or the door at RCPT (address
// verification, ADDRESS_VERIFICATION_README); pure. Law: the domains have a route that stands in main.cf itself, and
// nothing that other people's mail needs is asked of Posthorn.
import { isIP } from 'node:net'
import type { HostFacts } from '../../model/hookup.ts'
import { joined, lmtpTransport, plain } from './postfix-lines.ts'
import type { Built, RecipeInput } from './postfix-recipe-input.ts'
import { relayRecipients } from './postfix-relay-recipients.ts'
import { isOurTable } from './postfix-situation.ts'

export function byAsking(input: RecipeInput): Built {
  const { facts, configuration, domains, way } = input
  const names = domains.map(({ mailHost }) => mailHost)
  const to = lmtpTransport(facts.lmtp)
  const add = (name: string, ours: readonly string[], why: string, where: 'first' | 'last' = 'last') =>
    joined(configuration, name, ours, why, { where, isOurs: (word) => isOurTable(word, facts) })
  const settings = [
    ...add(
      'transport_maps',
      [`inline:{ ${names.map((name) => `{${name} = ${to}}`).join(', ')} }`],
      'The domains go to Posthorn by LMTP, whatever lists there are.',
      'first',
    ),
    ...add('relay_domains', names, 'Postfix takes mail for the domains of lists.'),
  ]
  const notes = [
    `After adding another domain, run 'posthorn hookup' again: nothing here is read from a table.`,
  ]
  const source =
    way === 'lookup'
      ? `socketmap:${socketmapPlace(facts)}:recipients`
      : `inline:{ ${names.map((name) => `{@${name} = OK}`).join(', ')} }`
  // Without relay_recipient_maps every name passes to the question at the door.
  const isOpen = way === 'verify' && configuration.value('relay_recipient_maps') === ''
  const recipients = isOpen ? { settings: [], notes: [] } : relayRecipients(input, domains, source)
  if ('refusals' in recipients) return recipients
  settings.push(...recipients.settings)
  notes.push(...recipients.notes)
  if (way === 'lookup') {
    notes.push(
      'While Posthorn is down, mail for its domains is answered 451 and comes again; other mail is not touched.',
    )
    return { settings, notes }
  }
  settings.push(
    ...add(
      'smtpd_recipient_restrictions',
      [
        `check_recipient_access inline:{ ${names.map((name) => `{${name} = reject_unverified_recipient}`).join(', ')} }`,
      ],
      'Before a recipient in these domains is accepted, Posthorn is asked whether it exists.',
      'first',
    ),
    ...plain(
      configuration,
      'unverified_recipient_reject_code',
      '550',
      'Unknown lists are refused for good, not for now.',
    ),
    ...plain(
      configuration,
      'address_verify_negative_expire_time',
      '10s',
      'An address that was tried before its list was made is refused no longer than this (Postfix: 3 days).',
    ),
    ...plain(configuration, 'address_verify_negative_refresh_time', '10s', 'As the line before.'),
    ...plain(
      configuration,
      'address_verify_positive_expire_time',
      '1h',
      'A list that is removed is accepted no longer than this (Postfix: 31 days).',
    ),
    ...plain(configuration, 'address_verify_positive_refresh_time', '15m', 'As the line before.'),
    ...plain(
      configuration,
      'address_verify_poll_delay',
      '1s',
      'The first mail to an address waits less for the answer.',
    ),
  )
  return { settings, notes }
}

function socketmapPlace({ lookup, lmtp }: HostFacts): string {
  const place = lookup.socketmap ?? '127.0.0.1:8026'
  if (place.startsWith('/')) return `unix:${place}`
  // A service that listens on all addresses is asked at the one of the door.
  return `inet:${place.replace(/^(?:0\.0\.0\.0|\[::\]):/, `${isIP(lmtp.host) === 6 ? `[${lmtp.host}]` : lmtp.host}:`)}`
}
