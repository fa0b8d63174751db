// What the doctor knows of a Sendmail before it judges: its files, and its answers to one batch of questions. Law: one
// run of sendmail -bt for all domains; questions that depend on who sends come in the order of the clients.

import type { HostFacts, MailServerHost } from '../../model/hookup.ts'
import type { DirectoryDomain } from '../../model/mail-server.ts'
import { addressFromAfar } from './hosts.ts'
import { addressesOf, askedToken, type ListSample, sampleLists } from './list-sample.ts'
import { type SeenAt, seenFromOutside } from './seen-at.ts'
import { type CfMap, parseCf, type SendmailCf } from './sendmail-cf.ts'
import type { FileThere, SendmailFiles } from './sendmail-files.ts'
import { readFromOutside } from './sendmail-from-outside.ts'
import { askTestMode, findSendmail, type TestMode } from './sendmail-test-mode.ts'

export interface Situation {
  readonly facts: HostFacts
  readonly host: MailServerHost
  readonly files: SendmailFiles
  readonly cfFile: FileThere
  readonly cf: SendmailCf
  /** Null when the program is not there: then the rules were followed here. */
  readonly program: string | null
  readonly complaints: readonly string[]
  /** Files of compiled maps that are not there; Sendmail says so once, whatever was asked. */
  readonly missingMaps: readonly { readonly path: string; readonly words: string }[]
  /** Where a path of the mail server is seen from here. */
  readonly seenAt: SeenAt
  /** The lists that Sendmail is asked about one by one, and how many more there are. */
  readonly lists: ReturnType<typeof sampleLists>
  /** The lines of one answer; empty when it was not asked. */
  answer(key: string): readonly string[]
  /** Asks about addresses in each map of lists; `map NAME ADDRESS` is answered then. */
  askMaps(addresses: readonly string[]): Promise<void>
}

/** So many lists are asked about one by one, and so many with each check of each of their addresses. */
const mostLists = 300
const mostLooks = 30

/** An address of each sort for one domain; `list` is null where it has none yet. */
export interface Sample {
  readonly domain: DirectoryDomain
  readonly post: string | null
  readonly extended: string | null
  readonly unknown: string
}

/** An address that no list can have: a list's name is made small. */
const nobody = 'posthorn-doctor-asks-for-nobody'

export function sampleOf(domain: DirectoryDomain, delimiter: string): Sample {
  const [name] = domain.listNames
  const at = `@${domain.mailHost}`
  return {
    domain,
    post: name === undefined ? null : `${name}${at}`,
    extended: name === undefined || delimiter === '' ? null : `${name}-bounces${delimiter}${askedToken}${at}`,
    unknown: `${nobody}${at}`,
  }
}

/** The client outside is of a network for documentation (RFC 5737), and the sender is the null one. */
const outside = { address: '198.51.100.25', name: 'mail.example.net' }
export const outsider = 'somebody@example.net'

/** Maps that a rule may ask for lists. */
export const listMaps = (cf: SendmailCf): readonly CfMap[] =>
  cf.maps.filter(({ type }) => type === 'text' || type === 'socket')

/** Throws Unavailable as the host does. */
export async function situationOf(
  facts: HostFacts,
  host: MailServerHost,
  files: SendmailFiles,
  cfFile: FileThere,
): Promise<Situation> {
  const cf = parseCf(cfFile.path, cfFile.text)
  const program = await findSendmail(host)
  const lists = sampleLists(facts, mostLists)
  const outside = program === null ? await readFromOutside(facts, host, cfFile, cf) : null
  const byKey = new Map<string, readonly string[]>()
  const ask = async (questions: readonly Question[]): Promise<TestMode> => {
    const lines = questions.map(([, question]) => question)
    const told =
      outside === null
        ? await askTestMode(host, program ?? '', cfFile.path, lines)
        : { complaints: outside.complaints, answers: lines.map((line) => outside.answer(line)) }
    for (const [at, [key]] of questions.entries()) byKey.set(key, told.answers[at] ?? [])
    return told
  }
  const { complaints, answers } = await ask(questionsFor(facts, cf, lists.samples))
  const said = answers.flat().flatMap((words) => {
    const path = /missing map file (\S+?):/.exec(words)?.[1]
    return path === undefined ? [] : [{ path, words }]
  })
  const missingMaps = outside?.missingMaps ?? said
  const seenAt = outside === null ? async (path: string) => path : seenFromOutside(facts, host)
  const answer = (key: string): readonly string[] => byKey.get(key) ?? []
  const askMaps = async (addresses: readonly string[]): Promise<void> => {
    if (addresses.length > 0) await ask(addresses.flatMap((address) => mapQuestions(cf, address)))
  }
  return { facts, host, files, cfFile, cf, program, complaints, missingMaps, seenAt, lists, answer, askMaps }
}

type Question = readonly [key: string, line: string]

const mapQuestions = (cf: SendmailCf, address: string): readonly Question[] =>
  listMaps(cf).map(({ name }) => [`map ${name} ${address}`, `/map ${name} ${address}`] as const)

/** The addresses of the lists in a sample, but for the two that are asked about before all others. */
export function otherAddresses({ domain, names }: ListSample, delimiter: string): readonly string[] {
  const { post, extended } = sampleOf(domain, delimiter)
  const all = names.flatMap((name) => addressesOf(name, domain.mailHost, delimiter))
  return all.filter((address) => address !== post && address !== extended)
}

