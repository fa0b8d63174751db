// The frame of decorating: a handler makes one change to the draft of an accepted post. Pure.
import type { Draft } from '../mail/draft.ts'
import type { MailingList } from './list.ts'
import type { Post } from './rule.ts'

/** What a handler may look at beside the draft. */
export interface Occasion {
  readonly list: MailingList
  readonly post: Post
  /** The number of this post in its list, from 1. */
  readonly postNumber: number
  /** The site's own domain, for a Message-ID that has to be made. */
  readonly siteDomain: string
}

export interface Handler {
  readonly name: string
  readonly summary: string
  apply(draft: Draft, occasion: Occasion): Draft
}

/**
 * What a post carries for each list of ours that it went through, by its List-Id: `list-headers` adds it, the rule
 * `loop` looks for it. Mail to owners carries the owner address: `owner-trace` adds it, `owner-loop` looks for it.
 */
export const traceField = 'X-Posthorn-Loop'
