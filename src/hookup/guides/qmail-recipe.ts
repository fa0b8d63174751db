// What `posthorn hookup qmail` prints: a domain that is for lists alone is given to a user, whose .qmail-default starts
// posthorn-qmail for each message; in a domain that lists share with people each list has two files of its own beside
// theirs. Law: joined to what is there; what works already is left as it is.
import type { ConfigurationFile, Hookup, HookupWay, HostFacts, Setting } from '../../model/hookup.ts'
import { addressFromAfar, isLoopback } from './hosts.ts'
import type { QmailFiles } from './qmail-files.ts'
import { type DomainPlan, planDomain } from './qmail-recipe-domains.ts'
import { planRelaying } from './qmail-recipe-relay.ts'
import { serviceOf } from './qmail-tcp-rules.ts'

/** `files` are without our own lines. Throws Unavailable. */
export async function qmailRecipe(
  facts: HostFacts,
  files: QmailFiles,
  way: HookupWay = 'tables',
): Promise<Hookup> {
  const refusals: string[] = []
  if (way !== 'tables')
    refusals.push(
      `qmail-smtpd asks nobody which addresses exist (--way ${way}): it takes all mail of a domain, and what Posthorn refuses bounces`,
    )
  if (facts.domains.length === 0)
    refusals.push("there is no domain yet: make one with 'posthorn domain add lists.example.org --list-only'")
  if (files.me === null)
    refusals.push(`${files.dir}/control/me is not there: name the home of qmail with --config-dir`)
  const plans: DomainPlan[] = []
  if (refusals.length === 0)
    for (const domain of facts.domains) plans.push(await planDomain(facts, files, domain))
  refusals.push(...plans.flatMap((plan) => plan.refusals))
  const relaying = await planRelaying(facts, files)
  const control = controlFiles(files, plans)
  const dotFiles = new Map(plans.flatMap((plan) => plan.dotFiles).map((file) => [file.path, file]))
  const rereads = plans.some(({ virtual }) => virtual !== null)
  const hup = rereads ? await hupFor(files) : null
  const newmrh = plans.some(({ accept }) => accept === 'morercpthosts' || accept === 'compile')
  return {
    files: refusals.length > 0 ? [] : [...control, ...dotFiles.values(), ...relaying.files],
    afterwards: [
      ...(newmrh
        ? [{ argv: [`${files.dir}/bin/qmail-newmrh`], why: 'qmail-smtpd reads morercpthosts.cdb alone.' }]
        : []),
      ...relaying.afterwards,
      ...(hup === null ? [] : [{ argv: hup, why: 'qmail-send rereads virtualdomains at a HUP.' }]),
    ],
    ours: ours(facts),
    notes: [
      ...new Set(plans.flatMap((plan) => plan.notes)),
      ...relaying.notes,
      ...(rereads && hup === null
        ? ['qmail-send must get a HUP, or be started again: it read virtualdomains when it started.']
        : []),
      ...notes(facts),
    ],
    refusals,
  }
}

/** A block for each file of control/ that lacks something. */
function controlFiles({ dir }: QmailFiles, plans: readonly DomainPlan[]): readonly ConfigurationFile[] {
  const block = (name: string, settings: readonly Setting[]): readonly ConfigurationFile[] =>
    settings.length === 0
      ? []
      : [{ path: `${dir}/control/${name}`, kind: 'block', comment: '#', place: 'end', settings, mode: 0o644 }]
  const accepted = (where: DomainPlan['accept'], why: string): readonly Setting[] => {
    const lines = plans.filter(({ accept }) => accept === where).map(({ mailHost }) => mailHost)
    return lines.length === 0 ? [] : [{ lines, why, replaces: [] }]
  }
  return [
    ...block('rcpthosts', accepted('rcpthosts', 'qmail-smtpd takes mail for these domains from outside.')),
    ...block(
      'morercpthosts',
      accepted('morercpthosts', 'qmail-smtpd takes mail for these too, when they are compiled.'),
    ),
    ...block(
      'virtualdomains',
      plans.flatMap(({ virtual }) => (virtual === null ? [] : [virtual])),
    ),
  ]
}

/** By the service, by its script, or by the number of the one process that there is. */
async function hupFor(files: QmailFiles): Promise<readonly string[] | null> {
  const service = await serviceOf(files, 'qmail-send')
  if (service !== null) return ['svc', '-h', `${files.root}${service}`]
  if (files.root !== '' || files.host.configDir !== null) return null
  for (const script of ['/var/qmail/bin/qmailctl', '/usr/local/bin/qmailctl', '/usr/bin/qmailctl'])
    if ((await files.stat(script)) !== null) return [script, 'reload']
  const ended = await files.host.run(['ps', '-C', 'qmail-send', '-o', 'pid='])
  const pids = (ended?.out ?? '').trim().split(/\s+/)
  const [pid] = pids
  return pids.length === 1 && pid !== undefined && /^\d+$/.test(pid) ? ['kill', '-HUP', pid] : null
}

/** The default is Postfix, whose tables nobody reads here. */
function ours({ incoming }: HostFacts): Hookup['ours'] {
  if (incoming.length !== 1 || incoming[0] !== 'postfix') return []
  return [
    {
      section: 'mta',
      line: 'incoming: null',
      why: 'No table is needed: qmail hands over all mail of the domain.',
    },
  ]
}

function notes({ relay, lmtp, domains }: HostFacts): readonly string[] {
  const notes: string[] = []
  if (domains.some(({ listOnly }) => listOnly))
    notes.push(
      'qmail-smtpd takes any address of these domains; for an unknown list posthorn-qmail leaves with 100, and qmail bounces.',
    )
  if (!isLoopback(relay.host) && addressFromAfar(lmtp.host) === null)
    notes.push(
      `Posthorn sends to ${relay.host}: where that is another machine, its mail server must relay for our address.`,
    )
  return notes
}
