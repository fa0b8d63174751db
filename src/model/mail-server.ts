// The mail-server side of Posthorn: each mail server is one adapter behind this interface.
import type { EmailAddress } from '../mail/address.ts'

export interface MailServer {
  readonly name: string
  /** Tables and marker files that the mail server reads; replaced atomically, after the list change has committed. */
  publish(directory: ListDirectory): Promise<readonly PublishedFile[]>
}

/** What the tables are made from: every domain with its lists. */
export interface ListDirectory {
  readonly domains: readonly DirectoryDomain[]
}

export interface DirectoryDomain {
  readonly mailHost: string
  readonly aliasDomain: string | null
  /** The operator says that nothing but lists lives here, so the whole domain may be routed to us. */
  readonly listOnly: boolean
  /** Local parts of the posting addresses. */
  readonly listNames: readonly string[]
}

export interface PublishedFile {
  readonly path: string
  /** False when the file already had this content and was left alone. */
  readonly changed: boolean
  /** What a person has to do before the mail server goes by it: a sentence without its full stop. */
  readonly advice?: string
}

/** A domain as the operator sees it. */
export interface Domain {
  readonly mailHost: string
  readonly description: string
  readonly aliasDomain: string | null
  readonly listOnly: boolean
  readonly owners: readonly EmailAddress[]
}
