// Do the mail server's tables say what the store and the configuration say? A change of lists is published by itself;
// a change of [mta] lmtp_host or lmtp_port is not, until the next one.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding, FindingKind } from '../../model/hookup.ts'
import { publicationState } from '../../store/units/lists.ts'
import { finding } from '../finding.ts'
import { tails } from '../list-addresses.ts'
import type { Check, CheckedSite } from './checked-site.ts'
import { readRecords } from './records.ts'

const behind: FindingKind = {
  code: 'tables.behind',
  severity: 'error',
  summary: "The mail server's tables are older than the lists",
  why: 'New lists are refused, and removed ones still taken.',
  change: 'Mend what is named, then: posthorn aliases',
  rank: 107,
}

const missing: FindingKind = {
  code: 'tables.missing',
  severity: 'error',
  summary: 'A table that the mail server reads is not there',
  why: 'Postfix answers 451 to all mail, of people too, while a table that it knows of is missing.',
  change: 'posthorn aliases',
  rank: 108,
}

const elsewhere: FindingKind = {
  code: 'tables.elsewhere',
  severity: 'error',
  summary: "The mail server's tables name another place than the one where we listen",
  why: 'Mail for lists goes to a port where nobody, or somebody else, listens. The tables were written under other settings.',
  change: 'posthorn aliases',
  rank: 108,
}

const wrongLists: FindingKind = {
  code: 'tables.wrong-lists',
  severity: 'error',
  summary: "The mail server's tables lack a list, or name one that is gone",
  why: 'Mail for the list is refused by the mail server, or bounces.',
  change: 'posthorn aliases',
  rank: 109,
}

export const tables: Check = {
  kinds: [behind, missing, elsewhere, wrongLists],
  async *look(site) {
    const state = readRecords(site.database, publicationState, undefined)
    if (state === null) return
    if (state.fault !== null || (state.done < state.generation && !site.serverRuns)) {
      yield finding(behind, {
        seen: `change ${state.done} of ${state.generation} is published${state.fault === null ? '' : `; the last try failed: ${state.fault}`}`,
      })
      return
    }
    // What the server is publishing right now will be right in a moment.
    if (state.done === state.generation && site.facts.incoming.includes('postfix')) yield* postfix(site)
  },
}

const route = /^(\S+)\s+(lmtp:\S+)\s*$/

async function* postfix({ facts }: CheckedSite): AsyncIterable<Finding> {
  const path = join(facts.dataDir, 'postfix_lmtp')
  const text = await readFile(path, 'utf8').catch((fault: NodeJS.ErrnoException) =>
    fault.code === 'ENOENT' ? null : '',
  )
  if (text === null) {
    yield finding(missing, { seen: `${path}: no such file`, file: path })
    return
  }
  const { host, port } = facts.lmtp
  const ours = [`lmtp:[${host}]:${port}`, `lmtp:[ipv6:${host}]:${port}`]
  const lines = text.split('\n')
  const astray = lines.findIndex((line) => {
    const nexthop = route.exec(line)?.[2]
    return nexthop !== undefined && !ours.includes(nexthop)
  })
  if (astray >= 0) {
    yield finding(elsewhere, {
      seen: lines[astray]?.replace(/\s+/g, ' ') ?? '',
      file: path,
      line: astray + 1,
      why: `We listen at ${host} port ${port}. ${elsewhere.why}`,
    })
    return
  }
  const lists = facts.domains.flatMap((domain) =>
    domain.listNames.map((name) => ({ name, on: domain.aliasDomain ?? domain.mailHost })),
  )
  const keys = new Set(lines.flatMap((line) => route.exec(line)?.[1] ?? []))
  const hash = facts.postfix.tableType !== 'regexp' && facts.postfix.tableType !== 'pcre'
  const lost = lists.find(({ name, on }) => hash && !keys.has(`${name}@${on}`))
  // Not nine for each: `tea-owner` may be a list of its own, beside `tea`.
  const wanted = new Set(lists.flatMap(({ name, on }) => tails.map((tail) => `${name}${tail}@${on}`)))
  if (lost !== undefined || wanted.size !== keys.size)
    yield finding(wrongLists, {
      seen:
        lost === undefined
          ? `${keys.size} addresses, where ${lists.length} lists have ${wanted.size}`
          : `no line for ${lost.name}@${lost.on}`,
      file: path,
    })
}
