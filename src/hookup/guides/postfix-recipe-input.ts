// What the recipe for Postfix is made from: this host's facts, what Postfix does now, and the way that was chosen; pure.
import type { HookupWay, HostFacts, Setting } from '../../model/hookup.ts'
import type { PostfixSituation, SeenDomain } from './postfix-situation.ts'

export interface RecipeInput extends PostfixSituation {
  readonly facts: HostFacts
  readonly way: HookupWay
}

/** Tables, unless they are not written and the look-up service is there for domains that are for lists alone. */
export function wayFor(facts: HostFacts, domains: readonly SeenDomain[]): HookupWay {
  const isStatic = domains.length > 0 && domains.every(({ listOnly }) => listOnly)
  return !facts.incoming.includes('postfix') && facts.lookup.socketmap !== null && isStatic
    ? 'lookup'
    : 'tables'
}

/** What stands before the colon: `default` is what this Postfix was built for, or was told. */
export function tableTypeOf({ facts, configuration }: RecipeInput): string {
  const { tableType } = facts.postfix
  return tableType === 'default' ? configuration.value('default_database_type') || 'hash' : tableType
}

/** The lines of one way, or why there can be none. */
export type Built =
  | { readonly settings: readonly Setting[]; readonly notes: readonly string[] }
  | { readonly refusals: readonly string[] }

/** No mailboxes of this host are in it. */
export const isRelayed = (domain: SeenDomain): boolean => domain.class === 'relay' || domain.class === 'none'

export const namesOf = (domains: readonly SeenDomain[]): string =>
  domains.map(({ mailHost }) => mailHost).join(', ')
