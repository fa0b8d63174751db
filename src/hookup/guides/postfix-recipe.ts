// The lines that Postfix needs for this host's lists, joined to what main.cf says already (postconf(5)); pure. Law: every
// value that is there goes on counting; where our line would cut somebody else's mail off there is a refusal with words.
import type { Hookup, HostFacts, Setting } from '../../model/hookup.ts'
import { type PostfixConfiguration, partsOf } from './postfix-configuration.ts'
import { plain } from './postfix-lines.ts'
import { byAsking } from './postfix-recipe-asking.ts'
import { delimiterSettings, hostSettings, ourSide, refusalsFor } from './postfix-recipe-checks.ts'
import { isRelayed, namesOf, type RecipeInput } from './postfix-recipe-input.ts'
import { byTables } from './postfix-recipe-tables.ts'
import { isOurTable, type SeenDomain } from './postfix-situation.ts'

export function postfixRecipe(input: RecipeInput): Hookup {
  const { facts, configuration } = input
  const refusals = refusalsFor(input)
  const ours = ourSide(input)
  const directory = configuration.directory
  const afterwards = [
    { argv: ['postfix', '-c', directory, 'reload'], why: 'Postfix reads its configuration again.' },
  ]
  if (refusals.length > 0) return { files: [], afterwards: [], ours, notes: [], refusals }
  const built = input.way === 'tables' ? byTables(input) : byAsking(input)
  if ('refusals' in built) return { files: [], afterwards: [], ours, notes: [], refusals: built.refusals }
  const settings = [...delimiterSettings(input), ...codes(input), ...built.settings, ...hostSettings(input)]
  return {
    files: [
      { path: configuration.main.path, kind: 'block', comment: '#', place: 'end', settings, mode: 0o644 },
    ],
    afterwards,
    ours,
    notes: [...built.notes, ...generalNotes(facts, input)],
    refusals: [],
  }
}

function codes({ configuration, domains }: RecipeInput): readonly Setting[] {
  const why =
    'Unknown addresses are refused for good: a temporary refusal makes the sending side try again for days.'
  const has = (name: SeenDomain['class']) => domains.some((domain) => domain.class === name)
  const wanted = [
    ['unknown_local_recipient_reject_code', has('local')],
    [
      'unknown_relay_recipient_reject_code',
      domains.some((one) => isRelayed(one) || one.aliasDomain !== null),
    ],
    ['unknown_virtual_alias_reject_code', has('virtual-alias')],
    ['unknown_virtual_mailbox_reject_code', has('virtual-mailbox')],
  ] as const
  return [
    ...plain(
      configuration,
      'owner_request_special',
      'no',
      'Otherwise Postfix treats LIST-owner and LIST-request in a way of its own.',
    ),
    ...wanted.flatMap(([name, isWanted]) => (isWanted ? plain(configuration, name, '550', why) : [])),
  ]
}

function generalNotes(
  facts: HostFacts,
  { configuration, domains, missing, way }: RecipeInput,
): readonly string[] {
  const notes: string[] = []
  const needed = missing.filter((name) => name !== 'postfix_vmap')
  if (way === 'tables' && needed.length > 0)
    notes.push(
      `Run 'posthorn aliases' before Postfix hears of these lines: ${needed.join(', ')} ${needed.length === 1 ? 'is' : 'are'} not in ${facts.dataDir} yet, and Postfix answers 451 to all mail when a table is missing. (--write does that first.)`,
    )
  const late = domains.filter(({ listOnly }) => !listOnly)
  if (way === 'tables' && late.length > 0)
    notes.push(
      `${namesOf(late)}: Postfix knows the way to a new list only up to 10 s after it knows its address, and bounces its first posts or sends them astray. 'reload_command: sudo -n postfix reload' in section [postfix] of the file of [mta] configuration closes the gap.`,
    )
  const alone = late.filter((domain) => domain.class === 'none')
  if (way === 'tables' && alone.length > 0)
    notes.push(
      `${namesOf(alone)}: nobody else lives here on this mail server, so 'posthorn domain set NAME --list-only', and then 'posthorn hookup' again, closes it too.`,
    )
  const others = othersTables(configuration, facts)
  if (others.length > 0)
    notes.push(
      `${others.join(', ')}: tables of another list manager. They stay, and ours are asked first for transports; take them out of main.cf when that one is gone.`,
    )
  if (configuration.value('soft_bounce') === 'yes')
    notes.push('soft_bounce = yes: every refusal is a temporary one, also for unknown lists.')
  return notes
}

/** Tables by the names that Mailman gives them, in another folder. */
function othersTables(configuration: PostfixConfiguration, facts: HostFacts): readonly string[] {
  const parameters = ['transport_maps', 'local_recipient_maps', 'relay_domains', 'virtual_alias_maps']
  const words = parameters.flatMap((name) => partsOf(configuration.value(name)))
  return [...new Set(words)].filter(
    (word) => /\/postfix_(?:lmtp|domains|vmap)$/.test(word) && !isOurTable(word, facts),
  )
}
