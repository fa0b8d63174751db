// Creates a list: judges its name, then commits list, owners and the new publication generation together. The face
// that asked waits until the mail server's tables have that generation.
import type { Clock } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import type { ListNo, ListSettings } from '../model/list.ts'
import type { Store } from '../store/store.ts'
import { createOwnedList } from '../store/units/creation.ts'
import { nameWarnings, parseListName } from './naming.ts'

export interface WantedList {
  /** NAME@DOMAIN as it was typed. */
  readonly address: string
  /** What differs from a new list's settings. */
  readonly settings: Partial<ListSettings>
  readonly owners: readonly EmailAddress[]
  /** Makes the domain when there is none. */
  readonly createDomain: boolean
  /** The site's `listname_chars`. */
  readonly nameCharacters: string
}

export type ListCreation =
  | {
      readonly kind: 'created'
      readonly list: ListNo
      readonly address: string
      readonly generation: number
      readonly warnings: readonly string[]
    }
  | { readonly kind: 'bad-name'; readonly why: string }
  | { readonly kind: 'exists'; readonly address: string }
  | { readonly kind: 'no-domain'; readonly domain: string }
  /** The domain is another's alias: mail to it reaches that domain's lists. */
  | { readonly kind: 'is-alias'; readonly domain: string }
  | { readonly kind: 'id-taken'; readonly address: string; readonly by: string }

/** Throws Unavailable when the store is down. */
export async function createList(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  { address: text, settings, owners, createDomain, nameCharacters }: WantedList,
): Promise<ListCreation> {
  const parsed = parseListName(text.trim(), nameCharacters)
  if ('wrong' in parsed) return { kind: 'bad-name', why: parsed.wrong }
  const { name, mailHost } = parsed.value
  const address = `${name}@${mailHost}`
  const made = await store.commit(createOwnedList, {
    name,
    mailHost,
    settings,
    createDomain,
    owners: [...new Set(owners)],
    now: clock.now(),
  })
  if (made.kind === 'created') return { ...made, address, warnings: nameWarnings({ name }) }
  if (made.kind === 'no-domain') return { kind: createDomain ? 'is-alias' : 'no-domain', domain: mailHost }
  return { ...made, address }
}
