// Rosters as people read them: pages in the order of the addresses, whatever the size of the list, and the look for
// an address over all lists; and an address that changes under its memberships.
import { addressKey, type EmailAddress } from '../../mail/address.ts'
import type { ListId, ListNo } from '../../model/list.ts'
import { type Member, type Role, roles } from '../../model/member.ts'
import { all, command, defineUnit, get, integer, json, one, query, run, text } from '../unit.ts'
import { memberColumns, readMember, roleOf } from './members.ts'

/** Where a page ended. One address may have several roles, so the role belongs to the place. */
export interface RosterPlace {
  readonly key: string
  readonly role: Role
}

/** Members with their keys, by which the next page begins. */
export type RosterPage = readonly (Member & { readonly key: string })[]

/** A page of a roster in the order of the address keys, after `after`; null for the first page. */
export const rosterPage = defineUnit(
  'member.roster-page',
  function* (a: { list: ListNo; roles: readonly Role[]; after: RosterPlace | null; limit: number }) {
    const wanted = JSON.stringify(a.roles.map((role) => roles[role]))
    const after = [a.after?.key ?? '', a.after === null ? 0 : roles[a.after.role]] as const
    // Either the whole roster is sorted, `size` rows, or all addresses are walked in their order until enough of them
    // are members, `limit * addresses / size` looks. A row costs five times a look: from `even` on the walk is shorter.
    const even = Math.ceil(Math.sqrt((a.limit * (yield* one(countAddresses))) / 5))
    const isLarge = (yield* one(countUpTo, a.list, wanted, even)) === even
    return yield* all(isLarge ? selectOnTheWay : selectSorted, a.list, wanted, ...after, a.limit)
  },
)

/** A membership as the look for an address tells it. */
export interface FoundMembership {
  readonly address: EmailAddress
  readonly listId: ListId
  readonly role: Role
}

/** Address keys of the site in their order, after `after` ('' for the first). */
export const addressKeys = defineUnit('address.keys', function* (a: { after: string; limit: number }) {
  return yield* all(selectKeys, a.after, a.limit)
})

/** The memberships of some addresses, in the order of address, List-Id and role. */
export const membershipsOfKeys = defineUnit(
  'member.of-addresses',
  function* (a: { keys: readonly string[]; roles: readonly Role[] }) {
    const wanted = JSON.stringify(a.roles.map((role) => roles[role]))
    return yield* all(selectOfKeys, JSON.stringify(a.keys), wanted)
  },
)

/**
 * The address becomes `to`, whose letters keep their case, in all of its memberships and as the owner of domains.
 * `taken`: another row has that address. Mail that is on its way goes to where it was going.
 */
export const changeAddress = defineUnit(
  'address.change',
  function* (a: { from: EmailAddress; to: EmailAddress }) {
    const [from, to] = [addressKey(a.from), addressKey(a.to)]
    const address = yield* get(selectAddress, from)
    if (address === null) return 'unknown' as const
    if (address.email === a.to) return 'same' as const
    if (from !== to && (yield* get(selectAddress, to)) !== null) return 'taken' as const
    yield* run(updateAddress, to, a.to, address.id)
    for (const { domain, owners } of yield* all(selectOwnedDomains, from)) {
      const changed = owners.map((owner) => (addressKey(owner) === from ? a.to : owner))
      yield* run(updateOwners, JSON.stringify(changed), domain)
    }
    return 'changed' as const
  },
)

// The last number rather than the count, which would read them all; what was deleted makes it a little too large.
const countAddresses = query('select coalesce(max(id), 1) as n from address', (row) => integer(row, 'n'))
const countUpTo = query(
  `select count(*) as n from (select 1 from member indexed by member_by_role
     where list_id = ? and role in (select value from json_each(?)) limit ?)`,
  (row) => integer(row, 'n'),
)
const afterPlace = '(address.key > ?3 or address.key = ?3 and member.role > ?4)'
const selectSorted = query(
  `select ${memberColumns} from member indexed by member_by_role join address on address.id = member.address_id
   where member.list_id = ?1 and member.role in (select value from json_each(?2)) and ${afterPlace}
   order by address.key, member.role limit ?5`,
  readMember,
)
// CROSS JOIN keeps the order: all addresses from the place on, and for each the members by their index.
const selectOnTheWay = query(
  `select ${memberColumns} from address cross join member
   where address.key >= ?3 and member.list_id = ?1 and member.address_id = address.id
     and member.role in (select value from json_each(?2)) and ${afterPlace}
   order by address.key, member.role limit ?5`,
  readMember,
)
const selectKeys = query('select key from address where key > ? order by key limit ?', (row) =>
  text(row, 'key'),
)
const selectOfKeys = query(
  `select address.email, list.list_id as lasting_id, member.role
   from json_each(?1) as wanted cross join address on address.key = wanted.value
   join member on member.address_id = address.id and member.role in (select value from json_each(?2))
   join list on list.id = member.list_id
   order by address.key, list.list_id, member.role`,
  (row): FoundMembership => ({
    address: text(row, 'email') as EmailAddress,
    listId: text(row, 'lasting_id') as ListId,
    role: roleOf(integer(row, 'role')),
  }),
)
const selectAddress = query('select id, email from address where key = ?', (row) => ({
  id: integer(row, 'id'),
  email: text(row, 'email'),
}))
const selectOwnedDomains = query(
  'select id, owners from domain where exists (select 1 from json_each(owners) as owner where lower(owner.value) = ?)',
  (row) => ({ domain: integer(row, 'id'), owners: json<readonly EmailAddress[]>(row, 'owners') }),
)
const updateOwners = command('update domain set owners = ? where id = ?')
const updateAddress = command('update address set key = ?, email = ? where id = ?')
