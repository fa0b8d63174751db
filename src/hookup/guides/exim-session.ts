// What Exim answers in an SMTP session from a host that we name (`exim -bhc`): at each recipient, and after a whole message.
// Law: nothing is delivered and nothing is kept; a session that Exim does not end in time says nothing.
import { Unavailable } from '../../base/unavailable.ts'
import type { MailServerHost } from '../../model/hookup.ts'
import type { EximCommand } from './exim-ask.ts'

/** The host that comes, and what it says. */
export interface Visitor {
  readonly address: string
  readonly hello: string
  /** '' is the null sender. */
  readonly sender: string
}

/** What Exim answers about one recipient, and which statement of its access control lists said so. */
export interface DoorAnswer {
  readonly recipient: string
  /** Where the session came to: a refusal before RCPT is one of every recipient. */
  readonly step: 'connect' | 'hello' | 'mail' | 'rcpt' | 'data'
  readonly reply: string
  /** Exim took the recipient to throw its mail away. */
  readonly isDiscarded: boolean
  readonly statement: { readonly file: string; readonly line: number } | null
}

/** `exim -bhc`: callouts are made. Null when Exim cannot be asked. */
export async function doorAnswers(
  host: MailServerHost,
  command: EximCommand,
  { address, hello, sender }: Visitor,
  recipients: readonly string[],
): Promise<readonly DoorAnswer[] | null> {
  const lines = [
    `EHLO ${hello}`,
    `MAIL FROM:<${sender}>`,
    ...recipients.map((to) => `RCPT TO:<${to}>`),
    'QUIT',
  ]
  const said = await session(host, command, address, lines)
  return said === null ? null : readAnswers(said.out, said.err, recipients)
}

/** The answer after the final dot of a message to one recipient, who is taken; null when Exim cannot be asked. */
export async function letterAnswer(
  host: MailServerHost,
  command: EximCommand,
  { address, hello, sender }: Visitor,
  recipient: string,
  letter: readonly string[],
): Promise<DoorAnswer | null> {
  const lines = [`EHLO ${hello}`, `MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`, 'DATA', ...letter, '.']
  const said = await session(host, command, address, [...lines, 'QUIT'])
  if (said === null) return null
  const replies = repliesIn(said.out)
  const [rcpt, data, end] = [replies[3] ?? '', replies[4] ?? '', replies[5] ?? '']
  if (!rcpt.startsWith('2')) return null
  const reply = data.startsWith('3') ? end : data
  if (reply === '') return null
  // A refusal that no statement makes comes behind a list that accepted.
  const trace = said.err.split(/^>>> using ACL "/m).at(-1) ?? ''
  const statement = /^>>> end of ACL .*: ACCEPT$/m.test(trace) ? null : lastStatement(trace)
  return { recipient, step: 'data', reply, isDiscarded: false, statement }
}

async function session(
  host: MailServerHost,
  command: EximCommand,
  address: string,
  lines: readonly string[],
): Promise<{ readonly out: string; readonly err: string } | null> {
  try {
    return await host.run([...command, '-bhc', address], lines.map((line) => `${line}\r\n`).join(''))
  } catch (fault) {
    // A scanner or a name server that does not answer is no reason to say nothing else.
    if (fault instanceof Unavailable) return null
    throw fault
  }
}

const repliesIn = (out: string): readonly string[] =>
  out
    .split('\n')
    .filter((line) => /^\d{3} /.test(line))
    .map((line) => line.trim())

/** Pure: the replies on standard output, and the statements on standard error. Null when Exim said nothing. */
export function readAnswers(
  out: string,
  err: string,
  recipients: readonly string[],
): readonly DoorAnswer[] | null {
  const [greeting = '', hello = '', mail = '', ...answers] = repliesIn(out)
  for (const [step, reply] of [
    ['connect', greeting],
    ['hello', hello],
    ['mail', mail],
  ] as const) {
    if (reply === '') return null
    if (reply.startsWith('2')) continue
    const statement = lastStatement(err.split(/^LOG: .*rejected/m)[0] ?? err)
    return recipients.map((recipient) => ({ recipient, step, reply, isDiscarded: false, statement }))
  }
  // A session for each RCPT: `using ACL "acl_check_rcpt"` begins it.
  const traces = err.split(/^>>> using ACL "/m).filter((trace) => />>> end of ACL/.test(trace))
  const rcpt = traces.slice(-recipients.length)
  return recipients.flatMap((recipient, at) => {
    const reply = answers[at]
    if (reply === undefined) return []
    const trace = traces.length < recipients.length ? '' : (rcpt[at] ?? '')
    const isDiscarded = /^>>> end of ACL .*: DISCARD$/m.test(trace)
    return [{ recipient, step: 'rcpt', reply, isDiscarded, statement: lastStatement(trace) }] as const
  })
}

function lastStatement(trace: string): DoorAnswer['statement'] {
  const processing = [...trace.matchAll(/^>>> processing "\w+" \((.+) (\d+)\)$/gm)].at(-1)
  const [, file = '', line = ''] = processing ?? []
  return file === '' ? null : { file, line: Number(line) }
}

/** What was said, as a finding tells it. */
export function saidTo({ address, hello, sender }: Visitor, { step, recipient }: DoorAnswer): string {
  const place = address.startsWith('192.0.2.') ? 'the world' : address
  switch (step) {
    case 'connect':
      return `a connection from ${place}`
    case 'hello':
      return `EHLO ${hello} from ${place}`
    case 'mail':
      return `MAIL FROM:<${sender}> from ${place}`
    case 'rcpt':
      return `MAIL FROM:<${sender}>, RCPT TO:<${recipient}> from ${place}`
    case 'data':
      return `a message from <${sender}> to ${recipient}, from ${place}`
  }
}
