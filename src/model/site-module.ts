// What a site's own code has to look like to take the place of a mail server of ours: `[mta] incoming: ./our-mta.ts#OurMta`
// and `[mta] outgoing: ./our-mta.ts#deliver`. docs/own-mail-server.md explains it with an example. Law: a site's code gets
// plain facts and few deeds; it never sees the store, and what goes wrong in it is told as its fault.
import type { ListDirectory, PublishedFile } from './mail-server.ts'

/** What `[mta] incoming` names: a class; one object is made at the start. A constructor that throws stops the start. */
export type SiteMailServerClass = new (site: SiteMailServerPlace) => SiteMailServer

export interface SiteMailServer {
  /**
   * Brings the tables up to these lists; called after each change and at the start, never twice at a time, in one process
   * at a time. Throws where that was not possible: the words go to whoever made the change and to `status`, and it is
   * called again later. What was changed is told; nothing, where nothing was.
   */
  publish(directory: ListDirectory): Promise<readonly PublishedFile[]>
}

export interface SiteMailServerPlace {
  /** Where its files go: data_dir, or what `aliases -d` says. */
  readonly directory: string
  /** Where mail for the lists is to be handed in. */
  readonly lmtp: { readonly host: string; readonly port: number }
  /** Between a local part and its extension. */
  readonly delimiter: string
  /** The keys of the section that is named like the class, in the file of `[mta] configuration`; names in lower case. */
  readonly settings: Readonly<Record<string, string>>
  /** Puts a file into `directory` whole: written beside, synced, renamed; left alone when it has this text already. */
  replaceFile(name: string, text: string): Promise<PublishedFile>
  /** Takes a file out of `directory`. */
  removeFile(name: string): Promise<PublishedFile>
  /** Runs a program, without a shell, for 30 s at most. Throws with its words unless it ends with 0. */
  run(argv: readonly [string, ...string[]]): Promise<void>
}

/** What `[mta] outgoing` names: a function that hands one message over, for one or many recipients. */
export type SiteDeliver = (
  transaction: SiteTransaction,
  site: SiteDeliveryPlace,
) => SiteOutcome | Promise<SiteOutcome>

export interface SiteTransaction {
  /** The envelope sender; '' is the null sender. */
  readonly from: string
  readonly recipients: readonly string[]
  /** The message, lines end with CRLF. Not to be changed. */
  readonly message: Uint8Array
  readonly eightBit: boolean
  /** An address or the header is in UTF-8 (RFC 6531). */
  readonly smtpUtf8: boolean
  /** Aborted when the server ends: what is not handed over by then should be given up. */
  readonly signal: AbortSignal
}

export interface SiteDeliveryPlace {
  /** `[mta] smtp_host` and `smtp_port`, for what they are worth here. */
  readonly relay: { readonly host: string; readonly port: number }
  /** As for a mail server: the section named like the function. */
  readonly settings: Readonly<Record<string, string>>
}

/**
 * What became of it. A throw, or no outcome within ten minutes, leaves all recipients in doubt: they are tried again,
 * and may get the message twice.
 */
export type SiteOutcome =
  /**
   * A reply for each recipient, in order, as SMTP has them: `250 2.0.0 taken`; 4xx: tried again later; 5xx: this address
   * is at fault, which counts as a bounce of the member.
   */
  | { readonly kind: 'answered'; readonly replies: readonly string[] }
  /** The message was refused for everybody, by a 4xx or 5xx: nobody's address is at fault. */
  | { readonly kind: 'refused'; readonly reply: string }
  /** Nothing was taken, and nothing will be for now: everything waits, nobody's time runs. */
  | { readonly kind: 'down'; readonly words: string }
