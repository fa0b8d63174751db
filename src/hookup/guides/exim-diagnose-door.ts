// What a sender hears at RCPT, and whether callouts say the truth: the access control list of Exim, as it is written and as
// Exim itself carries it out for a host in the world.
import type { Finding } from '../../model/hookup.ts'
import { type EximCommand, routesOf } from './exim-ask.ts'
import * as kinds from './exim-kinds.ts'
import { domainIn } from './exim-lists.ts'
import { option } from './exim-ours.ts'
import { type DoorAnswer, doorAnswers, saidTo, type Visitor } from './exim-session.ts'
import { at, type EximSite, reload, samples, wayOf } from './exim-site.ts'
import type { Place, Setting, Statement } from './exim-syntax.ts'

/** A bounce from an address for documentation (RFC 5737): nobody's, so nothing is allowed to it that is not allowed to all. */
export const fromTheWorld: Visitor = { address: '192.0.2.25', hello: 'mail.example.org', sender: '' }

/** No list is called so. */
const unknownList = 'posthorn-doctor-no-such-list'

/** Without one of these Exim asks nothing at that step; at RCPT it refuses all. */
const steps = ['connect', 'helo', 'mail', 'predata', 'data', 'mime', 'starttls', 'notquit', 'quit'] as const

export async function* diagnoseAcl(site: EximSite): AsyncIterable<Finding> {
  const { exim } = site
  for (const step of steps) {
    const setting = exim.text.main.get(`acl_smtp_${step}`)
    if (setting !== undefined && isUndefined(site, setting)) yield undefinedAcl(setting)
  }
  const rcpt = exim.text.main.get('acl_smtp_rcpt')
  if (rcpt === undefined || rcpt.value === '') {
    yield at(rcpt?.place ?? exim.text.sections.get('acl'), kinds.noAcl, {
      seen: rcpt?.place.text.trim() ?? 'acl_smtp_rcpt is not set',
    })
    return
  }
  if (isUndefined(site, rcpt)) {
    yield undefinedAcl(rcpt)
    return
  }
  yield* callouts(site)
}

const isUndefined = ({ exim }: EximSite, { value }: Setting): boolean =>
  /^\w+$/.test(value) && !/^(accept|deny|defer|drop|warn)$/.test(value) && !exim.text.acls.has(value)

const undefinedAcl = ({ name, value, place }: Setting): Finding =>
  at(place, kinds.noAcl, {
    why: `There is no access control list ${value}, which ${name} names. Exim answers 451 to everybody who comes so far.`,
    change: `Write the name of one that is in the section 'begin acl', or take ${name} out.`,
  })

async function* callouts(site: EximSite): AsyncIterable<Finding> {
  const { exim, facts, routers } = site
  const takesEverything = routers.some((router) => wayOf(router) === 'callout')
  const found = calloutsFor(site)
  const counting: { statement: Statement; callout: Setting }[] = []
  for (const one of found) if (await namesOurs(site, one.statement)) counting.push(one)
  if (takesEverything && counting.length === 0) {
    const debian = exim.debian !== null
    const statement = found[0]?.statement
    yield at(statement?.place ?? exim.text.main.get('acl_smtp_rcpt')?.place, kinds.noCallout, {
      ...(debian
        ? { change: `A line in ${exim.directory}/local_rcpt_callout:\n*@+mm_domains\n${reload(exim)}` }
        : { change: `${kinds.noCallout.change}\n${reload(exim)}` }),
      why: `${facts.domains.map(({ mailHost }) => mailHost).join(', ')}: ${kinds.noCallout.why}`,
    })
  }
  for (const { callout } of counting) {
    const options = callout.value.split('callout')[1] ?? ''
    if (/postmaster/.test(options)) yield at(callout.place, kinds.calloutPostmaster)
    if (/defer_ok/.test(callout.value)) yield at(callout.place, kinds.calloutDeferOk)
    const keeps = exim.text.main.get('callout_negative_expire')
    if (!/no_cache/.test(options) && seconds(keeps?.value ?? '2h') > 60)
      yield at(keeps?.place ?? callout.place, kinds.calloutCached, {
        change:
          exim.debian === null
            ? `!verify = recipient/callout=10s,no_cache\n${reload(exim)}`
            : `In the main section: callout_negative_expire = 10s\n${reload(exim)}`,
      })
  }
}

