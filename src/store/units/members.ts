// Members: added and removed in bounded batches, listed in pages, found by the addresses that speak in a post.
import type { Instant } from '../../base/clock.ts'
import { addressKey, type EmailAddress } from '../../mail/address.ts'
import type { ListId, ListNo, ModerationAction } from '../../model/list.ts'
import {
  type DeliveryStatus,
  deliveryModes,
  deliveryStatuses,
  type Member,
  type MemberDelivery,
  type MemberNo,
  type Role,
  roles,
} from '../../model/member.ts'
import {
  all,
  command,
  defineUnit,
  get,
  integer,
  one,
  query,
  type Row,
  run,
  text,
  textOrNull,
} from '../unit.ts'
import { type Letter, sendLetter } from './letters.ts'

export interface NewMember {
  readonly address: EmailAddress
  readonly displayName: string
}

export type AddedMember = 'added' | 'already' | 'banned'

/**
 * At most 500 at a time, so that the door never waits seconds. One answer for each, in order; null when the list is gone.
 * Who is added gets the letter of the same place, if there is one, in the same commit.
 */
export const addMembers = defineUnit(
  'member.add',
  function* (a: {
    list: ListNo
    role: Role
    members: readonly NewMember[]
    delivery: MemberDelivery
    status: DeliveryStatus
    now: Instant
    letters?: Letters
  }) {
    const counter = yield* get(lastMemberNo, a.list)
    if (counter === null) return null
    let no = counter
    const answers: AddedMember[] = []
    for (const [at, { address, displayName }] of a.members.entries()) {
      const key = addressKey(address)
      if ((yield* get(isBanned, a.list, key)) !== null) {
        answers.push('banned')
        continue
      }
      const addressId = yield* one(upsertAddress, key, address, displayName, a.now)
      const changed = yield* run(
        insertMember,
        a.list,
        no + 1,
        roles[a.role],
        addressId,
        a.role === 'owner' || a.role === 'moderator' ? 'accept' : null,
        deliveryModes[a.delivery],
        deliveryStatuses[a.status],
        a.now,
      )
      no += changed
      answers.push(changed === 1 ? 'added' : 'already')
      if (changed !== 1) continue
      if (a.role === 'member') yield* run(dropNonmember, a.list, addressId)
      yield* sendTo(a.list, at, a.letters, a.now)
    }
    yield* run(setLastMemberNo, no, a.list)
    return answers
  },
)

/** Letters to members, in the order of the members; null for none. */
export interface Letters {
  readonly each: readonly (Letter | null)[]
  readonly retryPeriod: number
}

function* sendTo(list: ListNo, at: number, letters: Letters | undefined, now: Instant) {
  const letter = letters?.each[at] ?? null
  if (letter !== null && letters !== undefined) yield* sendLetter(list, letter, now, letters.retryPeriod)
}

/** One answer for each address, in order: whether it had been there. Letters as with `addMembers`. */
export const removeMembers = defineUnit(
  'member.remove',
  function* (a: {
    list: ListNo
    role: Role
    addresses: readonly EmailAddress[]
    now: Instant
    letters?: Letters
  }) {
    const answers: boolean[] = []
    for (const [at, address] of a.addresses.entries()) {
      const wasThere = (yield* run(deleteMember, a.list, roles[a.role], addressKey(address))) > 0
      answers.push(wasThere)
      if (wasThere) yield* sendTo(a.list, at, a.letters, a.now)
    }
    return answers
  },
)

export const countMembers = defineUnit(
  'member.count',
  function* (a: { list: ListNo; roles: readonly Role[] }) {
    return yield* one(countRoster, a.list, JSON.stringify(a.roles.map((role) => roles[role])))
  },
)

/** The lists where an address has a role, with the role. */
export const membershipsOf = defineUnit('member.of-address', function* (a: { address: EmailAddress }) {
  return yield* all(selectOfAddress, addressKey(a.address))
})

export interface Speaker {
  readonly role: Role
  readonly address: EmailAddress
  readonly action: ModerationAction | null
}

/** Who of the senders belongs to the list, in the order of the senders, and which are banned from list or site. */
export const speakers = defineUnit(
  'member.speakers',
  function* (a: { list: ListNo; senders: readonly EmailAddress[] }) {
    const keys = JSON.stringify(a.senders.map(addressKey))
    const members = yield* all(selectSpeakers, keys, a.list)
    const banned = yield* all(selectBanned, keys, a.list)
    return { members, banned: a.senders.filter((address) => banned.includes(addressKey(address))) }
  },
)

