// `posthorn doctor sendmail`: asks Sendmail what it does with list mail, and names the line that is to blame. Law: nothing
// is wrong that works; a fault is told where it begins, not where it shows.
import type { Finding, HostFacts, MailServerHost } from '../../model/hookup.ts'
import { finding } from '../finding.ts'
import { checkRecipients, checkRelaying } from './sendmail-acceptance-checks.ts'
import { checkDaemon } from './sendmail-daemon-checks.ts'
import { checkEachList } from './sendmail-each-list.ts'
import { readSendmailFiles } from './sendmail-files.ts'
import * as kinds from './sendmail-kinds.ts'
import { checkLimits } from './sendmail-limit-checks.ts'
import { checkMapLines } from './sendmail-map-checks.ts'
import { checkRoute } from './sendmail-route-checks.ts'
import { isForLists, type Situation, sampleOf, situationOf } from './sendmail-situation.ts'

export async function* diagnoseSendmail(facts: HostFacts, host: MailServerHost): AsyncIterable<Finding> {
  const files = await readSendmailFiles(host)
  if (files.cf === null) {
    yield finding(kinds.noConfiguration, { seen: `${files.dir}/sendmail.cf is not there`, file: files.dir })
    return
  }
  const situation = await situationOf(facts, host, files, files.cf)
  if (situation.cf.rules.length === 0) {
    yield finding(kinds.noConfiguration, {
      seen: `${files.cf.path} holds no rule at all`,
      file: files.cf.path,
    })
    return
  }
  yield* checkSource(situation)
  if (situation.program === null) yield finding(kinds.noProgram, { seen: 'sendmail -bt cannot be started' })
  yield* checkComplaints(situation)
  const samples = facts.domains.map((domain) => sampleOf(domain, facts.delimiter))
  let isHookedUp = true
  for (const sample of samples) {
    for await (const found of checkRoute(situation, sample)) {
      yield found
      if (found.kind === kinds.hookUpMissing) isHookedUp = false
    }
    // What is not hooked up at all need not be told once for each of its parts.
    if (!isHookedUp) break
    yield* checkRecipients(situation, sample)
  }
  if (isHookedUp) yield* checkEachList(situation)
  yield* checkRelaying(situation, samples)
  yield* checkMapLines(situation)
  yield* checkDaemon(situation)
  yield* checkLimits(situation)
}

/** sendmail.cf against the sendmail.mc that it is made from. */
function* checkSource({ files, cf, cfFile }: Situation): Iterable<Finding> {
  const { mc } = files
  if (mc === null || mc.changed <= cfFile.changed) return
  const isMeant = /^M(posthorn|mm3lmtp|mailman)\b/m.test(mc.text)
  const kind = isMeant && !cf.mailers.some(isForLists) ? kinds.cfStale : kinds.cfOlder
  yield finding(kind, {
    seen: `${mc.path} is of ${new Date(mc.changed).toISOString()}, ${cfFile.path} of ${new Date(cfFile.changed).toISOString()}`,
    file: cfFile.path,
  })
}

/** Each line that Sendmail itself finds wrong. */
function* checkComplaints({ complaints, cf }: Situation): Iterable<Finding> {
  for (const complaint of complaints) {
    const at = /: line (\d+): (.*)$/.exec(complaint)
    if (at === null) continue
    const rule = cf.rules.find(({ hasTab, line }) => !hasTab && line >= Number(at[1]))
    if (/tab expected/.test(complaint) && rule !== undefined)
      yield finding(kinds.spaces, { seen: rule.text, file: cf.path, line: rule.line })
    else yield finding(kinds.configurationError, { seen: complaint, file: cf.path, line: Number(at[1]) })
  }
}
