// The rules of tcpserver, so that qmail-smtpd relays for Posthorn. Law: a rule that is there keeps what else it sets.
import type { ConfigurationFile, Hookup, HostFacts } from '../../model/hookup.ts'
import type { QmailFiles } from './qmail-files.ts'
import { ourAddress } from './qmail-relay-checks.ts'
import { readTcpRules, usualRules, writtenRule } from './qmail-tcp-rules.ts'

export interface RelayPlan {
  readonly files: readonly ConfigurationFile[]
  readonly afterwards: Hookup['afterwards']
  readonly notes: readonly string[]
}

const nothing: RelayPlan = { files: [], afterwards: [], notes: [] }

export async function planRelaying(facts: HostFacts, files: QmailFiles): Promise<RelayPlan> {
  const client = ourAddress(facts)
  if (client === null || facts.relay.user !== null) return nothing
  const rules = await readTcpRules(files)
  const key = client === '127.0.0.1' ? '127.' : client
  if (rules === null || rules.lines === null)
    return {
      ...nothing,
      notes: [
        `qmail-smtpd must relay for Posthorn: ${rules === null ? `no rules of tcpserver were found (usually ${usualRules})` : `${rules.text} is not there`}. It needs '${key}:allow,RELAYCLIENT=""', compiled with tcprules; or RELAYCLIENT set for ${client} in another way.`,
      ],
    }
  const there = writtenRule(rules, client)
  if (there?.allows === true && there.relays) return nothing
  // A rule for all the world stays; one for us would win over a wider one, so it is the one to change.
  const own = there !== null && there.key !== '' ? there : null
  const others = own === null ? '' : (/^[^:]*:(?:allow|deny)(.*)$/.exec(own.seen.trim())?.[1] ?? '')
  const text = `${files.root}${rules.text}`
  const cdb = `${files.root}${rules.cdb}`
  return {
    files: [
      {
        path: text,
        kind: 'block',
        comment: '#',
        place: 'end',
        settings: [
          {
            lines: [`${own?.key ?? key}:allow,RELAYCLIENT=""${others}`],
            why: 'qmail-smtpd relays for Posthorn, which sends from this address to members everywhere.',
            replaces: own?.line === null || own === null ? [] : [own.line],
          },
        ],
        mode: 0o644,
      },
    ],
    afterwards: [
      {
        argv: ['sh', '-c', `tcprules ${cdb} ${cdb}.tmp < ${text}`],
        why: 'tcpserver reads the compiled rules alone.',
      },
    ],
    notes: [],
  }
}
