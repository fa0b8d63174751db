// Posts that wait for a moderator, as the command line tells of them.
import type { Instant } from '../../base/clock.ts'
import type { ListNo } from '../../model/list.ts'
import type { MessageNo } from '../../model/queue.ts'
import type { Hit } from '../../model/rule.ts'
import { all, defineUnit, get, integer, json, query, type Row, text } from '../unit.ts'
import { posting } from './reports.ts'

export interface HeldPost {
  readonly no: number
  /** The posting address. */
  readonly list: string
  readonly messageId: string
  readonly sender: string
  readonly subject: string
  readonly size: number
  readonly heldAt: Instant
  /** What held it. */
  readonly hits: readonly Hit[]
  readonly message: MessageNo
}

/** Held posts of one list, or of all for null, the oldest first, after number `after`. */
export const heldPosts = defineUnit(
  'held.all',
  function* (a: { list: ListNo | null; after: number; limit: number }) {
    return yield* all(selectHeld, a.list, a.after, a.limit)
  },
)

export const heldPost = defineUnit('held.by-no', function* (a: { held: number }) {
  return yield* get(selectOneHeld, a.held)
})

export interface WaitingPosts {
  readonly list: ListNo
  readonly count: number
}

/** How many posts wait, for each list where some do. */
export const countHeld = defineUnit('held.count', function* () {
  return yield* all(selectCounts)
})

const heldColumns = `held.id, held.message_id, held.held_at, ${posting('held.list_id')} as list, post.rfc822_id, post.sender,
  post.subject, post.size, post.hits from held join post on post.id = held.post_id`
const readHeld = (row: Row): HeldPost => ({
  no: integer(row, 'id'),
  list: text(row, 'list'),
  messageId: text(row, 'rfc822_id'),
  sender: text(row, 'sender'),
  subject: text(row, 'subject'),
  size: integer(row, 'size'),
  heldAt: integer(row, 'held_at') as Instant,
  hits: json<readonly Hit[]>(row, 'hits'),
  message: integer(row, 'message_id') as MessageNo,
})
const selectHeld = query(
  `select ${heldColumns} where (?1 is null or held.list_id = ?1) and held.id > ?2 order by held.id limit ?3`,
  readHeld,
)
const selectOneHeld = query(`select ${heldColumns} where held.id = ?`, readHeld)
const selectCounts = query(
  'select list_id, count(*) as n from held group by list_id',
  (row): WaitingPosts => ({ list: integer(row, 'list_id') as ListNo, count: integer(row, 'n') }),
)
