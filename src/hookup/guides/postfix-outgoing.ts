// Where Postfix brings a copy for a member elsewhere (trivial-rewrite(8)): by transport_maps, else by what hangs on the
// sender, else by relayhost and default_transport. Law: as in postfix-routing.ts, tables are asked, never read.
import { firstAnswer } from './postfix-look-ups.ts'
import { addressKeys, type Transport, transportOf } from './postfix-routing.ts'
import { type PostfixView, tablesOf } from './postfix-view.ts'

/** A member whom no setting of a site is about (RFC 2606 §2). */
export const elsewhere = 'member@elsewhere.invalid'

/** The envelope sender of a copy; null where there is no list. */
export function copySender({ facts }: PostfixView): string | null {
  const domain = facts.domains.find(({ listNames }) => listNames.length > 0)
  if (domain === undefined) return null
  return `${domain.listNames[0] ?? ''}-bounces${facts.delimiter}user=example.com@${domain.mailHost}`
}

export async function outgoingOf(view: PostfixView): Promise<Transport> {
  const usual = await transportOf(view, elsewhere)
  if (usual.parameter !== 'default_transport') return usual
  const sender = copySender(view)
  const keys = sender === null ? null : await addressKeys(view, sender)
  const answerOf = (name: string) =>
    keys === null ? null : firstAnswer(view.ask, tablesOf(view, name), keys)
  const bySender = await answerOf('sender_dependent_default_transport_maps')
  const relay = await answerOf('sender_dependent_relayhost_maps')
  const relayhost = relay?.value ?? view.configuration.value('relayhost')
  if (bySender !== null && !/^dunno$/i.test(bySender.value)) {
    const [channel = '', ...rest] = bySender.value.split(':')
    const nexthop = rest.join(':') || relayhost || usual.nexthop
    return { channel, nexthop, parameter: 'sender_dependent_default_transport_maps', entry: bySender }
  }
  if (relay !== null && !/^dunno$/i.test(relay.value))
    return { ...usual, nexthop: relay.value, parameter: 'sender_dependent_relayhost_maps', entry: relay }
  const isRelayhost = relayhost !== '' && usual.nexthop === relayhost
  return { ...usual, parameter: isRelayhost ? 'relayhost' : usual.parameter }
}
