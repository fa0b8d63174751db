// What is wrong with the hook-up of Postfix: its files, its tables, the way of mail in, the way of mail out. Law: a fault
// that keeps tables from answering is told alone of these; what Postfix would do without them says nothing.
import type { Finding, FindingKind, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { readPostfix } from './postfix-configuration.ts'
import { fileFaults } from './postfix-diagnose-files.ts'
import { listFaults } from './postfix-diagnose-lists.ts'
import { passingFaults } from './postfix-diagnose-passing.ts'
import { relayFaults } from './postfix-diagnose-relay.ts'
import { settingFaults } from './postfix-diagnose-settings.ts'
import { tableFaults } from './postfix-diagnose-tables.ts'
import * as kinds from './postfix-kinds.ts'
import { fatalWords } from './postfix-look-ups.ts'
import { type PostfixView, placeOf, postfixView } from './postfix-view.ts'

export const postfixKinds: readonly FindingKind[] = Object.values(kinds)

/** Throws Unavailable when main.cf or a table may not be read. */
export async function* diagnosePostfix(facts: HostFacts, host: MailServerHost): AsyncGenerator<Finding> {
  const configuration = await readPostfix(host)
  yield* fileFaults(configuration)
  const words = await fatalWords(host, configuration.directory)
  const view = postfixView(facts, host, configuration, words !== null)
  if (words !== null) yield fatalError(view, words)
  let isBroken = false
  for await (const found of tableFaults(view)) {
    if (breaking.has(found.kind.code)) isBroken = true
    yield found
  }
  if (!isBroken) yield* listFaults(view)
  yield* relayFaults(view)
  yield* settingFaults(view)
  yield* passingFaults(view)
}

function fatalError(view: PostfixView, words: string): Finding {
  const name = view.configuration.main.settings.map((each) => each.name).find((each) => words.includes(each))
  const place = name === undefined ? null : placeOf(view, name)
  return finding(kinds.fatal, {
    seen: place === null ? words : `${place.seen}; ${words}`,
    file: place?.file ?? view.configuration.main.path,
    line: place?.line ?? null,
  })
}

/** With one of these a look-up has no answer, or not the one that was meant. */
const breaking: ReadonlySet<string> = new Set(
  [
    kinds.notATable,
    kinds.unsupportedType,
    kinds.tableMissing,
    kinds.notCompiled,
    kinds.brokenTable,
    kinds.unreadableTable,
    kinds.wrongFormat,
    kinds.staleTable,
    kinds.outdated,
    kinds.lookUpElsewhere,
  ].map(({ code }) => code),
)