/** Members of these numbers that may still get mail: the others left, were banned or were stopped. */
export const stillReceiving = defineUnit(
  'member.still-receiving',
  function* (a: { list: ListNo; numbers: readonly MemberNo[] }) {
    return yield* all(selectReceiving, JSON.stringify(a.numbers), a.list)
  },
)

export const roleOf = (n: number): Role =>
  (Object.keys(roles) as Role[]).find((role) => roles[role] === n) ?? 'nonmember'
const deliveryOf = (n: number): MemberDelivery =>
  (Object.keys(deliveryModes) as MemberDelivery[]).find((mode) => deliveryModes[mode] === n) ?? 'regular'
const statusOf = (n: number): DeliveryStatus =>
  (Object.keys(deliveryStatuses) as DeliveryStatus[]).find((status) => deliveryStatuses[status] === n) ??
  'unknown'

export const readMember = (row: Row): Member & { readonly key: string } => ({
  list: integer(row, 'list_id') as ListNo,
  no: integer(row, 'no') as MemberNo,
  role: roleOf(integer(row, 'role')),
  address: text(row, 'email') as EmailAddress,
  key: text(row, 'key'),
  displayName: text(row, 'display_name'),
  moderationAction: textOrNull(row, 'moderation_action') as ModerationAction | null,
  delivery: deliveryOf(integer(row, 'delivery_mode')),
  status: statusOf(integer(row, 'delivery_status')),
  joinedAt: integer(row, 'joined_at') as Instant,
})

const lastMemberNo = query('select last_member_no from list where id = ?', (row) =>
  integer(row, 'last_member_no'),
)
const setLastMemberNo = command('update list set last_member_no = ? where id = ?')
const isBanned = query(
  'select 1 as yes from ban where (list_id is null or list_id = ?) and pattern = ?',
  (row) => integer(row, 'yes'),
)
const upsertAddress = query(
  `insert into address (key, email, display_name, registered_at) values (?, ?, ?, ?)
   on conflict (key) do update set display_name = case when excluded.display_name = '' then display_name else excluded.display_name end
   returning id`,
  (row) => integer(row, 'id'),
)
const insertMember = command(
  `insert into member (list_id, no, role, address_id, moderation_action, delivery_mode, delivery_status, joined_at)
   values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (list_id, role, address_id) do nothing`,
)
const dropNonmember = command(
  `delete from member where list_id = ? and role = ${roles.nonmember} and address_id = ?`,
)
const deleteMember = command(
  'delete from member where list_id = ? and role = ? and address_id = (select id from address where key = ?)',
)
export const memberColumns = `member.list_id, member.no, member.role, address.email, address.key, address.display_name,
  member.moderation_action, member.delivery_mode, member.delivery_status, member.joined_at`
const countRoster = query(
  'select count(*) as n from member where list_id = ? and role in (select value from json_each(?))',
  (row) => integer(row, 'n'),
)
const selectOfAddress = query(
  `select list.list_id as lasting_id, list.name || '@' || domain.mail_host as posting, ${memberColumns}
   from address join member on member.address_id = address.id join list on list.id = member.list_id join domain on domain.id = list.domain_id
   where address.key = ? order by list.list_id, member.role`,
  (row) => ({
    ...readMember(row),
    listId: text(row, 'lasting_id') as ListId,
    posting: text(row, 'posting') as EmailAddress,
  }),
)
const selectSpeakers = query(
  `select member.role, address.email, member.moderation_action
   from json_each(?1) as sender join address on address.key = sender.value
   join member on member.address_id = address.id and member.list_id = ?2
   order by sender.key, member.role`,
  (row): Speaker => ({
    role: roleOf(integer(row, 'role')),
    address: text(row, 'email') as EmailAddress,
    action: textOrNull(row, 'moderation_action') as ModerationAction | null,
  }),
)
const selectBanned = query(
  'select sender.value from json_each(?1) as sender where exists (select 1 from ban where pattern = sender.value and (list_id is null or list_id = ?2))',
  (row) => text(row, 'value'),
)
// CROSS JOIN keeps the order: by itself SQLite walks all members of the list and the wanted numbers for each.
const selectReceiving = query(
  `select member.no from json_each(?1) as wanted cross join member on member.list_id = ?2 and member.no = wanted.value
   join address on address.id = member.address_id
   where member.delivery_status = ${deliveryStatuses.enabled}
     and not exists (select 1 from ban where pattern = address.key and (list_id is null or list_id = ?2))`,
  (row) => integer(row, 'no') as MemberNo,
)
