// posthorn doctor: what is wrong between the mail server and Posthorn. Runs where it was typed, with a server or without
// one, and takes no lock. 0 nothing to mend, 1 something is, 2 could not look.
import { resolve } from 'node:path'
import { DirectoryRefusal } from '../../app/data-directory.ts'
import { hostFacts } from '../../app/host-facts.ts'
import { mailServerHost } from '../../app/mail-server-host.ts'
import { Unavailable } from '../../base/unavailable.ts'
import {
  type Examination,
  examine,
  findingAsJson,
  findingLines,
  inOrder,
  needsMending,
  ofFolder,
} from '../../hookup/doctor.ts'
import type { MailServerGuide } from '../../model/hookup.ts'
import { StoreRefusal } from '../../store/database.ts'
import { defineCommand, EX, type Output } from '../command.ts'
import type { RoundTripReport } from '../round-trip-words.ts'
import { counted, plain } from '../words.ts'

const couldNotLook = 2

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Find what is wrong between the mail server and Posthorn',
  about: `  Looks at the mail server's configuration and tables, at our own side, and at the connections between
  the two; changes nothing. Each finding says what was seen and where, why it breaks mail, and the exact
  change; the most likely cause comes first. MAIL-SERVER is postfix, exim, sendmail, opensmtpd, courier or
  qmail; without it the one that is installed is looked at. Works while Posthorn runs and while it does not.

  With --deep a post of its own goes round the loop, through the mail server and home again; each hop is
  timed, and where it stops is told. No member of any list gets it. Needs the running server.

  Exit codes: 0 nothing to mend, 1 an error or a warning, 2 could not look.
  Every code is explained in docs/troubleshooting.md.`,
  examples: [
    'posthorn doctor',
    'posthorn doctor --deep',
    'posthorn doctor postfix --config-dir /srv/mail/etc/postfix',
    'posthorn doctor exim --command-prefix "docker exec mail"',
  ],
  options: {
    json: { kind: 'flag', help: 'As JSON.' },
    deep: { kind: 'flag', help: 'Send a trial post round the loop, and follow it.' },
    domain: { kind: 'one', value: 'DOMAIN', help: 'With --deep: the domain to go through.' },
    wait: {
      kind: 'one',
      value: 'SECONDS',
      help: 'With --deep: how long to wait for each hop; 30 unless given.',
    },
    'config-dir': { kind: 'one', value: 'DIR', help: 'The folder that holds the files of the mail server.' },
    'command-prefix': {
      kind: 'one',
      value: 'CMD',
      help: 'Words before each command: the mail server is in a container or chroot.',
    },
  },
  args: { 'mail-server': 'optional' },
  async runHere(context, args) {
    // Loaded here only: the other commands start sooner without the checks and the guides of six mail servers.
    const { checkedSite } = await import('../../app/checked-site.ts')
    const { generalChecks } = await import('../../hookup/checks/checks.ts')
    const { goRound } = await import('../round-trip-words.ts')
    const { whichMailServer } = await import('../which-mail-server.ts')
    const directory = args['config-dir']
    const host = mailServerHost({
      configDir: directory === null ? null : resolve(directory),
      commandPrefix: (args['command-prefix'] ?? '').split(/\s+/).filter((word) => word !== ''),
    })
    const config = context.config()
    let guide: MailServerGuide | null = null
    let examined: Examination
    try {
      guide = await whichMailServer(args['mail-server'], host)
      const facts = await hostFacts(config, mailServerHost({ configDir: null, commandPrefix: [] }))
      const site = checkedSite(config, facts, host)
      examined = await examine([guide.diagnose(facts, host), generalChecks(site)])
      if (host.configDir !== null) examined = ofFolder(examined, site.serverRuns)
    } catch (fault) {
      if (!isOfTheWorld(fault)) throw fault
      examined = { findings: [], unavailable: [fault.message] }
    }
    let deep: RoundTripReport | null = null
    if (args.deep) {
      const seen = guide === null ? null : { guide, host }
      deep = await goRound(config, { domain: args.domain, wait: args.wait }, seen, (words) => {
        if (!args.json) context.out.line(plain(words))
      })
      examined = {
        findings: inOrder([...examined.findings, ...deep.findings]),
        unavailable: [...examined.unavailable, ...deep.unavailable],
      }
    }
    if (args.json) tellJson(context.out, guide, examined, deep)
    else tell(context.out, guide, examined)
    if (examined.unavailable.length > 0) return couldNotLook
    return needsMending(examined.findings) ? EX.failed : EX.ok
  },
})

/** What cannot be looked at is no fault of ours, and no reason for a stack. */
const isOfTheWorld = (fault: unknown): fault is Error =>
  fault instanceof Unavailable || fault instanceof StoreRefusal || fault instanceof DirectoryRefusal

function tellJson(
  out: Output,
  guide: MailServerGuide | null,
  { findings, unavailable }: Examination,
  deep: RoundTripReport | null,
): void {
  const roundTrip = deep === null ? {} : { deep: deep.json }
  out.json({
    mailServer: guide?.name ?? null,
    findings: findings.map(findingAsJson),
    unavailable,
    ...roundTrip,
  })
}

function tell(out: Output, guide: MailServerGuide | null, { findings, unavailable }: Examination): void {
  for (const found of findings) {
    for (const line of findingLines(found)) out.line(plain(line))
    out.line('')
  }
  for (const words of unavailable) out.errorLine(`posthorn: could not look: ${plain(words)}`)
  const count = (severity: string): number => findings.filter(({ kind }) => kind.severity === severity).length
  const told = [
    counted(count('error'), 'error'),
    counted(count('warning'), 'warning'),
    counted(count('info'), 'remark'),
  ]
  if (needsMending(findings)) {
    out.line(`${told.join(', ')}. Mend the first, then ask again.`)
    // Mostly it was never hooked up, and all the lines are had at once.
    if (guide !== null && findings.some(({ kind }) => kind.code.startsWith(`${guide.name}.`)))
      out.line(`'posthorn hookup ${guide.name}' prints all that Posthorn needs there; --write puts it in.`)
  } else if (unavailable.length === 0)
    out.line(
      `Nothing is wrong with ${guide?.title ?? 'the mail server'} and Posthorn${findings.length === 0 ? '' : `; ${told[2]}`}.`,
    )
}
