// Hits when neither the header nor the envelope of a post names an address that could have sent it.
import type { Rule } from '../model/rule.ts'

export const noSenders: Rule = {
  name: 'no-senders',
  summary: 'The message has no valid senders',
  check: ({ sender }) => (sender === null ? {} : null),
}