const calloutsFor = ({ exim, facts }: EximSite): readonly { statement: Statement; callout: Setting }[] =>
  [...exim.text.acls.values()].flat().flatMap((statement) => {
    const callout = statement.parts.find(
      ({ name, value }) => /^!?verify$/.test(name) && /^recipient\b.*callout/.test(value),
    )
    const domains = statement.parts.find(({ name }) => name === 'domains')?.value
    const about = (mailHost: string): boolean =>
      domains === undefined || domainIn(domains, mailHost.toLowerCase(), exim.text, facts.hostname) !== false
    return callout !== undefined && facts.domains.some(({ mailHost }) => about(mailHost))
      ? [{ statement, callout }]
      : []
  })

/** Debian makes callouts for the recipients that a file names, where there is one. */
async function namesOurs({ exim, facts, host }: EximSite, statement: Statement): Promise<boolean> {
  const recipients = statement.parts.find(({ name }) => name === 'recipients')?.value
  if (recipients === undefined) return true
  const file =
    /\{exists\{([^}$]+)\}/.exec(recipients.replace(/\s+/g, ''))?.[1] ??
    /exists\{([^}$]+)\}/.exec(recipients)?.[1]
  if (file === undefined) return true
  const own = file.replace(/^\/etc\/exim4\//, `${exim.directory}/`)
  const text = (await host.readText(own)) ?? (await host.readText(file)) ?? ''
  const items = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
  return facts.domains.every(({ mailHost }) =>
    items.some((item) => {
      const domain = /^\*?@?([^@\s]+)$/.exec(item)?.[1]
      return (
        domain !== undefined && domainIn(domain, mailHost.toLowerCase(), exim.text, facts.hostname) !== false
      )
    }),
  )
}

function seconds(text: string): number {
  const units = { w: 604800, d: 86400, h: 3600, m: 60, s: 1 } as const
  let all = 0
  for (const [, digits = '', unit = 's'] of text.matchAll(/(\d+)([wdhms]?)/g))
    all += Number(digits) * units[(unit || 's') as keyof typeof units]
  return all
}

/** `explained`: an error is known that keeps addresses of lists from being routed. */
export async function* diagnoseAnswers(site: EximSite, explained: boolean): AsyncIterable<Finding> {
  const { exim, facts } = site
  const { command } = exim
  if (command === null) return
  const lists = samples(site)
  for (const { mailHost } of facts.domains.slice(0, 5)) {
    const [list, ...more] = lists.filter((one) => one.domain === mailHost).map((one) => one.list)
    const known =
      list === undefined ? [] : [list, `${list}-bounces+x`, ...more].map((local) => `${local}@${mailHost}`)
    const unknown = `${unknownList}@${mailHost}`
    const asked = [...known, unknown]
    const answers = await (takesSoMany(site, asked.length)
      ? doorAnswers(site.host, command, fromTheWorld, asked)
      : oneByOne(site, command, asked))
    // Whom Exim does not let in may be let in by another address.
    if (answers === null || answers.some(({ step }) => step === 'connect' || step === 'hello')) return
    const refused = answers.find(({ reply }) => isRelayRefusal(site, reply))
    if (refused !== undefined) {
      yield domainNotAccepted(site, refused, mailHost)
      continue
    }
    for (const answer of answers) {
      if (answer.recipient === unknown) yield* unknownAnswer(site, answer, explained)
      else if (!explained) yield* knownAnswer(site, answer)
    }
  }
}

const takesSoMany = ({ exim }: EximSite, recipients: number): boolean => {
  const most = Number(exim.text.main.get('recipients_max')?.value ?? '0')
  return !(most > 0 && most < recipients)
}

async function oneByOne(
  { host }: EximSite,
  command: EximCommand,
  recipients: readonly string[],
): Promise<readonly DoorAnswer[] | null> {
  const answers: DoorAnswer[] = []
  for (const one of recipients)
    answers.push(...((await doorAnswers(host, command, fromTheWorld, [one])) ?? []))
  return answers.length < recipients.length ? null : answers
}

const isRelayRefusal = (_: EximSite, reply: string): boolean => /^5.*\brelay/i.test(reply)

