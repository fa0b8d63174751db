// `doctor --deep`, on the side of the terminal: asks the server to send a trial post round the loop, and says in words how
// far it came.
import { callServer } from '../app/control-client.ts'
import { findControlPath } from '../app/data-directory.ts'
import { SECOND } from '../base/clock.ts'
import { Unavailable } from '../base/unavailable.ts'
import type { Config } from '../config/config.ts'
import { leftByTrials } from '../hookup/deep/left-in-queue.ts'
import type { Hop, RoundTripNews } from '../hookup/deep/round-trip-news.ts'
import type { Finding, MailServerGuide, MailServerHost } from '../model/hookup.ts'

/** What the server says, a line of JSON each. */
export type RoundTripLine =
  | RoundTripNews
  | { readonly kind: 'begun'; readonly domain: string; readonly through: string }
  /** Nothing was tried, and why. */
  | { readonly kind: 'cannot'; readonly words: string }

export interface RoundTripReport {
  readonly findings: readonly Finding[]
  /** Why it could not be tried, a sentence each. */
  readonly unavailable: readonly string[]
  /** The form of `--json`. */
  readonly json: {
    readonly domain: string | null
    readonly through: string | null
    readonly hops: readonly {
      readonly hop: Hop
      readonly milliseconds: number
      readonly said: string | null
    }[]
    readonly notes: readonly string[]
  }
}

/** The mail server as it is seen from here; `name` is that of its guide. */
export interface MailServerHere {
  readonly guide: Pick<MailServerGuide, 'name' | 'heardInTheWorld'>
  readonly host: MailServerHost
}

/** Goes round once; `hear` gets each line as it comes. */
export async function goRound(
  config: Config,
  asked: { readonly domain: string | null; readonly wait: string | null },
  mailServer: MailServerHere | null,
  hear: (words: string) => void,
): Promise<RoundTripReport> {
  const options = { ...asked, 'mail-server': mailServer?.guide.name ?? null }
  const argv = Object.entries(options).flatMap(([name, value]) =>
    value === null ? [] : [`--${name}`, value],
  )
  const lines: RoundTripLine[] = []
  const errors: string[] = []
  let held = ''
  const answered = await callServer(
    findControlPath(config),
    { command: 'round-trip', argv, cwd: process.cwd(), stdin: null },
    async (frame) => {
      if (frame.kind === 'err') errors.push(frame.text.trim())
      if (frame.kind !== 'out') return
      const parts = (held + frame.text).split('\n')
      held = parts.pop() ?? ''
      for (const part of parts) {
        const line = await asHeardInTheWorld(JSON.parse(part) as RoundTripLine, mailServer)
        lines.push(line)
        for (const words of wordsOf(line)) hear(words)
      }
    },
  )
  const unavailable = lines.flatMap((line) => (line.kind === 'cannot' ? [line.words] : []))
  if (answered.kind === 'nobody')
    unavailable.push('--deep needs the server, which does not run: posthorn start')
  if (answered.kind === 'refused') unavailable.push(answered.words)
  if (answered.kind === 'lost')
    unavailable.push('the server went away during the round trip; its log says why')
  if (answered.kind === 'exit' && answered.code !== 0) unavailable.push(errors.join(' '))
  const report = reportOf(lines, unavailable)
  if (mailServer === null || !report.findings.some(({ kind }) => kind.severity === 'error')) return report
  const left = await leftByTrials(mailServer.guide.name, mailServer.host)
  return left === null ? report : { ...report, findings: [...report.findings, left] }
}

/** An unknown list that this machine may write to is no fault where everybody else is refused. */
async function asHeardInTheWorld(
  line: RoundTripLine,
  mailServer: MailServerHere | null,
): Promise<RoundTripLine> {
  if (line.kind !== 'finding' || line.unknown === undefined) return line
  try {
    const reply = (await mailServer?.guide.heardInTheWorld?.(mailServer.host, line.unknown)) ?? ''
    if (!reply.startsWith('5')) return line
    return {
      kind: 'hop',
      hop: 'unknown-refused',
      milliseconds: 0,
      said: `${reply} (to others than this machine)`,
    }
  } catch (fault) {
    if (fault instanceof Unavailable) return line
    throw fault
  }
}

function reportOf(lines: readonly RoundTripLine[], unavailable: readonly string[]): RoundTripReport {
  const begun = lines.find((line) => line.kind === 'begun')
  return {
    findings: lines.flatMap((line) => (line.kind === 'finding' ? [line.finding] : [])),
    unavailable,
    json: {
      domain: begun?.domain ?? null,
      through: begun?.through ?? null,
      hops: lines.flatMap((line) =>
        line.kind === 'hop' ? [{ hop: line.hop, milliseconds: line.milliseconds, said: line.said }] : [],
      ),
      notes: lines.flatMap((line) => (line.kind === 'note' ? [line.words] : [])),
    },
  }
}

const hopWords: Readonly<Record<Hop, string>> = {
  known: 'the mail server knows a new list',
  'smtp-in': 'it took the trial post',
  'lmtp-in': 'and handed it in by LMTP',
  judged: 'it was judged and accepted',
  'smtp-out': 'its copy was given to the mail server',
  home: 'and came home by LMTP',
  'bounce-smtp': 'a bounce to that copy was taken',
  'bounce-lmtp': 'and handed in by LMTP',
  'unknown-refused': 'an unknown list is refused at RCPT',
  'unknown-returned': 'mail for an unknown list is sent back',
}

function wordsOf(line: RoundTripLine): readonly string[] {
  switch (line.kind) {
    case 'begun':
      return [`Round trip in ${line.domain}, through ${line.through}:`]
    case 'note':
      return [`  ${line.words}`]
    case 'hop': {
      const time = `${(line.milliseconds / SECOND).toFixed(2)} s`.padStart(9)
      const said = line.said === null ? '' : `  ${line.said}`
      return [`${time}  ${hopWords[line.hop]}${said === '' ? '' : ':'}${said}`]
    }
    case 'finding':
      return [`${'-'.padStart(9)}  it ends here: ${line.finding.kind.summary}`]
    case 'cannot':
      return []
  }
}
