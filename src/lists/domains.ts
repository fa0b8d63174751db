// Domains: added, changed and removed by the operator. An alias domain stands for its domain wherever mail comes in,
// so one that is a domain of its own, or another's alias, is refused: it would cut that domain's lists off.
import type { Clock } from '../base/clock.ts'
import type { EmailAddress } from '../mail/address.ts'
import type { Domain } from '../model/mail-server.ts'
import type { Store } from '../store/store.ts'
import {
  addDomain as addUnit,
  changeDomain as changeUnit,
  domainByHost,
  removeDomain as removeUnit,
} from '../store/units/lists.ts'
import { parseMailHost } from './naming.ts'

export interface WantedDomain {
  readonly mailHost: string
  readonly description?: string
  /** null for none. */
  readonly aliasDomain?: string | null
  /** Nothing but lists lives here. */
  readonly listOnly?: boolean
  readonly owners?: readonly EmailAddress[]
}

export type DomainOutcome =
  | { readonly kind: 'done'; readonly mailHost: string; readonly generation: number }
  | { readonly kind: 'bad-name'; readonly why: string }
  | { readonly kind: 'exists' | 'no-domain'; readonly mailHost: string }
  | { readonly kind: 'is-alias'; readonly mailHost: string }
  | { readonly kind: 'alias-taken'; readonly aliasDomain: string }
  | { readonly kind: 'has-lists'; readonly mailHost: string; readonly lists: number }

type Needs = { readonly store: Store; readonly clock: Clock }

/** Throws Unavailable when the store is down, as all here. */
export async function addDomain({ store, clock }: Needs, wanted: WantedDomain): Promise<DomainOutcome> {
  const domain = domainOf(wanted, { description: '', aliasDomain: null, listOnly: false, owners: [] })
  if ('kind' in domain) return domain
  return told(domain, await store.commit(addUnit, { ...domain, now: clock.now() }))
}

/** What is not given stays as it is. */
export async function changeDomain(
  { store }: Pick<Needs, 'store'>,
  wanted: WantedDomain,
): Promise<DomainOutcome> {
  const mailHost = wanted.mailHost.toLowerCase()
  const stored = store.read(domainByHost, { mailHost })
  if (stored === null) return { kind: 'no-domain', mailHost }
  const domain = domainOf(wanted, stored)
  if ('kind' in domain) return domain
  return told(domain, await store.commit(changeUnit, domain))
}

/** Only a domain without lists goes. */
export async function removeDomain({ store }: Pick<Needs, 'store'>, text: string): Promise<DomainOutcome> {
  const mailHost = text.toLowerCase()
  return { mailHost, ...(await store.commit(removeUnit, { mailHost })) }
}

function domainOf(wanted: WantedDomain, before: Omit<Domain, 'mailHost'>): Domain | DomainOutcome {
  const host = parseMailHost(wanted.mailHost)
  if ('wrong' in host) return { kind: 'bad-name', why: host.wrong }
  const aliasText = wanted.aliasDomain === undefined ? before.aliasDomain : wanted.aliasDomain
  const alias = aliasText === null || aliasText === '' ? { value: null } : parseMailHost(aliasText)
  if ('wrong' in alias) return { kind: 'bad-name', why: alias.wrong }
  if (alias.value === host.value) return { kind: 'alias-taken', aliasDomain: host.value }
  return {
    mailHost: host.value,
    description: wanted.description ?? before.description,
    aliasDomain: alias.value,
    listOnly: wanted.listOnly ?? before.listOnly,
    owners: wanted.owners ?? before.owners,
  }
}

type Change =
  | { readonly kind: 'done'; readonly generation: number }
  | { readonly kind: 'exists' | 'no-domain' | 'alias-taken' | 'is-alias' }

function told({ mailHost, aliasDomain }: Domain, change: Change): DomainOutcome {
  if (change.kind === 'alias-taken') return { kind: 'alias-taken', aliasDomain: aliasDomain ?? '' }
  if (change.kind === 'done') return { ...change, mailHost }
  return { kind: change.kind, mailHost }
}
