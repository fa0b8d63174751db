// The checks that are the same whatever the mail server: our door, the relay, files, tables, credentials, DNS. `doctor`
// runs them beside the guide of the mail server and puts all findings in order.
//
//   for await (const finding of generalChecks(site)) …     `site` is made by app/checked-site.ts
//   generalKinds                                           for the catalogue
import { Unavailable } from '../../base/unavailable.ts'
import type { Finding, FindingKind } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import type { Check, CheckedSite } from './checked-site.ts'
import { credentials } from './credentials.ts'
import { dns } from './dns.ts'
import { files } from './files.ts'
import { lmtp } from './lmtp.ts'
import { lmtpAllow } from './lmtp-allow.ts'
import { lmtpSocket } from './lmtp-socket.ts'
import { relay } from './relay.ts'
import { tables } from './tables.ts'

const checks: readonly Check[] = [files, tables, lmtp, lmtpSocket, lmtpAllow, relay, credentials, dns]

const notSeen: FindingKind = {
  code: 'files.not-seen',
  severity: 'info',
  summary: 'Something could not be looked at',
  why: 'Whether all is well there is not known.',
  change: 'Run this as root, or as the account that runs Posthorn.',
  rank: 199,
}

export const generalKinds: readonly FindingKind[] = [
  ...new Set([...checks.flatMap(({ kinds }) => kinds), notSeen]),
]

/** All checks at the same time; what one of them cannot look at is a finding, never the end of the others. */
export async function* generalChecks(site: CheckedSite): AsyncGenerator<Finding> {
  for (const findings of await Promise.all(checks.map((check) => gather(check, site)))) yield* findings
}

async function gather({ look }: Check, site: CheckedSite): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  try {
    for await (const finding of look(site)) findings.push(finding)
  } catch (fault) {
    const { code, message } = fault as NodeJS.ErrnoException
    if (!(fault instanceof Unavailable) && code !== 'EACCES' && code !== 'EPERM') throw fault
    findings.push(finding(notSeen, { seen: message }))
  }
  return findings
}
