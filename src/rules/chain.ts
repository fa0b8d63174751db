// The order in which the rules are asked, and what their answers come to. The station `moderation` runs it
// over the facts of one post. Law (design §10): a verdict against a post is never without a reason, and no
// accept frees a post that an earlier rule holds, unless its link overrides.
import type { Action, Detail, Facts, Hit, Link, Rule, Verdict } from '../model/rule.ts'
import { bannedAddress } from './banned-address.ts'
import { emergency } from './emergency.ts'
import { loop } from './loop.ts'
import { maxSize } from './max-size.ts'
import { memberModeration } from './member-moderation.ts'
import { noSenders } from './no-senders.ts'
import { nonmemberModeration } from './nonmember-moderation.ts'
import { ownerLoop } from './owner-loop.ts'

export const postingChain: readonly Link[] = [
  { rule: loop, onHit: 'discard' },
  { rule: noSenders, onHit: 'discard' },
  { rule: emergency, onHit: 'hold' },
  { rule: bannedAddress, onHit: 'discard' },
  { rule: memberModeration, onHit: 'by-hit' },
  { rule: nonmemberModeration, onHit: 'by-hit' },
  { rule: maxSize, onHit: 'hold' },
]

/** Mail to `-owner` reaches the owners unasked: it is where people turn whom the other rules stopped. */
export const ownerChain: readonly Link[] = [{ rule: ownerLoop, onHit: 'discard' }]

/** Discard and reject end at once; holds go on, for the moderator should see every reason. */
export function judge(chain: readonly Link[], facts: Facts): Verdict {
  const holds: Hit[] = []
  for (const { rule, onHit, overrides = false } of chain) {
    const detail = rule.check(facts)
    if (detail === null) continue
    const action = onHit === 'by-hit' ? actionOf(rule, detail) : onHit
    const hit: Hit = { rule: rule.name, summary: rule.reason?.(detail) ?? rule.summary, detail }
    if (action === 'discard' || action === 'reject') return { action, because: [hit] }
    if (action === 'hold') holds.push(hit)
    else if (holds.length === 0 || overrides) return { action, hits: [hit] }
  }
  const [first, ...more] = holds
  return first === undefined ? { action: 'accept', hits: [] } : { action: 'hold', because: [first, ...more] }
}

const actions: readonly unknown[] = ['accept', 'hold', 'reject', 'discard'] satisfies readonly Action[]

/** What a `by-hit` rule found; a rule that names no action is a fault of ours. */
function actionOf(rule: Rule, { action }: Detail): Action {
  if (!actions.includes(action))
    throw new Error(`rule ${rule.name} hit with no action that is known: ${action}`)
  return action as Action
}
