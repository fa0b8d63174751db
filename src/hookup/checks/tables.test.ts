import { deepEqual, equal, match } from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { domain, type FreshSite, findingsOf, freshChecked } from '../../../test/support/checked-site.ts'
import { systemClock } from '../../base/clock.ts'
import { createList, publicationState, recordPublication } from '../../store/units/lists.ts'
import { postfixTables } from '../postfix-tables.ts'
import { tables } from './tables.ts'

const published = async ({ fresh }: FreshSite, fault: string | null = null): Promise<void> => {
  const { generation } = fresh.store.read(publicationState, undefined)
  await fresh.store.commit(recordPublication, { generation, fault })
}
const tableOf = ({ site }: FreshSite): string => join(site.facts.dataDir, 'postfix_lmtp')
const edit = (site: FreshSite, change: (text: string) => string): void =>
  writeFileSync(tableOf(site), change(readFileSync(tableOf(site), 'utf8')))

for (const { title, type = 'hash', before, codes, seen } of [
  { title: 'tables that say what the store says are in order', before: () => undefined, codes: [], seen: /^$/ },
  { title: 'so are those of regular expressions', type: 'regex', before: () => undefined, codes: [], seen: /^$/ },
  { title: 'a failed publication is told with its fault', before: (site: FreshSite) => published(site, 'postmap: fatal: unsupported dictionary type: hash'), codes: ['tables.behind'], seen: /the last try failed: postmap: fatal: unsupported/ },
  { title: 'a table that is missing is told', before: (site: FreshSite) => rmSync(tableOf(site)), codes: ['tables.missing'], seen: /postfix_lmtp: no such file/ },
  { title: 'another port in a table is told with its line', before: (site: FreshSite) => edit(site, (text) => text.replaceAll(/\]:1$/gm, ']:8025')), codes: ['tables.elsewhere'], seen: /^tea@lists\.example\.test lmtp:\[127\.0\.0\.1\]:8025$/ },
  { title: 'another address in a table is told', before: (site: FreshSite) => edit(site, (text) => text.replaceAll('127.0.0.1', '192.0.2.1')), codes: ['tables.elsewhere'], seen: /\[192\.0\.2\.1\]:1$/ },
  { title: 'a list without a line is told', before: (site: FreshSite) => edit(site, (text) => text.replaceAll(/^tea@.*\n/gm, '')), codes: ['tables.wrong-lists'], seen: /no line for tea@/ },
  { title: 'a list that is gone and still has lines is told', type: 'regex', before: (site: FreshSite) => edit(site, (text) => text + text.replaceAll('tea', 'milk')), codes: ['tables.wrong-lists'], seen: /18 addresses, where 1 lists have 9/ },
] satisfies readonly { title: string; type?: 'hash' | 'regex'; before: (site: FreshSite) => unknown; codes: readonly string[]; seen: RegExp }[]) // biome-ignore format: a table
  test(`tables: ${title}`, async () => {
    await using fresh = await freshChecked({
      postfix: { transportFileType: type === 'hash' ? 'hash' : 'regexp' },
    })
    equal(fresh.site.facts.incoming.includes('postfix'), true)
    const style = { lmtpHost: '127.0.0.1', lmtpPort: 1, type, compatible: false } as const
    const text = postfixTables({ domains: fresh.site.facts.domains }, style).get('postfix_lmtp') ?? ''
    writeFileSync(tableOf(fresh), text)
    await published(fresh)
    await before(fresh)
    const findings = await findingsOf(tables, fresh.site)
    deepEqual(
      findings.map(({ kind }) => kind.code),
      codes,
    )
    match(findings[0]?.seen ?? '', seen)
    if (codes[0] === 'tables.elsewhere')
      equal(text.split('\n')[(findings[0]?.line ?? 0) - 1]?.startsWith('tea@'), true)
  })

for (const type of ['hash', 'regexp'] as const)
  test(`tables: a list that has the name of another's owner address is no line too few (${type})`, async () => {
    await using fresh = await freshChecked({ postfix: { transportFileType: type } })
    const { facts } = fresh.site
    const domains = facts.domains.map((each) => ({ ...each, listNames: ['tea', 'tea-owner'] }))
    const style = {
      lmtpHost: '127.0.0.1',
      lmtpPort: 1,
      type: type === 'hash' ? 'hash' : 'regex',
      compatible: false,
    } as const
    writeFileSync(tableOf(fresh), postfixTables({ domains }, style).get('postfix_lmtp') ?? '')
    await published(fresh)
    deepEqual(await findingsOf(tables, { ...fresh.site, facts: { ...facts, domains } }), [])
  })

for (const { runs, codes } of [
  { runs: true, codes: [] }, // it will be published in a moment
  { runs: false, codes: ['tables.behind'] },
])
  test(`tables: a change that is not published is ${runs ? 'the work of a server that runs' : 'told where no server runs'}`, async () => {
    await using fresh = await freshChecked({}, { serverRuns: runs })
    await published(fresh)
    const more = { mailHost: domain, settings: {}, createDomain: true, now: systemClock.now() }
    await fresh.fresh.store.commit(createList, { name: 'milk', ...more })
    const findings = await findingsOf(tables, fresh.site)
    deepEqual(
      findings.map(({ kind }) => kind.code),
      codes,
    )
  })
