// Asks Sendmail what its rules do: `sendmail -bt`, its address test mode, which delivers nothing. Law: one run answers a
// whole batch of questions, in their order; what it says about its configuration file is kept too.
import type { MailServerHost } from '../../model/hookup.ts'

export interface TestMode {
  /** What it said before the first question: faults of the configuration, with line numbers. */
  readonly complaints: readonly string[]
  /** The lines that each question gave. */
  readonly answers: readonly (readonly string[])[]
}

/** What a ruleset made of an address. */
export type Verdict =
  | { readonly kind: 'mailer'; readonly mailer: string; readonly host: string; readonly user: string }
  | { readonly kind: 'error'; readonly words: string }
  /** A workspace without `$#`: the next check has its say, which for check_rcpt means yes. */
  | { readonly kind: 'passes'; readonly text: string }

const places = [
  '/usr/libexec/sendmail/sendmail',
  '/usr/lib/sm.bin/sendmail',
  '/usr/sbin/sendmail.sendmail',
  'sendmail',
  '/usr/lib/sendmail',
]

/** The program that is Sendmail: others bring a command of this name too. Null when there is none. */
export async function findSendmail(host: MailServerHost): Promise<string | null> {
  for (const program of places) {
    const ended = await host.run([program, '-d0.1', '-bt', '-C', '/dev/null'])
    if (ended !== null && /^Version 8\.|ADDRESS TEST MODE/m.test(ended.out + ended.err)) return program
  }
  return null
}

/** Throws Unavailable as the host does. `questions` are lines as a person would type them. */
export async function askTestMode(
  host: MailServerHost,
  program: string,
  cf: string,
  questions: readonly string[],
): Promise<TestMode> {
  // A name server that does not answer must not hold up the doctor.
  const quick = ['-O', 'Timeout.resolver.retrans=1s', '-O', 'Timeout.resolver.retry=1']
  const input = questions.map((question) => `${question}\n`).join('')
  const ended = await host.run([program, '-bt', '-C', cf, ...quick], input)
  const complaints: string[] = []
  const answers: string[][] = []
  for (const raw of (ended?.out ?? '').split('\n')) {
    let line = raw
    // A prompt for each question read; those that print nothing share a line.
    while (line.startsWith('> ') || line === '>') {
      answers.push([])
      line = line.slice(2)
    }
    if (line === '') continue
    const current = answers.at(-1)
    if (current !== undefined) current.push(line)
    else if (!/^(WARNING: local host name|ADDRESS TEST MODE|Enter <ruleset>)/.test(line))
      complaints.push(line)
  }
  const errors = (ended?.err ?? '').split('\n').filter((line) => line !== '')
  return { complaints: [...complaints, ...errors], answers: questions.map((_, at) => answers[at] ?? []) }
}

/** What came out of `ruleset` last; null when the answer does not say. */
export function verdictOf(answer: readonly string[], ruleset: string): Verdict | null {
  const name = ruleset.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const returned = new RegExp(`^${name}\\s+returns: ?(.*)$`, 'i')
  const text = answer.map((line) => returned.exec(line)?.[1]).findLast((found) => found !== undefined)
  if (text === undefined) return null
  const [, mailer, host = '', user = ''] = /^\$# ?(\S+)(?: \$@ (.*?))?(?: \$: (.*))?$/.exec(text) ?? []
  if (mailer === undefined) return { kind: 'passes', text: closed(text) }
  if (mailer === 'error') return { kind: 'error', words: user.replace(/^"|"$/g, '') }
  return { kind: 'mailer', mailer, host: closed(host), user: closed(user) }
}

/** Tokens are printed with blanks between them. */
const closed = (text: string): string => text.replace(/ /g, '')

/** Whether a look-up could not be done now (sysexits 75). */
export const isTemporary = (answer: readonly string[]): boolean =>
  answer.some((line) => / status 75$/.test(line))
