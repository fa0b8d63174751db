// What `posthorn hookup exim` prints. A router takes the lists' addresses, a transport hands them to Posthorn by LMTP, and
// the access control list refuses what the router does not take. Three ways to know the addresses: markers in the file
// system (`tables`), the look-up service (`lookup`), or a callout to our door (`verify`). Law: nothing of the operator's is
// taken away; what stands there for lists already is only corrected. Pure, over what was read.
import type { Hookup, HookupWay, HostFacts } from '../../model/hookup.ts'
import type { EximConfiguration } from './exim-configuration.ts'
import { ourRouters } from './exim-ours.ts'
import { additions, corrections, recipientAcls, usualLookup } from './exim-recipe-files.ts'
import type { Driver } from './exim-syntax.ts'

/** What the recipe has to know of the machine, beside Exim's configuration. */
export interface EximSurroundings {
  /** Exim's machine has the folder of the markers. */
  readonly seesMarkers: boolean
  /** Folders above the markers, and theirs, that Exim's account cannot pass. */
  readonly closedFolders: readonly string[]
  /** What Exim is called there. */
  readonly program: string
}

/** Pure. `exim` is the operator's own configuration, without what an earlier hook-up wrote. */
export function eximRecipe(
  facts: HostFacts,
  exim: EximConfiguration,
  around: EximSurroundings,
  asked: HookupWay | undefined,
): Hookup {
  const way = asked ?? wayFor(facts, around)
  const refusals = refusalsFor(facts, exim, around, way)
  const existing = ourRouters(exim.text, facts)
  const files =
    refusals.length > 0
      ? []
      : [...corrections(facts, exim), ...(existing.length > 0 ? [] : additions(facts, exim, way))]
  return {
    files,
    afterwards: refusals.length > 0 ? [] : afterwards(exim, around, way),
    ours: ours(facts, way),
    notes: [...wayNotes[way], ...existing.map(existingNote)],
    refusals,
  }
}

/** The look-up service when it is there already; markers when Exim sees them; else a callout. */
export function wayFor(facts: HostFacts, { seesMarkers }: EximSurroundings): HookupWay {
  if (facts.lookup.readsocket !== null) return 'lookup'
  if (seesMarkers) return 'tables'
  return facts.domains.every(({ listOnly }) => listOnly) ? 'verify' : 'lookup'
}

function refusalsFor(
  facts: HostFacts,
  exim: EximConfiguration,
  { seesMarkers }: EximSurroundings,
  way: HookupWay,
): readonly string[] {
  const refusals: string[] = []
  const shared = facts.domains.filter(({ listOnly }) => !listOnly).map(({ mailHost }) => mailHost)
  if (facts.domains.length === 0)
    refusals.push("there is no domain yet: make one with 'posthorn domain add lists.example.org --list-only'")
  if (way === 'verify' && shared.length > 0)
    refusals.push(
      `by callout Exim sends every address of a domain to Posthorn, so people in ${shared.join(', ')} would get no mail: use the look-up service or the markers, or say that nobody else lives there: posthorn domain set ${shared[0]} --list-only`,
    )
  if (way === 'tables' && !seesMarkers)
    refusals.push(
      `Exim's machine has no ${facts.listDataDir}: give it that folder (read-only will do), or use the look-up service or a callout`,
    )
  const rcpt = exim.text.main.get('acl_smtp_rcpt')
  if (exim.layout === 'file' && rcpt !== undefined && rcpt.value !== '' && recipientAcls(exim).length === 0)
    refusals.push(
      `${rcpt.place.file}:${rcpt.place.line}: acl_smtp_rcpt names no access control list of this file, so the statement that refuses unknown lists has no place: write 'acl_smtp_rcpt = acl_check_rcpt' and such a list, and run this again`,
    )
  for (const section of ['routers', 'transports', 'acl'])
    if (exim.layout === 'file' && !exim.text.sections.has(section))
      refusals.push(
        `${exim.ownFile} has no line 'begin ${section}': Exim delivers nothing so far, and our lines have no place`,
      )
  return refusals
}

const existingNote = ({ name, place }: Driver): string =>
  `The router ${name} (${place.file}:${place.line}) is there for lists already, so only what it says wrongly is changed; 'posthorn doctor exim' looks at the rest.`

const wayNotes: Readonly<Record<HookupWay, readonly string[]>> = {
  tables: [
    'Exim looks for a folder of each list, which Posthorn makes and removes with it: a new list counts at once, and Exim knows the lists while Posthorn is down.',
  ],
  lookup: [
    'Exim asks the look-up service of Posthorn about each address of these domains: a new list counts at once, and nothing has to be shared but a port. While Posthorn is down, Exim puts such mail off.',
  ],
  verify: [
    'Exim asks the LMTP door about each address at RCPT: a new list counts at once. While Posthorn is down, Exim puts such mail off at RCPT.',
  ],
}

function afterwards(
  exim: EximConfiguration,
  { closedFolders, program }: EximSurroundings,
  way: HookupWay,
): Hookup['afterwards'] {
  const steps: { argv: readonly string[]; why: string }[] = []
  if (way === 'tables' && closedFolders.length > 0)
    steps.push({
      argv: ['chmod', 'o+x', ...closedFolders],
      why: 'At RCPT Exim looks for the folder of a list under its own account. This lets it pass, and read nothing.',
    })
  if (exim.debian !== null)
    steps.push({ argv: ['update-exim4.conf'], why: 'Puts the files together; Exim reads only the result.' })
  steps.push({ argv: [program, '-bV'], why: 'Says so when Exim cannot read its configuration.' })
  steps.push({
    argv: ['systemctl', 'reload', exim.debian === null && program === 'exim' ? 'exim' : 'exim4'],
    why: 'The running Exim reads its configuration again.',
  })
  return steps
}

function ours(facts: HostFacts, way: HookupWay): Hookup['ours'] {
  const lines: { section: string; line: string; why: string }[] = []
  if (way === 'lookup' && facts.lookup.readsocket === null)
    lines.push({
      section: 'lookup',
      line: `readsocket: ${usualLookup}`,
      why: 'The look-up service that Exim asks.',
    })
  if (!facts.incoming.some((name) => name === 'exim4' || name === 'null'))
    lines.push({
      section: 'mta',
      line: `incoming: ${facts.incoming.length === 0 || facts.incoming.includes('postfix') ? 'exim4' : [...facts.incoming, 'exim4'].join(' ')}`,
      why: 'Exim needs no tables, and those of Postfix are not made any more.',
    })
  return lines
}
