// A new list with its owners, in one commit: a list that nobody owns is never seen.
import type { Instant } from '../../base/clock.ts'
import type { EmailAddress } from '../../mail/address.ts'
import type { ListSettings } from '../../model/list.ts'
import { defineUnit } from '../unit.ts'
import { type Creation, createList } from './lists.ts'
import { addMembers } from './members.ts'

/** As `createList`. At most 500 owners. */
export const createOwnedList = defineUnit(
  'list.create-owned',
  function* (a: {
    name: string
    mailHost: string
    settings: Partial<ListSettings>
    createDomain: boolean
    owners: readonly EmailAddress[]
    now: Instant
  }) {
    const creation: Creation = yield* createList.unit(a)
    if (creation.kind !== 'created') return creation
    yield* addMembers.unit({
      list: creation.list,
      role: 'owner',
      members: a.owners.map((address) => ({ address, displayName: '' })),
      delivery: 'regular',
      status: 'enabled',
      now: a.now,
    })
    return creation
  },
)
