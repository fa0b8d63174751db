// The frames of judging: a rule asks one question of a post; a chain orders rules and says what follows a hit.
import type { EmailAddress, EnvelopeSender } from '../mail/address.ts'
import type { Message } from '../mail/message.ts'
import type { MailingList, ModerationAction } from './list.ts'
import type { Role } from './member.ts'

/** All that a rule may look at; gathered by the station before the chain runs. */
export interface Facts {
  readonly post: Post
  readonly list: MailingList
  /** The first of the senders, or null where the post names none. */
  readonly sender: EmailAddress | null
  readonly senders: readonly EmailAddress[]
  /** The membership that speaks for the senders: a member's before a nonmember's; null for a stranger. */
  readonly membership: {
    readonly role: Role
    readonly address: EmailAddress
    readonly action: ModerationAction | null
  } | null
  /** Those of the senders that are banned from the list or the site. */
  readonly banned: readonly EmailAddress[]
}

export interface Post {
  readonly message: Message
  readonly envelopeSender: EnvelopeSender
  /** Bytes as received. */
  readonly size: number
}

/** Plain values that say what was found; they go to the moderator, the log and `trace`. */
export type Detail = Readonly<Record<string, string | number | boolean | null>>

export interface Rule {
  readonly name: string
  /** What a hit means, for the person who reads it. */
  readonly summary: string
  /** The detail of a hit, or null for none. Pure. */
  check(facts: Facts): Detail | null
  /** The summary with what was found in it; where a rule has none, the summary stands. */
  reason?(detail: Detail): string
}

export interface Hit {
  readonly rule: string
  /** The reason in words, as the sender and the moderator read it. */
  readonly summary: string
  readonly detail: Detail
}

export type Action = 'accept' | 'hold' | 'reject' | 'discard'

/** A place in a chain. `by-hit`: the detail's `action` says what follows. `overrides`: an accept that also ends earlier holds. */
export interface Link {
  readonly rule: Rule
  readonly onHit: Action | 'by-hit'
  readonly overrides?: boolean
}

export type Verdict =
  | { readonly action: 'accept'; readonly hits: readonly Hit[] }
  | { readonly action: 'hold' | 'reject' | 'discard'; readonly because: readonly [Hit, ...Hit[]] } // never without a reason
