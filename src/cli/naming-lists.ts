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

/** Names a near one of the same domain, or the lists of that name elsewhere, where there is one. */
export function noSuchList(store: Store, spec: string): string {
  const wanted = spec.trim().toLowerCase()
  const cut = wanted.includes('@') ? wanted.lastIndexOf('@') : wanted.indexOf('.')
  const name = cut < 0 ? wanted : wanted.slice(0, cut)
  const lists = store.read(allLists, { domains: [] })
  const near = lists.filter(({ mailHost }) => mailHost === wanted.slice(cut + 1))
  const hint = didYouMean(
    name,
    near.map((list) => list.name),
  )
  const elsewhere = lists.filter((list) => list.name === name).map(postingAddress)
  const [first, ...others] = elsewhere
  const meant = first === undefined || others.length > 2 ? '' : `; did you mean ${elsewhere.join(' or ')}?`
  return `No such list: ${spec}${hint === '' ? meant : hint}`
}
