// Hits when the membership that speaks for a post has an action of its own, or the list has one for its members.
// Owners and moderators are asked here too, although they may not be subscribed: whoever decides on
// held posts is no stranger (Mailman holds them). The list's default is meant for members only.
import type { Rule } from '../model/rule.ts'

export const memberModeration: Rule = {
  name: 'member-moderation',
  summary: 'The message comes from a moderated member',
  check: ({ membership, list }) => {
    if (membership === null || membership.role === 'nonmember') return null
    const byDefault = membership.role === 'member' ? list.settings.defaultMemberAction : 'defer'
    const action = membership.action ?? byDefault
    // `defer` leaves the post to the rules that follow.
    return action === 'defer' ? null : { action, role: membership.role, address: membership.address }
  },
}
