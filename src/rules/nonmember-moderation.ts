// Hits when nobody who belongs to the list speaks for a post: a nonmember's record says what follows, else
// the list's default for strangers.
import type { Rule } from '../model/rule.ts'

export const nonmemberModeration: Rule = {
  name: 'nonmember-moderation',
  summary: 'The message is not from a list member',
  check: ({ membership, sender, list }) => {
    if (membership !== null && membership.role !== 'nonmember') return null
    const action = membership?.action ?? list.settings.defaultNonmemberAction
    return action === 'defer' ? null : { action, address: membership?.address ?? sender }
  },
}
