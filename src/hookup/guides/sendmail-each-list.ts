// Every other list, and every other address of each: is it in our table, does Sendmail lead it to us, does it take it at
// RCPT. Law: what many addresses have in common is told once; where all is wrong, the first list has told it already.
import { basename } from 'node:path'
import type { Finding } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { addressesOf, askedToken, type ListSample, manyAddresses, toldOnce } from './list-sample.ts'
import { whyRefused } from './sendmail-acceptance-checks.ts'
import * as kinds from './sendmail-kinds.ts'
import { checkMapsFor, mapsInUse } from './sendmail-map-checks.ts'
import { listsTable } from './sendmail-recipe.ts'
import { goesToLists, whyNotRouted } from './sendmail-route-checks.ts'
import { otherAddresses, type Situation, sampleOf } from './sendmail-situation.ts'
import { isTemporary, verdictOf } from './sendmail-test-mode.ts'

const mostExplained = 50

export async function* checkEachList(situation: Situation): AsyncIterable<Finding> {
  const { facts, lists, answer } = situation
  const missing = await missingInTable(situation)
  if (missing !== null) yield missing
  for (const sample of lists.samples) {
    const { post } = sampleOf(sample.domain, facts.delimiter)
    // What is wrong with the first list is told, and holds for the others.
    if (
      post === null ||
      goesToLists(situation, answer(`route ${post}`)) !== true ||
      isRefused(situation, post)
    )
      continue
    yield* checkOthers(situation, sample, missing !== null)
  }
  if (lists.left > 0)
    yield finding(kinds.listsSampled, { seen: `${lists.left} lists were not asked about one by one` })
}

const isRefused = ({ answer }: Situation, address: string): boolean => {
  const lines = answer(`rcpt ${address}`)
  const said = verdictOf(lines, 'check_rcpt')
  return (
    said?.kind === 'error' || (said?.kind === 'mailer' && said.mailer === 'discard') || isTemporary(lines)
  )
}

async function* checkOthers(
  situation: Situation,
  sample: ListSample,
  isTableTold: boolean,
): AsyncIterable<Finding> {
  const { facts, answer } = situation
  const others = otherAddresses(sample, facts.delimiter)
  const astray = others
    .filter((address) => goesToLists(situation, answer(`route ${address}`)) === false)
    .slice(0, mostExplained)
  const refused = others
    .filter((address) => !astray.includes(address) && isRefused(situation, address))
    .slice(0, mostExplained)
  await situation.askMaps([...astray, ...refused])
  const told: { address: string; found: Finding }[] = []
  for (const address of astray)
    for await (const found of whyAstray(situation, sample, address)) told.push({ address, found })
  for (const address of refused)
    for await (const found of whyRefused(situation, address, address.includes(askedToken)))
      told.push({ address, found })
  const isMissing = ({ kind }: Finding): boolean => kind === kinds.mapEntryMissing
  yield* toldOnce(
    told.filter(({ found }) => !isTableTold || !isMissing(found)),
    false,
  )
}

async function* whyAstray(
  situation: Situation,
  { domain }: ListSample,
  address: string,
): AsyncIterable<Finding> {
  const lines = situation.answer(`route ${address}`)
  if (isTemporary(lines) || !domain.listOnly) {
    let isTold = false
    for await (const found of checkMapsFor(situation, address, lines)) {
      isTold = true
      yield found
    }
    if (isTold) return
  }
  yield whyNotRouted(situation, { domain }, address, lines)
}

/** What our own table lacks of all lists, whether or not Sendmail is asked about them. */
async function missingInTable(situation: Situation): Promise<Finding | null> {
  const { facts, host, seenAt } = situation
  const table = mapsInUse(situation).find(
    ({ type, place }) => type === 'text' && basename(place) === listsTable,
  )
  if (table === undefined || !facts.incoming.includes('sendmail')) return null
  const text = await host.readText(await seenAt(table.place))
  if (text === null) return null
  const there = new Set(text.split('\n').map((line) => line.split(/\s/)[0]?.toLowerCase()))
  const missing = facts.domains
    .flatMap(({ mailHost, listNames }) => listNames.flatMap((name) => addressesOf(name, mailHost, '')))
    .filter((address) => !there.has(address))
  if (missing.length === 0) return null
  return finding(kinds.mapEntryMissing, {
    seen: `${manyAddresses(missing)}: not in the table`,
    file: table.place,
  })
}
