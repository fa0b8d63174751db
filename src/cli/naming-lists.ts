// How commands name a list: by posting address or List-Id, in any letter case.
import { didYouMean } from '../config/section.ts'
import { type MailingList, postingAddress } from '../model/list.ts'
import type { Store } from '../store/store.ts'
import { allLists, listBySpec } from '../store/units/lists.ts'
import { UsageFault } from './options.ts'

export function findList(store: Store, spec: string): MailingList | null {
  return store.read(listBySpec, { spec: spec.trim().toLowerCase() })
}

/** Throws UsageFault, with the nearest name, when there is no such list. */
export function listNamed(store: Store, spec: string): MailingList {
  const list = findList(store, spec)
  if (list !== null) return list
  throw new UsageFault(noSuchList(store, spec))
}

export function noSuchList(store: Store, spec: string): string {
  const known = store
    .read(allLists, { domains: [] })
    .map((list) => (spec.includes('@') ? postingAddress(list) : list.listId))
  return `No such list: ${spec}${didYouMean(spec, known)}`
}
