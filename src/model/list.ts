// A mailing list: its names and its settings (the nouns that every station shares; no I/O).
// Attribute names, types and defaults are those that Mailman's clients know.
import type { Brand } from '../base/brand.ts'
import type { Instant } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'

/** The row number of a list; the lasting name is `ListId`. */
export type ListNo = Brand<number, 'ListNo'>
/** The lasting name of a list, `tea.lists.example` (RFC 2919 §3). */
export type ListId = Brand<string, 'ListId'>

export interface MailingList {
  readonly no: ListNo
  readonly listId: ListId
  /** The local part of the posting address, lower case. */
  readonly name: string
  readonly mailHost: string
  readonly createdAt: Instant
  readonly settings: ListSettings
}

export type ModerationAction = 'accept' | 'hold' | 'reject' | 'discard' | 'defer'
export const moderationActions = [
  'hold',
  'reject',
  'discard',
  'accept',
  'defer',
] as const satisfies readonly ModerationAction[]

/** Where replies go: no_munging, point_to_list, explicit_header, explicit_header_only. */
export type ReplyGoesTo = 'no_munging' | 'point_to_list' | 'explicit_header' | 'explicit_header_only'

export interface ListSettings {
  readonly displayName: string
  readonly description: string
  /** May hold `%d`, which becomes the post's number; '' for none. */
  readonly subjectPrefix: string
  readonly preferredLanguage: string
  /** Everything is held. */
  readonly emergency: boolean
  readonly allowListPosts: boolean
  readonly advertised: boolean
  readonly includeRfc2369Headers: boolean
  readonly defaultMemberAction: ModerationAction
  readonly defaultNonmemberAction: ModerationAction
  /** KiB; 0 is no limit. */
  readonly maxMessageSize: number
  /** Posters hear when their post is held. */
  readonly respondToPostRequests: boolean
  /** Owners and moderators hear of each held post at once. */
  readonly adminImmedNotify: boolean
  /** New members get a letter. */
  readonly sendWelcomeMessage: boolean
  /** Those who leave or are removed get a letter. */
  readonly sendGoodbyeMessage: boolean
  /** Owners and moderators hear of members who come and go. */
  readonly adminNotifyMchanges: boolean
  readonly replyGoesToList: ReplyGoesTo
  readonly replyToAddress: string
  readonly firstStripReplyTo: boolean
  /** Text put before and after each post; '' for none. May hold `$display_name` and other list attributes. */
  readonly header: string
  readonly footer: string
  /** How copies leave: one transaction for many members, or one each with its own envelope sender; null: as the site says. */
  readonly deliveryMode: DeliveryMode | null
}

export type DeliveryMode = 'bulk' | 'individual'

/** The settings of a new discussion list (Mailman's style legacy-default). */
export function defaultListSettings(name: string): ListSettings {
  const displayName = name.slice(0, 1).toUpperCase() + name.slice(1)
  return {
    displayName,
    description: '',
    subjectPrefix: `[${displayName}] `,
    preferredLanguage: 'en',
    emergency: false,
    allowListPosts: true,
    advertised: true,
    includeRfc2369Headers: true,
    defaultMemberAction: 'defer',
    defaultNonmemberAction: 'hold',
    maxMessageSize: 40,
    respondToPostRequests: true,
    adminImmedNotify: true,
    sendWelcomeMessage: true,
    sendGoodbyeMessage: true,
    adminNotifyMchanges: false,
    replyGoesToList: 'no_munging',
    replyToAddress: '',
    firstStripReplyTo: false,
    header: '',
    footer: '',
    deliveryMode: null,
  }
}

export const postingAddress = (list: Pick<MailingList, 'name' | 'mailHost'>): EmailAddress =>
  `${list.name}@${list.mailHost}` as EmailAddress

export function subAddress(list: Pick<MailingList, 'name' | 'mailHost'>, tail: SubAddress): EmailAddress {
  return `${list.name}-${tail}@${list.mailHost}` as EmailAddress
}

/** The eight tails of a list's other addresses, in the order of the generated tables. */
export const subAddresses = [
  'bounces',
  'confirm',
  'join',
  'leave',
  'owner',
  'request',
  'subscribe',
  'unsubscribe',
] as const
export type SubAddress = (typeof subAddresses)[number]
