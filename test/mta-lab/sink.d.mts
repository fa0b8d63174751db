// The parts of the sink that tests in TypeScript use; `sink.mjs --help` says what each option does.

export interface Rule {
  readonly source: string
  test(address: string): boolean
  readonly code: number
  readonly text: string | null
}

export interface Rate {
  readonly rate: number
  readonly code: number
}

export type Stage = 'connect' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'dot' | 'quit'

export interface SinkOptions {
  host: string
  port: number
  lmtp: boolean
  dir: string | null
  index: string | null
  http: number | null
  name: string
  pipelining: boolean
  eightbit: boolean
  smtputf8: boolean
  size: number
  noSize: boolean
  dsn: boolean
  enhanced: boolean
  chunking: boolean
  xverp: boolean
  heloOnly: boolean
  starttls: string | null
  implicitTls: string | null
  auth: string | null
  authMechanisms: string[]
  requireAuth: boolean
  requireTls: boolean
  strict: boolean
  rejectRcpt: Rule[]
  rejectFrom: Rule[]
  rejectData: Rule[]
  failRate: Rate | null
  failDataRate: Rate | null
  seed: number | null
  greylist: number | null
  greylistTries: number | null
  maxRcpt: number
  maxMessages: number
  maxConnections: number
  greeting: number
  dropAfter: number
  dropMidData: number
  dropAfterData: number
  mute: Stage[]
  delay: number
  delays: Partial<Record<Stage, number>>
  /** Keeps the envelopes in `messages` although nothing is stored. */
  keep: boolean
  /** Called for each message taken; without `dir` this is how a test sees the bytes. */
  onMessage(sink: Sink, id: number, body: Buffer): void
}

export interface Envelope {
  readonly id: number
  readonly time: string
  readonly connection: number
  readonly messageOnConnection: number
  readonly helo: string
  readonly esmtp: boolean
  readonly tls: boolean
  readonly auth: string | null
  readonly from: string
  readonly fromParams: Readonly<Record<string, string | true>>
  readonly to: readonly string[]
  readonly toParams: readonly Readonly<Record<string, string | true>>[]
  readonly size: number
}

export type SinkStatistics = Readonly<
  Record<
    | 'connections'
    | 'open'
    | 'maxOpen'
    | 'commands'
    | 'messages'
    | 'recipients'
    | 'bytes'
    | 'rejectedMail'
    | 'rejectedRcpt'
    | 'rejectedData'
    | 'deferredRcpt'
    | 'deferredData'
    | 'dropped'
    | 'noops'
    | 'resets'
    | 'tls'
    | 'authOk'
    | 'authFailed'
    | 'maxRcptSeen'
    | 'maxMessagesPerConnection'
    | 'badSequence'
    | 'bareLf',
    number
  >
> & { readonly perSecond: number | null }

export class Sink {
  constructor(options?: Partial<SinkOptions>)
  readonly port: number
  /** The options may be changed while it runs. */
  readonly o: SinkOptions
  readonly messages: readonly Envelope[]
  listen(): Promise<this>
  close(): Promise<void>
  reset(): void
  stats(): SinkStatistics
  /** Resolves when so many messages are in, in all; rejects after `milliseconds`. */
  waitFor(messages: number, milliseconds?: number): Promise<void>
}

export function defaults(): SinkOptions
/** `PATTERN[=CODE[ TEXT]]`, as on the command line; `code` where it names none. */
export function parseRule(text: string, code: number): Rule
/** Command-line words over the options so far. */
export function parseArgs(argv: readonly string[], base?: Partial<SinkOptions>): SinkOptions