function questionsFor(facts: HostFacts, cf: SendmailCf, lists: readonly ListSample[]): readonly Question[] {
  const questions: Question[] = []
  const ask = (key: string, line: string): void => void questions.push([key, line])
  const client = ({ address, name }: typeof outside): void => {
    ask('', `.D{client_addr}${address}`)
    ask('', `.D{client_name}${name}`)
    ask('', '.D{client_resolve}OK')
    ask('', '.D{mail_from}<>')
  }
  const samples = facts.domains.map((domain) => sampleOf(domain, facts.delimiter))
  const classes = new Set(
    cf.rules.flatMap(({ text }) => [...text.matchAll(/\$=\{(\w+)\}/g)].map(([, name = '']) => name)),
  )
  for (const name of classes)
    if (/^Posthorn|^MM3|list|mailman/i.test(name)) ask(`class ${name}`, `$={${name}}`)
  ask('flags', '/tryflags ER')
  client(outside)
  for (const { domain, post, extended, unknown } of samples) {
    for (const address of [post, extended, unknown]) {
      if (address === null) continue
      ask(`route ${address}`, `3,0 ${address}`)
      ask(`rcpt ${address}`, `check_rcpt ${address}`)
      questions.push(...mapQuestions(cf, address))
    }
    for (const name of ['mailertable', 'virtuser'])
      if (cf.maps.some((map) => map.name === name)) {
        ask(`map ${name} ${domain.mailHost}`, `/map ${name} ${domain.mailHost}`)
        ask(`map ${name} @${domain.mailHost}`, `/map ${name} @${domain.mailHost}`)
      }
  }
  const few = lists.reduce((sum, { names }) => sum + names.length, 0) <= mostLooks
  for (const sample of lists)
    for (const address of otherAddresses(sample, facts.delimiter)) {
      ask(`route ${address}`, `3,0 ${address}`)
      if (few || isLookedAt(sample, address, facts.delimiter)) ask(`rcpt ${address}`, `check_rcpt ${address}`)
    }
  for (const mailer of mailersNamed(cf))
    for (const { extended, unknown } of samples.slice(0, 1))
      ask(`try ${mailer}`, `/try ${mailer} ${extended ?? unknown}`)
  const us = ourselves(facts)
  client(us)
  ask('relay', `check_rcpt ${outsider}`)
  ask(`route ${outsider}`, `3,0 ${outsider}`)
  if (cf.maps.some(({ name }) => name === 'access'))
    for (const key of connectKeys(us)) ask(`access ${key}`, `/map access ${key}`)
  for (const mailer of cf.mailers)
    for (const { extended, unknown } of samples) {
      const ruleset = mailer.fields.get('S')?.split('/')[0]
      const sender = extended ?? unknown
      if (ruleset !== undefined && mailer.fields.get('P') === '[IPC]' && !isForLists(mailer))
        ask(`sender ${mailer.name} ${sender}`, `3,${ruleset},4 ${sender}`)
    }
  for (const ruleset of ['check_relay', 'checkrelay']) ask(ruleset, `${ruleset} ${us.name} $| ${us.address}`)
  for (const { extended, unknown } of samples)
    for (const ruleset of ['check_mail', 'checkmail'])
      ask(`${ruleset} ${extended ?? unknown}`, `${ruleset} <${extended ?? unknown}>`)
  return questions
}

/** The posting address, and the one that bounces come to. */
function isLookedAt({ domain, names }: ListSample, address: string, delimiter: string): boolean {
  const local = address.slice(0, -(domain.mailHost.length + 1))
  return names.includes(local) || local.endsWith(`-bounces${delimiter}${askedToken}`)
}

/** What the access map is asked about a client (cf.m4, rulesets D and A); check_relay itself takes two words, -bt one. */
export const connectKeys = ({ address, name }: { address: string; name: string }): readonly string[] =>
  [address, name].flatMap((one) => [`connect:${one.toLowerCase()}`, one.toLowerCase()])

/** Who Posthorn is to Sendmail. Without a name in the DNS a client is called by its address. */
export function ourselves({ lmtp, hostname }: HostFacts): {
  readonly address: string
  readonly name: string
} {
  const afar = addressFromAfar(lmtp.host)
  if (afar === null) return { address: '127.0.0.1', name: 'localhost' }
  return { address: afar, name: hostname.includes('.') ? hostname : `[${afar}]` }
}

/** The mailers that some rule names, by `$#name`. */
export function mailersNamed(cf: SendmailCf): readonly string[] {
  const named = cf.rules.flatMap(({ text }) =>
    [...text.matchAll(/\$#\s*([\w-]+)/g)].map(([, name = '']) => name),
  )
  return [...new Set(named)].filter((name) =>
    cf.mailers.some((mailer) => mailer.name === name && isForLists(mailer)),
  )
}

/** A mailer that is meant for us: it speaks LMTP, or is called so. */
export const isForLists = ({
  name,
  fields,
}: {
  name: string
  fields: ReadonlyMap<string, string>
}): boolean =>
  /posthorn|mailman|mm3|lists?$/i.test(name) ||
  (fields.get('F')?.includes('z') === true && fields.get('P') === '[IPC]')
