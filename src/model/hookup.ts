// The hook-up of a mail server: what a person must add to its configuration, and what can be wrong with it. Law: all that
// is known about the mail server is read through MailServerHost, so that it may live in another folder, in a container or a
// chroot; nothing here is changed by looking.
import type { DirectoryDomain } from './mail-server.ts'

/** What a mail server has to be told about this Posthorn; plain data, gathered from configuration and store. */
export interface HostFacts {
  /** The name of this machine, fully qualified where it has such a name. */
  readonly hostname: string
  /** The configuration file in force, null for defaults: findings about our side name it. */
  readonly configFile: string | null
  readonly lmtp: Endpoint & { readonly socket: string | null }
  /** The SMTP intake, for mail servers that cannot speak LMTP; null when it is off. */
  readonly smtpIntake: Endpoint | null
  /** Where our mail goes out. */
  readonly relay: Endpoint & {
    readonly secureMode: 'smtp' | 'smtps' | 'starttls'
    readonly user: string | null
  }
  readonly varDir: string
  /** Where the generated tables are. */
  readonly dataDir: string
  /** Where the markers for Exim are: `NAME.DOMAIN/`. */
  readonly listDataDir: string
  /** Between a local part and its extension; '' for none. */
  readonly delimiter: string
  /** The names of `[mta] incoming`: for which mail servers tables are written. */
  readonly incoming: readonly string[]
  /** How the tables of Postfix are written. */
  readonly postfix: { readonly tableType: string; readonly postmapCommand: string }
  /** What is run after the tables of OpenSMTPD have changed; empty: nothing. */
  readonly opensmtpd: { readonly reloadCommand: readonly string[] }
  /** The file that `[mta] configuration` names, with the sections for mail servers; null when it names none. */
  readonly mailServerFile: string | null
  readonly courier: DotFileFacts
  readonly qmail: DotFileFacts
  /** Octets of the largest message that is taken. */
  readonly maxMessageSize: number
  /** Places of the look-up service, as the configuration says them (`host:port` or a path); null: off. */
  readonly lookup: {
    readonly socketmap: string | null
    readonly tcpTable: string | null
    readonly readsocket: string | null
  }
  readonly domains: readonly DirectoryDomain[]
  /** The oldest and the newest list of each domain, for who looks at some only. */
  readonly oldestAndNewest?: ReadonlyMap<string, readonly string[]>
  /** The account that Posthorn runs as. */
  readonly account: { readonly user: string; readonly group: string }
  /** Absolute path of `posthorn-qmail`. */
  readonly pipeProgram: string
}

/** Where Posthorn writes two dot files for each list, and what they start. */
export interface DotFileFacts {
  /** The home of the user who gets the lists; null: none are written, but for `homes`. */
  readonly home: string | null
  /** By domain, over `home`. */
  readonly homes: Readonly<Record<string, string>>
  /** The program and its options; port and parts are added. */
  readonly command: string
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** The machine, container or chroot where the mail server is. Reads and asks; changes nothing. */
export interface MailServerHost {
  /** As given by `--config-dir`; null: where a mail server of this kind has its files. */
  readonly configDir: string | null
  /** Null when there is no such file. Throws Unavailable when it is there and cannot be read. */
  readText(path: string): Promise<string | null>
  /** Null when there is no such file or directory. */
  stat(path: string): Promise<FileFacts | null>
  /** Names in a directory, sorted; null when there is none. Throws Unavailable as readText does. */
  list(path: string): Promise<readonly string[] | null>
  /** Runs a program there, never through a shell; null when there is none of that name. Throws Unavailable after 15 s. */
  run(argv: readonly [string, ...string[]], input?: string): Promise<Ended | null>
  /** Whether a server takes connections there; null where that cannot be told from here. */
  listens(place: Endpoint | { readonly path: string }): Promise<boolean | null>
}

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'socket' | 'other'
  readonly user: string
  readonly group: string
  /** The permission bits, 0o000 to 0o7777. */
  readonly mode: number
  readonly size: number
  /** Milliseconds since 1970. */
  readonly changed: number
}

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** All that `posthorn hookup` prints for one mail server. */
export interface Hookup {
  readonly files: readonly ConfigurationFile[]
  /** What to run when the files are there, in order: argument vectors with a sentence of why. */
  readonly afterwards: readonly { readonly argv: readonly string[]; readonly why: string }[]
  /** Lines for our own configuration that this hook-up needs and that are not there yet: `[section] key: value`. */
  readonly ours: readonly OurLine[]
  /** What to know beside the files, a sentence each. */
  readonly notes: readonly string[]
  /** Why this hook-up cannot be made for these domains or settings, and what to do; empty when it can. */
  readonly refusals: readonly string[]
}