export function statementOf(
  { exim }: EximSite,
  { statement }: Pick<DoorAnswer, 'statement'>,
): { place: Place | null; statement: Statement | null } {
  if (statement === null) return { place: null, statement: null }
  const place = exim.placeOf(statement.file, statement.line)
  const found = [...exim.text.acls.values()]
    .flat()
    .find((one) => place !== null && one.place.file === place.file && one.place.line === place.line)
  return { place, statement: found ?? null }
}

function domainNotAccepted(site: EximSite, answer: DoorAnswer, domain: string): Finding {
  const { exim } = site
  const { place } = statementOf(site, answer)
  const change =
    exim.debian === null
      ? `domainlist local_domains = ${exim.text.lists.get('local_domains')?.value ?? '@'} : +mm_domains\n${reload(exim)}`
      : `dc_other_hostnames='…;${domain}' in ${exim.directory}/update-exim4.conf.conf (or dpkg-reconfigure exim4-config)\n${reload(exim)}`
  return at(place, kinds.domainNotAccepted, {
    seen: `RCPT TO:<${answer.recipient}> from the world: ${answer.reply}${place === null ? '' : ` (${place.text.trim()})`}`,
    why: `${domain} has lists. ${kinds.domainNotAccepted.why}`,
    change,
  })
}

function* knownAnswer(site: EximSite, answer: DoorAnswer): Iterable<Finding> {
  const { place } = statementOf(site, answer)
  const where = place === null ? '' : ` (${place.text.trim()})`
  if (answer.isDiscarded) {
    yield at(place, kinds.rcptRefused, {
      seen: `${saidTo(fromTheWorld, answer)}: ${answer.reply}${where}`,
      why: 'The statement takes the mail and throws it away: nobody hears of it.',
    })
    return
  }
  if (/^2/.test(answer.reply)) return
  // Without an answer from our door a callout defers: that is told by the checks of the door.
  if (/callout/i.test(answer.reply) || isAboutTheDoor(answer.reply)) return
  yield at(place, /^4/.test(answer.reply) ? kinds.rcptDeferred : kinds.rcptRefused, {
    seen: `${saidTo(fromTheWorld, answer)}: ${answer.reply}${where}`,
  })
}

const isAboutTheDoor = (reply: string): boolean => /could not complete/i.test(reply)

async function* unknownAnswer(
  site: EximSite,
  answer: DoorAnswer,
  explained: boolean,
): AsyncIterable<Finding> {
  const { exim, routers } = site
  if (/^5/.test(answer.reply) || isAboutTheDoor(answer.reply) || exim.command === null) return
  const { place } = statementOf(site, answer)
  const said = `RCPT TO:<${answer.recipient}> from the world: ${answer.reply}`
  if (/^4/.test(answer.reply)) {
    if (!explained) yield at(place, kinds.unknownDeferred, { seen: said })
    return
  }
  const [route] = await routesOf(site.host, exim.command, '<>', [answer.recipient])
  const taker = exim.text.routers.find(({ name }) => name === route?.router)
  const isOurs = routers.some(({ name }) => name === taker?.name)
  if (isOurs && taker !== undefined && wayOf(taker) === 'callout') {
    // Unless the callout is missing, which is told already.
    if (calloutsFor(site).length === 0) return
    yield at(place, kinds.unknownAccepted, {
      seen: said,
      why: `The callout was not made, or Posthorn’s door took the address. ${kinds.unknownAccepted.why}`,
    })
  } else if (taker !== undefined)
    yield at(taker.place, kinds.unknownAccepted, {
      seen: `${said}; router = ${taker.name}, ${option(taker, 'driver')}`,
      why: `The router ${taker.name} takes an address that is none of a list. ${kinds.unknownAccepted.why}`,
      change: `Take the domains of lists out of ${taker.name}: domains = ! +mm_domains\n${reload(exim)}`,
    })
  else
    yield at(place, kinds.unknownAccepted, {
      seen: `${said}${place === null ? '' : ` (${place.text.trim()})`}`,
      why: `No router takes the address, yet this statement accepts it. ${kinds.unknownAccepted.why}`,
      change: `Before it:\ndeny domains = +mm_domains\n     !verify = recipient\n${reload(exim)}`,
    })
}
