// Hits when a post is larger than its list accepts. The limit is in KiB; 0 is none.
import type { Rule } from '../model/rule.ts'

export const maxSize: Rule = {
  name: 'max-size',
  summary: 'The message is larger than this list accepts',
  check: ({ post, list }) => {
    const limit = list.settings.maxMessageSize
    return limit > 0 && post.size > limit * 1024 ? { sizeInBytes: post.size, limitInKiB: limit } : null
  },
  reason: ({ limitInKiB }) => `The message is larger than the ${limitInKiB} KB maximum size`,
}