export interface OurLine {
  readonly section: string
  readonly line: string
  readonly why: string
  /** It belongs into the file that `[mta] configuration` names. */
  readonly inMailServerFile?: true
}

/** What is to stand in one file of the mail server. */
export interface ConfigurationFile {
  readonly path: string
  /** `block`: lines between our markers in a file of the operator's; `whole`: a file that is ours alone. */
  readonly kind: 'block' | 'whole'
  /** What begins a comment line in this file: `#`, `dnl`. */
  readonly comment: string
  /** Where the block goes when it is not there yet. */
  readonly place: 'end' | { readonly before: RegExp } | { readonly after: RegExp }
  readonly settings: readonly Setting[]
  /** Permission bits of a new file. */
  readonly mode: number
}

/** Lines that belong together. */
export interface Setting {
  readonly lines: readonly string[]
  /** One sentence. */
  readonly why: string
  /** Lines of the file (numbers from 1) that these replace: they hold the value that is taken over. */
  readonly replaces: readonly number[]
}

export type Severity = 'error' | 'warning' | 'info'

/** One thing that can be wrong with a hook-up: an entry of the catalogue, docs/troubleshooting.md. */
export interface FindingKind {
  /** Stable: `postfix.unknown-recipients-accepted`. */
  readonly code: string
  readonly severity: Severity
  /** What is wrong, in one line. */
  readonly summary: string
  /** Why that breaks mail. */
  readonly why: string
  /** What to do in general; a finding says it for its own case. */
  readonly change: string
  /** Smaller is told first: causes before what they cause. 100 is the middle. */
  readonly rank: number
  /** Codes of kinds that are consequences of this one: they are not told beside it. A code ending in `.*` is a family. */
  readonly explains?: readonly string[]
}

/** What was found on one host. */
export interface Finding {
  readonly kind: FindingKind
  /** The very line or reply. */
  readonly seen: string
  readonly file: string | null
  /** From 1. */
  readonly line: number | null
  readonly why: string
  /** The exact change: lines to write, or a command. */
  readonly change: string
}

/**
 * How the mail server learns which addresses exist: it reads tables (or markers) that Posthorn writes; it asks the
 * look-up service; or it asks the LMTP door at RCPT (address verification, callouts).
 */
export type HookupWay = 'tables' | 'lookup' | 'verify'

/** One mail server as `hookup` and `doctor` know it. */
export interface MailServerGuide {
  readonly name: string
  /** How people call it: `Postfix`. */
  readonly title: string
  /** All findings that `diagnose` may make. */
  readonly kinds: readonly FindingKind[]
  isInstalled(host: MailServerHost): Promise<boolean>
  /**
   * The configuration a person must add, for exactly this host and these settings, joined to what is there. Without a
   * `way` the facts choose; one that this mail server does not have is refused with words. Throws Unavailable.
   */
  hookup(facts: HostFacts, host: MailServerHost, way?: HookupWay): Promise<Hookup>
  /**
   * What a host in the world is answered at RCPT, where the mail server tells that without being asked from there: what it
   * allows to this machine it may refuse to others. Null when it does not tell. Throws Unavailable.
   */
  heardInTheWorld?(host: MailServerHost, recipient: string): Promise<string | null>
  /** What is wrong with the hook-up; the caller sorts. Throws Unavailable when the mail server cannot be looked at. */
  diagnose(facts: HostFacts, host: MailServerHost): AsyncIterable<Finding>
}
