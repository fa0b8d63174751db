// The lines that Postfix needs for this host's lists, joined to what main.cf says already (postconf(5)); pure. Law: every
// value that is there goes on counting; where our line would cut somebody else's mail off there is a refusal with words.
import type { Hookup, HostFacts, Setting } from '../../model/hookup.ts'
import { plain } from './postfix-lines.ts'
import { byAsking } from './postfix-recipe-asking.ts'
import { delimiterSettings, hostSettings, ourSide, refusalsFor } from './postfix-recipe-checks.ts'
import { isRelayed, namesOf, type RecipeInput } from './postfix-recipe-input.ts'
import { byTables } from './postfix-recipe-tables.ts'
import type { SeenDomain } from './postfix-situation.ts'

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
  const needed = missing.filter((name) => name !== 'postfix_vmap')
  const ungated = domains.filter((domain) => !domain.listOnly && domain.class === 'none')
  return [
    ...(way === 'tables' && needed.length > 0
      ? [
          `Run 'posthorn aliases' before Postfix hears of these lines: ${needed.join(', ')} ${needed.length === 1 ? 'is' : 'are'} not in ${facts.dataDir} yet, and Postfix answers 451 to all mail when a table is missing. (--write does that first.)`,
        ]
      : []),
    ...(way === 'tables' && ungated.length > 0
      ? [
          `${namesOf(ungated)}: nobody else lives here on this mail server. 'posthorn domain set NAME --list-only', then 'posthorn hookup' again, lets the first post of a new list arrive at once; else Postfix needs up to 10 s to see a new list.`,
        ]
      : []),
    ...(configuration.value('soft_bounce') === 'yes'
      ? ['soft_bounce = yes: every refusal is a temporary one, also for unknown lists.']
      : []),
  ]
}
