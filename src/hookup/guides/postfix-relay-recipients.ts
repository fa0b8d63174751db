// relay_recipient_maps for the domains of lists (postconf(5)); pure. Law: the parameter counts for every relay domain, so
// whoever was relayed for without it goes on being so: by a line that accepts the whole domain, or by a refusal of ours.
import type { HostFacts } from '../../model/hookup.ts'
import { type PostfixConfiguration, partsOf } from './postfix-configuration.ts'
import { joined, wordsOf } from './postfix-lines.ts'
import { tableOf } from './postfix-look-ups.ts'
import type { Built } from './postfix-recipe-input.ts'
import { isOurTable, type SeenDomain } from './postfix-situation.ts'

/** `relayed` are the domains of lists in this class; `source` says which addresses exist in them. */
export function relayRecipients(
  { configuration, facts }: { readonly configuration: PostfixConfiguration; readonly facts: HostFacts },
  relayed: readonly SeenDomain[],
  source: string,
): Built {
  const why =
    'Unknown lists are refused at once with 550: without this line their mail is accepted, and bounces later to whoever was forged as its sender.'
  const add = (words: readonly string[]) =>
    joined(configuration, 'relay_recipient_maps', words, why, {
      where: 'last',
      isOurs: (word) => isOurTable(word, facts),
    })
  const isChecked = wordsOf(configuration, 'relay_recipient_maps').some((word) => !isOurTable(word, facts))
  if (isChecked) return { settings: add([source]), notes: [] }
  const own = relayed.flatMap(({ mailHost, aliasDomain, listOnly }) => [
    ...(aliasDomain === null ? [] : [aliasDomain]),
    ...(listOnly ? [mailHost] : []),
  ])
  const others = wordsOf(configuration, 'relay_domains').filter(
    (word) => !isOurTable(word, facts) && !own.includes(word.toLowerCase()),
  )
  // Another list manager of Mailman's kind says beside its domains which addresses it has.
  const managers = others.flatMap((word) => recipientsBeside(word) ?? [])
  // Domains of mydestination are local, whatever relay_domains says (the default before compatibility_level 2).
  const words = others
    .filter((word) => recipientsBeside(word) === null)
    .filter((word) => !/^\$(?:mydestination|[{(]mydestination[)}])$/.test(word))
    .flatMap((word) => (word.startsWith('$') ? partsOf(configuration.expand(word)) : [word]))
  if (words.length === 0) return { settings: add([...managers, source]), notes: [] }
  const hasInline = configuration.tableTypes?.includes('inline') ?? true
  const withParents = partsOf(configuration.value('parent_domain_matches_subdomains')).includes(
    'relay_domains',
  )
  const parent = words.find(
    (word) =>
      withParents &&
      relayed.some(({ mailHost }) => mailHost.endsWith(`.${word.replace(/^\./, '').toLowerCase()}`)),
  )
  if (parent !== undefined)
    return {
      refusals: [
        `relay_domains has '${parent}', which stands for all of its subdomains too, and relay_recipient_maps is empty: Postfix relays for every name in them. Set for lists alone, relay_recipient_maps would refuse all of their mail. Name the domains that mail is relayed for one by one in relay_domains, or take 'posthorn hookup postfix --way verify'.`,
      ],
    }
  const unclear = words.find((word) => tableOf(word) !== null || /^[!/]/.test(word) || !hasInline)
  if (unclear !== undefined)
    return {
      refusals: [
        `relay_domains has '${unclear}', and relay_recipient_maps is empty: Postfix relays for every name in those domains. Set for lists alone, relay_recipient_maps would refuse all of their mail. Give those domains a relay_recipient_maps of their own first (a line '@DOMAIN OK' in a table accepts every name), or take 'posthorn hookup postfix --way verify'.`,
      ],
    }
  const pass = `inline:{ ${words.map((domain) => `{@${domain} = OK}`).join(', ')} }`
  const shared = relayed.map(({ mailHost }) => mailHost).filter((name) => words.includes(name))
  return {
    settings: add([pass, ...managers, source]),
    notes: [
      ...shared.map(
        (name) =>
          `${name} is in relay_domains and not marked as list-only, so Postfix takes mail for every name in it, also for lists that there are not. If nobody else lives there: 'posthorn domain set ${name} --list-only', and 'posthorn hookup' again.`,
      ),
      `Postfix goes on relaying for every name in ${words.join(', ')}, as it did; their subdomains, if they have any with mail, need a line of their own in relay_recipient_maps.`,
    ],
  }
}

/** `hash:/var/lib/mailman3/data/postfix_lmtp` beside `…/postfix_domains`; null for any other word. */
const recipientsBeside = (word: string): string | null =>
  tableOf(word) !== null && /\/postfix_domains$/.test(word) ? word.replace(/domains$/, 'lmtp') : null
