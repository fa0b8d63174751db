// Lists that nobody looks after, for `doctor`: mail to their owners goes to the site's owner.
import { roles } from '../../model/member.ts'
import { all, defineUnit, query, text } from '../unit.ts'

/** Posting addresses of lists without an owner, in order; at most `limit`. */
export const unownedLists = defineUnit('list.unowned', function* (a: { limit: number }) {
  return yield* all(selectUnowned, a.limit)
})

const selectUnowned = query(
  `select list.name || '@' || domain.mail_host as address from list join domain on domain.id = list.domain_id
   where not exists (select 1 from member where list_id = list.id and role = ${roles.owner})
   order by list.list_id limit ?`,
  (row) => text(row, 'address'),
)
