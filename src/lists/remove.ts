// Removes a list with its members, bans and held posts; posts that were accepted still leave, the archive stays.
import type { Store } from '../store/store.ts'
import { listBySpec, removeList as removeListUnit } from '../store/units/lists.ts'

export type ListRemoval =
  | { readonly kind: 'removed'; readonly address: string; readonly generation: number }
  | { readonly kind: 'no-such-list' }

/** `spec` is a posting address or a List-Id in any letter case. Throws Unavailable when the store is down. */
export async function removeList({ store }: { readonly store: Store }, spec: string): Promise<ListRemoval> {
  const list = store.read(listBySpec, { spec: spec.trim().toLowerCase() })
  if (list === null) return { kind: 'no-such-list' }
  const generation = await store.commit(removeListUnit, { list: list.no })
  if (generation === null) return { kind: 'no-such-list' }
  return { kind: 'removed', address: `${list.name}@${list.mailHost}`, generation }
}
