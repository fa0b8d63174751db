// The recipe for Postfix by tables that Posthorn writes (postconf(5), transport(5), virtual(5)); pure. Law: what Postfix
// looks up already stays; only addresses of lists come to it.
import type { Setting } from '../../model/hookup.ts'
import { joined } from './postfix-lines.ts'
import { type Built, isRelayed, namesOf, type RecipeInput, tableTypeOf } from './postfix-recipe-input.ts'
import { relayRecipients } from './postfix-relay-recipients.ts'
import { isOurTable, type SeenDomain } from './postfix-situation.ts'

export function byTables(input: RecipeInput): Built {
  const { facts, configuration, domains } = input
  const type = tableTypeOf(input)
  const table = (name: string): string => `${type}:${facts.dataDir}/${name}`
  const aliased = domains.filter(({ aliasDomain }) => aliasDomain !== null)
  const direct = domains.filter(({ aliasDomain }) => aliasDomain === null)
  const isIn = (name: SeenDomain['class']) => direct.some((domain) => domain.class === name)
  const relayed = [...aliased, ...direct.filter(isRelayed)]
  const add = (name: string, ours: readonly string[], why: string, where: 'first' | 'last' = 'last') =>
    joined(configuration, name, ours, why, { where, isOurs: (word) => isOurTable(word, facts) })
  const notes: string[] = []

  const routes = domains.some(({ listOnly }) => listOnly) ? [table('postfix_routes')] : []
  const settings = [
    ...add(
      'transport_maps',
      [table('postfix_lmtp'), ...routes],
      routes.length === 0
        ? 'Each address of each list goes to Posthorn by LMTP.'
        : 'Each address of each list goes to Posthorn by LMTP; postfix_routes does so for a new list before Postfix has seen it in postfix_lmtp (up to 10 s later).',
      'first',
    ),
  ]
  if (isIn('local')) {
    const why = 'Lists in a domain of mydestination are no unknown users; people stay what they were.'
    if (configuration.value('local_recipient_maps') !== '')
      settings.push(...add('local_recipient_maps', [table('postfix_lmtp')], why))
    else
      notes.push(
        'local_recipient_maps is empty, so Postfix takes mail for every name in mydestination and bounces what is for nobody; it is left so, since a map of lists alone would refuse all people.',
      )
  }
  if (isIn('virtual-mailbox')) {
    const why =
      'Lists in a domain of virtual_mailbox_domains are no unknown users; mailboxes stay what they were.'
    if (configuration.value('virtual_mailbox_maps') !== '')
      settings.push(...add('virtual_mailbox_maps', [table('postfix_lmtp')], why))
    else
      notes.push(
        'virtual_mailbox_maps is empty, so Postfix asks nobody which mailboxes exist; it is left so, since a map of lists alone would refuse all people.',
      )
  }
  if (relayed.length > 0) {
    const names = relayed.map(({ mailHost, aliasDomain }) => aliasDomain ?? mailHost)
    const isOneClass = direct.every(isRelayed)
    settings.push(
      ...add(
        'relay_domains',
        isOneClass ? [table('postfix_domains')] : names,
        isOneClass
          ? 'Postfix takes mail for the domains of lists.'
          : 'Postfix takes mail for the domains that are for lists alone; by name, since postfix_domains names the others too, and a domain belongs to one class.',
      ),
    )
    const recipients = relayRecipients(input, relayed, table('postfix_lmtp'))
    if ('refusals' in recipients) return recipients
    settings.push(...recipients.settings)
    notes.push(...recipients.notes)
    if (!isOneClass)
      notes.push(
        `relay_domains names ${names.join(' ')}: after adding another domain that is for lists alone, run 'posthorn hookup' again.`,
      )
  }
  if (aliased.length > 0) {
    settings.push(...aliasSettings(input, aliased, add, table('postfix_vmap')))
    if (!hasVmap(input, aliased))
      notes.push(
        `virtual_alias_maps is not set yet: ${facts.dataDir}/postfix_vmap is not there yet, and Postfix answers 451 to all mail when a table is missing. 'posthorn aliases' writes it (with 'compatible: yes': once ${namesOf(aliased)} has a list); then run 'posthorn hookup' again.`,
      )
  }
  if (['regexp', 'pcre', 'texthash'].includes(type))
    notes.push(
      `A running Postfix does not read ${type} tables again: it needs 'postfix reload' after each list that is made or removed ([postfix] reload_command in the file of [mta] configuration).`,
    )
  return { settings, notes }
}

type Add = (
  name: string,
  ours: readonly string[],
  why: string,
  where?: 'first' | 'last',
) => readonly Setting[]

function aliasSettings(
  input: RecipeInput,
  aliased: readonly SeenDomain[],
  add: Add,
  vmap: string,
): readonly Setting[] {
  const { configuration } = input
  const unknown = aliased.filter(({ class: of }) => of === 'none').map(({ mailHost }) => mailHost)
  const classLine =
    unknown.length === 0
      ? []
      : add('virtual_alias_domains', unknown, 'Postfix takes mail for the domains that have an alias domain.')
  if (!hasVmap(input, aliased)) return classLine
  return [
    ...classLine,
    ...add(
      'virtual_alias_maps',
      [vmap],
      'The addresses of lists become those in the alias domain, which is routed to Posthorn: a virtual domain itself cannot be.',
      'first', // before a pattern that takes the whole domain
    ),
    ...(configuration.value('propagate_unmatched_extensions').includes('virtual')
      ? []
      : add(
          'propagate_unmatched_extensions',
          ['virtual'],
          'The extension of a bounce address survives the rewriting.',
        )),
  ]
}

// The table comes with the first list at the latest, and stays.
const hasVmap = ({ missing }: RecipeInput, aliased: readonly SeenDomain[]): boolean =>
  !missing.includes('postfix_vmap') || aliased.some(({ listNames }) => listNames.length > 0)
