// Would smtpd take mail for a list from outside, and if not, what is the cause: the class of its domain, the maps that say
// which recipients exist, or a restriction.
import type { Finding, FindingKind } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { finding } from '../finding.ts'
import { partsOf } from './postfix-configuration.ts'
import * as kinds from './postfix-kinds.ts'
import { tableOf } from './postfix-look-ups.ts'
import { refusalOf } from './postfix-restrictions.ts'
import { type ClassFound, isKnown } from './postfix-routing.ts'
import { inside, publicSmtpd } from './postfix-services.ts'
import { ourWord, type PostfixView, placeFor, placeOf, withoutWord, withWord } from './postfix-view.ts'

/** A client that has nothing to do with us. */
export const outsider = { client: '203.0.113.77', sender: 'someone@example.com', login: null } as const

/** Null: all is well. */
export type Faults = readonly Finding[] | null

/** Would smtpd take the address from outside? Null: yes. */
export async function acceptance(
  view: PostfixView,
  domain: DirectoryDomain,
  classes: readonly ClassFound[],
  address: string,
): Promise<Faults> {
  const { mailHost } = domain
  const smtpd = publicSmtpd(view.configuration)
  const [first, second] = classes
  if (first === undefined) return [noClass(view, domain)]
  const known = await isKnown(view, smtpd, address, first.class)
  if (!known.known) {
    if (second !== undefined) return [twoClasses(view, kinds.twoClasses, mailHost, first, second)]
    return [unknownIn(view, domain, first, known.parameter, address)]
  }
  const refusal = await refusalOf(view, { ...outsider, smtpd, recipient: address })
  if (refusal === null) return null
  const place = placeFor(view, smtpd, refusal.parameter, refusal.word.split(' ')[0] ?? '')
  const answer = refusal.answer === null ? '' : `; ${refusal.table?.name} says: ${refusal.answer}`
  return [
    finding(kinds.refusedByRule, {
      ...place,
      seen: `${place.seen}${answer}`,
      why: `${refusal.word} refuses mail from outside for ${address}. ${kinds.refusedByRule.why}`,
      change:
        refusal.table === null
          ? `Let ${mailHost} pass before ${refusal.word}: ${refusal.parameter} = permit_mynetworks, permit_auth_destination, reject`
          : `Take the entry out of ${refusal.table.name}, or let ${mailHost} pass before ${refusal.word}.`,
    }),
  ]
}

function noClass(view: PostfixView, { mailHost, aliasDomain }: DirectoryDomain): Finding {
  if (aliasDomain !== null)
    return finding(kinds.noClass, {
      ...placeOf(view, 'virtual_alias_domains'),
      why: `${mailHost} has the alias domain ${aliasDomain}, but is itself in no address class: senders hear "Relay access denied".`,
      change: withWord(view, 'virtual_alias_domains', mailHost),
    })
  return finding(kinds.noClass, {
    ...placeOf(view, 'relay_domains'),
    why: `${mailHost} is in none of mydestination, virtual_alias_domains, virtual_mailbox_domains, relay_domains: senders hear "Relay access denied".`,
    change: withWord(view, 'relay_domains', ourWord(view, 'postfix_domains')),
  })
}

export function twoClasses(
  view: PostfixView,
  kind: FindingKind,
  mailHost: string,
  first: ClassFound,
  second: ClassFound,
): Finding {
  const place = placeOf(view, first.parameter, first.word)
  const other = placeOf(view, second.parameter, second.word)
  const at = other.line === null ? second.parameter : `${second.parameter} in line ${other.line}`
  const elsewhere = first.class === 'local' && view.configuration.written('mydestination') === null
  return finding(kind, {
    ...place,
    why: `${mailHost} is in ${first.parameter} (${first.word}) and in ${at} (${second.word}). ${kind.why}`,
    change: elsewhere
      ? `mydestination = ${partsOf(view.configuration.value('mydestination'))
          .filter((word) => word !== mailHost)
          .join(', ')}`
      : tableOf(first.word) === null
        ? withoutWord(view, first.parameter, first.word)
        : `Take ${mailHost} out of ${first.word}, or ${first.word} out of ${first.parameter}.`,
  })
}

/** Why the class's maps do not know a list. */
function unknownIn(
  view: PostfixView,
  { mailHost, aliasDomain }: DirectoryDomain,
  found: ClassFound,
  parameter: string,
  address: string,
): Finding {
  const isVirtual = found.class === 'virtual-alias' || found.class === 'virtual-mailbox'
  if (isVirtual && aliasDomain !== null)
    return finding(kinds.vmapUnused, {
      ...placeFor(view, inside(view.configuration, 'cleanup'), 'virtual_alias_maps'),
      why: `${address} should become an address in ${aliasDomain}. ${kinds.vmapUnused.why}`,
      change: withWord(view, 'virtual_alias_maps', ourWord(view, 'postfix_vmap')),
    })
  if (found.class === 'virtual-alias')
    return finding(kinds.virtualAlias, {
      ...placeOf(view, found.parameter, found.word),
      change: `posthorn domain set ${mailHost} --alias-domain lists.${mailHost}\nthen in main.cf: ${withWord(view, 'virtual_alias_maps', ourWord(view, 'postfix_vmap'))}\n(or, when no aliases live in ${mailHost}: ${withoutWord(view, found.parameter, found.word)})`,
    })
  if (found.class === 'virtual-mailbox')
    return finding(kinds.virtualMailbox, {
      ...placeOf(view, found.parameter, found.word),
      change: `${withWord(view, 'virtual_mailbox_maps', ourWord(view, 'postfix_lmtp'))}\n(or, when no mailboxes live in ${mailHost}: ${withoutWord(view, found.parameter, found.word)})`,
    })
  return finding(kinds.unknownRecipients, {
    ...placeFor(view, publicSmtpd(view.configuration), parameter),
    why: `${mailHost} is in ${found.parameter}, so ${parameter} says which names exist there, and it does not know ${address}: senders hear "User unknown".`,
    change: withWord(view, parameter, ourWord(view, 'postfix_lmtp')),
  })
}
