// Hits while the list's emergency brake is on: every post waits for a moderator, whoever wrote it.
import type { Rule } from '../model/rule.ts'

export const emergency: Rule = {
  name: 'emergency',
  summary: 'Emergency moderation is in effect for this list',
  check: ({ list }) => (list.settings.emergency ? {} : null),
}
