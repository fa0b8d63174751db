// What becomes of a copy that Postfix has taken: its envelope sender must stay as it is, for it names the member, and it
// must go out into the world rather than round.
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { isLoopback } from './hosts.ts'
import { partsOf } from './postfix-configuration.ts'
import type { MasterService } from './postfix-files.ts'
import * as kinds from './postfix-kinds.ts'
import { readNexthop } from './postfix-nexthop.ts'
import { copySender, elsewhere, outgoingOf } from './postfix-outgoing.ts'
import { mapOnce } from './postfix-routing.ts'
import { inside, listeners } from './postfix-services.ts'
import { type PostfixView, placeFor } from './postfix-view.ts'

// ---- the way to the world ----

export async function* copyFaults(view: PostfixView): AsyncGenerator<Finding> {
  yield* rewrittenSenders(view)
  yield* wayOut(view)
}

async function* wayOut(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration, facts } = view
  const { channel, nexthop, parameter, entry } = await outgoingOf(view)
  const place = placeFor(view, inside(configuration, 'rewrite'), parameter, entry?.table.shown)
  const command = inside(configuration, channel)?.command
  if (command === undefined && configuration.master.services.length > 0) {
    yield finding(kinds.serviceMissing, {
      ...place,
      seen: `${place.seen}; master.cf has no service '${channel}'`,
      change: `${channel.padEnd(9)} unix  -       -       y       -       -       smtp`,
    })
    return
  }
  if (command === 'error' || command === 'discard' || command === 'local' || command === 'virtual') {
    yield finding(kinds.noWayOut, place)
    return
  }
  const read = readNexthop(nexthop)
  if (read.kind !== 'inet' || !isLoopback(read.host) || !nexthopIsNamed(nexthop)) return
  const port = read.port ?? (command === 'lmtp' ? 24 : 25)
  const own = listeners(configuration).some((each) => each.port === port && isPlain(view, each.service))
  if (port !== facts.lmtp.port && port !== facts.smtpIntake?.port && !own) return
  yield finding(kinds.loop, {
    ...place,
    why: `Mail for ${elsewhere} goes to ${channel}:${nexthop}, which is ${own ? 'this Postfix itself' : "Posthorn's own door"}. ${kinds.loop.why}`,
  })
}

/** The recipient's own domain stands there when nothing is named. */
const nexthopIsNamed = (nexthop: string): boolean => nexthop !== elsewhere.replace(/^.*@/, '')

/** An smtpd that passes mail on as this one did: no instance of its own, no filter behind which mail comes back. */
const isPlain = ({ configuration }: PostfixView, service: MasterService): boolean =>
  !service.overrides.has('relayhost') &&
  !service.overrides.has('content_filter') &&
  configuration.value('content_filter') === ''

// ---- rewriting on the way out ----

async function* rewrittenSenders(view: PostfixView): AsyncGenerator<Finding> {
  const { configuration, facts } = view
  const domain = facts.domains.find(({ listNames }) => listNames.length > 0)
  const sender = copySender(view)
  if (domain === undefined || sender === null) return
  const cleanup = inside(configuration, 'cleanup')
  for (const [parameter, service, classes] of [
    ['sender_canonical_maps', cleanup, 'sender_canonical_classes'],
    ['canonical_maps', cleanup, 'canonical_classes'],
    ['smtp_generic_maps', inside(configuration, 'smtp'), null],
    ['lmtp_generic_maps', inside(configuration, 'lmtp'), null],
  ] as const) {
    const named = classes === null ? [] : partsOf(configuration.valueFor(cleanup, classes))
    if (named.length > 0 && !named.includes('envelope_sender')) continue
    const mapped = await mapOnce(view, sender, parameter, service)
    if (mapped === null || mapped.to.includes(sender)) continue
    yield finding(kinds.senderRewritten, {
      ...placeFor(view, service, parameter, mapped.table.shown),
      why: `${parameter} makes ${mapped.to.join(', ')} of ${sender} (${mapped.table.shown}: ${mapped.key}). ${kinds.senderRewritten.why}`,
      change: `Take ${mapped.key} out of ${mapped.table.name}${mapped.key.startsWith('@') ? `, or name the addresses that it is for one by one` : ''}.`,
    })
    return
  }
  const masked = masqueradedBy(view, domain.mailHost)
  if (masked !== null)
    yield finding(kinds.senderRewritten, {
      ...placeFor(view, cleanup, 'masquerade_domains', masked),
      why: `masquerade_domains makes ${masked} of ${domain.mailHost} in envelope senders. ${kinds.senderRewritten.why}`,
      change: `masquerade_domains = !${domain.mailHost}, ${partsOf(configuration.value('masquerade_domains')).join(', ')}`,
    })
}

/** The domain that is put in place of ours; the first word that fits decides, `!` keeps it. */
function masqueradedBy({ configuration }: PostfixView, domain: string): string | null {
  const cleanup = inside(configuration, 'cleanup')
  const classes = partsOf(configuration.valueFor(cleanup, 'masquerade_classes'))
  if (classes.length > 0 && !classes.includes('envelope_sender')) return null
  for (const word of partsOf(configuration.valueFor(cleanup, 'masquerade_domains'))) {
    const bare = word.replace(/^!/, '').toLowerCase()
    if (domain !== bare && !domain.endsWith(`.${bare}`)) continue
    return word.startsWith('!') || domain === bare ? null : word
  }
  return null
}
