// Domains and lists: found at RCPT by index, created and removed by the operator. Each change of what the
// mail server must know counts the publication generation up, in the same unit.
import type { Instant } from '../../base/clock.ts'
import type { EmailAddress } from '../../mail/address.ts'
import {
  defaultListSettings,
  type ListId,
  type ListNo,
  type ListSettings,
  type MailingList,
} from '../../model/list.ts'
import type { ListRecipient, Reading } from '../../model/list-address.ts'
import type { Domain, ListDirectory } from '../../model/mail-server.ts'
import {
  all,
  command,
  defineUnit,
  get,
  integer,
  json,
  one,
  query,
  type Row,
  run,
  text,
  textOrNull,
} from '../unit.ts'
import { trialLists } from './trial-record.ts'

// ---- at RCPT ----

/** The list that an envelope recipient names: the first reading that exists wins. Domain in lower case. */
export const findRecipient = defineUnit(
  'list.find-recipient',
  function* (a: { domain: string; readings: readonly Reading[] }) {
    const names = a.readings.map((reading) => reading.listName)
    const found = yield* all(
      listsByName,
      a.domain,
      names[0] ?? '',
      names[1] ?? '',
      names[2] ?? '',
      names[3] ?? '',
    )
    for (const { listName, purpose, extension } of a.readings) {
      const list = found.find(({ name }) => name === listName)
      if (list !== undefined) return { list: list.no, purpose, extension } satisfies ListRecipient
    }
    return null
  },
)

// An alias domain stands for its real one, but never hides a domain of its own name.
const listsByName = query(
  `select list.id, list.name from domain join list on list.domain_id = domain.id
   where domain.id = coalesce((select id from domain where mail_host = ?1), (select id from domain where alias_domain = ?1))
     and list.name in (?2, ?3, ?4, ?5)`,
  (row) => ({ no: integer(row, 'id') as ListNo, name: text(row, 'name') }),
)

/**
 * Whether mail for the domain comes to us: it has lists or is for lists alone; where it has an alias domain, that one
 * in its place, since the mail server sees the alias in the end.
 */
export const isServedDomain = defineUnit('domain.is-served', function* (a: { domain: string }) {
  return (yield* get(servedDomain, a.domain)) !== null
})

const servedDomain = query(
  `select domain.id from domain
   where (mail_host = ?1 and alias_domain is null or alias_domain = ?1)
     and (list_only = 1 or exists (select 1 from list where list.domain_id = domain.id))
   limit 1`,
  (row) => integer(row, 'id'),
)

// ---- lists ----

export const listByNo = defineUnit('list.by-no', function* (a: { list: ListNo }) {
  return yield* get(selectByNo, a.list)
})

/** `spec` is a posting address or a List-Id, in lower case. */
export const listBySpec = defineUnit('list.by-spec', function* (a: { spec: string }) {
  const at = a.spec.lastIndexOf('@')
  if (at < 0) return yield* get(selectById, a.spec)
  return yield* get(selectByAddress, a.spec.slice(0, at), a.spec.slice(at + 1))
})

/** All lists in the order of their List-Ids, or those of some domains; without the trials of `doctor --deep`. */
export const allLists = defineUnit('list.all', function* (a: { domains: readonly string[] }) {
  const lists = yield* all(selectAll)
  const trials = new Set((yield* trialLists()).flatMap((trial) => trial.lists))
  const asked = a.domains.length === 0 ? lists : lists.filter((list) => a.domains.includes(list.mailHost))
  return trials.size === 0 ? asked : asked.filter((list) => !trials.has(list.no))
})

export type Creation =
  | { readonly kind: 'created'; readonly list: ListNo; readonly generation: number }
  | { readonly kind: 'exists' }
  | { readonly kind: 'no-domain' }
  /** Another list has this List-Id: `a.b@example.org` and `a@b.example.org` would share theirs (RFC 2919 §3). */
  | { readonly kind: 'id-taken'; readonly by: string }

/** Names and domain in lower case and judged valid by the caller. */
export const createList = defineUnit(
  'list.create',
  function* (a: {
    name: string
    mailHost: string
    settings: Partial<ListSettings>
    createDomain: boolean
    now: Instant
  }) {
    const holder = yield* get(selectById, `${a.name}.${a.mailHost}`)
    if (holder?.name === a.name) return { kind: 'exists' } satisfies Creation
    if (holder !== null)
      return { kind: 'id-taken', by: `${holder.name}@${holder.mailHost}` } satisfies Creation
    let domain = yield* get(domainId, a.mailHost)
    if (domain === null) {
      if (!a.createDomain) return { kind: 'no-domain' } satisfies Creation
      if ((yield* get(aliasOwner, a.mailHost)) !== null) return { kind: 'no-domain' } satisfies Creation
      domain = yield* one(insertDomain, a.mailHost, '', null, 0, '[]', a.now)
    }
    const list = yield* one(
      insertList,
      `${a.name}.${a.mailHost}`,
      a.name,
      domain,
      JSON.stringify(a.settings),
      a.now,
    )
    const generation = yield* one(countGeneration)
    return { kind: 'created', list, generation } satisfies Creation
  },
)

/** Members, bans and held posts go with it; queued items end with words, the posts' stories stay. */
export const removeList = defineUnit('list.remove', function* (a: { list: ListNo }) {
  const changed = yield* run(deleteList, a.list)
  return changed === 0 ? null : yield* one(countGeneration)
})

/** Changes settings; the rest stays. Returns false when there is no such list. */
export const changeSettings = defineUnit(
  'list.change-settings',
  function* (a: { list: ListNo; settings: Partial<ListSettings> }) {
    const stored = yield* get(selectSettings, a.list)
    if (stored === null) return false
    yield* run(updateSettings, JSON.stringify({ ...stored, ...a.settings }), a.list)
    return true
  },
)

// ---- domains ----

export const allDomains = defineUnit('domain.all', function* () {
  return yield* all(selectDomains)
})

export const domainByHost = defineUnit('domain.by-host', function* (a: { mailHost: string }) {
  return yield* get(selectDomain, a.mailHost)
})

/** `alias-taken`: the alias is a domain of its own, or the alias of another: it would hide that domain's lists. */
export type DomainChange =
  | { readonly kind: 'done'; readonly generation: number }
  | { readonly kind: 'exists' | 'no-domain' | 'alias-taken' | 'is-alias' }

export const addDomain = defineUnit('domain.add', function* (a: Domain & { now: Instant }) {
  if ((yield* get(domainId, a.mailHost)) !== null) return { kind: 'exists' } satisfies DomainChange
  if ((yield* get(aliasOwner, a.mailHost)) !== null) return { kind: 'is-alias' } satisfies DomainChange
  if (a.aliasDomain !== null && (yield* aliasTaken(a.aliasDomain, a.mailHost)))
    return { kind: 'alias-taken' } satisfies DomainChange
  yield* one(
    insertDomain,
    a.mailHost,
    a.description,
    a.aliasDomain,
    a.listOnly ? 1 : 0,
    JSON.stringify(a.owners),
    a.now,
  )
  return { kind: 'done', generation: yield* one(countGeneration) } satisfies DomainChange
})

/** Writes the domain as given. */
export const changeDomain = defineUnit('domain.change', function* (a: Domain) {
  if (a.aliasDomain !== null && (yield* aliasTaken(a.aliasDomain, a.mailHost)))
    return { kind: 'alias-taken' } satisfies DomainChange
  const changed = yield* run(
    updateDomain,
    a.description,
    a.aliasDomain,
    a.listOnly ? 1 : 0,
    JSON.stringify(a.owners),
    a.mailHost,
  )
  if (changed === 0) return { kind: 'no-domain' } satisfies DomainChange
  return { kind: 'done', generation: yield* one(countGeneration) } satisfies DomainChange
})

/** Removes a domain that has no lists; `has-lists` says how many stand in the way. */
export const removeDomain = defineUnit('domain.remove', function* (a: { mailHost: string }) {
  const domain = yield* get(domainId, a.mailHost)
  if (domain === null) return { kind: 'no-domain' } as const
  const lists = yield* one(countLists, domain)
  if (lists > 0) return { kind: 'has-lists', lists } as const
  yield* run(deleteDomain, domain)
  return { kind: 'done', generation: yield* one(countGeneration) } as const
})

function* aliasTaken(alias: string, mailHost: string) {
  if ((yield* get(domainId, alias)) !== null) return true
  const owner = yield* get(aliasOwner, alias)
  return owner !== null && owner !== mailHost
}

// ---- what the mail server must know ----

/** Every domain with its lists, and the generation that this is. */
export const directory = defineUnit('publication.directory', function* () {
  const { generation } = yield* one(selectPublication)
  const domains = yield* all(selectDomains)
  const names = new Map((yield* all(selectNames)).map((each) => [each.mailHost, each.names.split(' ')]))
  return {
    generation,
    directory: {
      domains: domains.map(({ mailHost, aliasDomain, listOnly }) => ({
        mailHost,
        aliasDomain,
        listOnly,
        listNames: names.get(mailHost) ?? [],
      })),
    } satisfies ListDirectory,
  }
})

/** The oldest and the newest list of each domain that has lists. */
export const oldestAndNewest = defineUnit('list.oldest-and-newest', function* () {
  const pairs = yield* all(selectOldestAndNewest)
  return new Map(pairs.map(({ mailHost, names }) => [mailHost, names]))
})

export const publicationState = defineUnit('publication.state', function* () {
  return yield* one(selectPublication)
})

/** `fault` null: the tables of this generation are in place; else why they are not. */
export const recordPublication = defineUnit(
  'publication.record',
  function* (a: { generation: number; fault: string | null }) {
    yield* run(updatePublication, a.fault === null ? a.generation : 0, a.fault)
  },
)

// ---- statements ----

const listColumns = 'list.id, list.list_id, list.name, domain.mail_host, list.settings, list.created_at'
const readList = (row: Row): MailingList => {
  const name = text(row, 'name')
  return {
    no: integer(row, 'id') as ListNo,
    listId: text(row, 'list_id') as ListId,
    name,
    mailHost: text(row, 'mail_host'),
    createdAt: integer(row, 'created_at') as Instant,
    settings: { ...defaultListSettings(name), ...json<Partial<ListSettings>>(row, 'settings') },
  }
}
const fromLists = `select ${listColumns} from list join domain on domain.id = list.domain_id`
const selectByNo = query(`${fromLists} where list.id = ?`, readList)
const selectById = query(`${fromLists} where list.list_id = ?`, readList)
const selectByAddress = query(`${fromLists} where list.name = ? and domain.mail_host = ?`, readList)
const selectAll = query(`${fromLists} order by list.list_id`, readList)
// One row for a domain rather than for a list: no name holds a blank.
const selectNames = query(
  `select group_concat(list.name, ' ' order by list.name) names, domain.mail_host
   from list join domain on domain.id = list.domain_id group by domain.id`,
  (row) => ({ names: text(row, 'names'), mailHost: text(row, 'mail_host') }),
)
const selectOldestAndNewest = query(
  `select domain.mail_host, oldest.name as oldest, newest.name as newest
   from (select domain_id, min(id) as first, max(id) as last from list group by domain_id) as ends
   join domain on domain.id = ends.domain_id
   join list as oldest on oldest.id = ends.first
   join list as newest on newest.id = ends.last`,
  (row) => ({ mailHost: text(row, 'mail_host'), names: [text(row, 'oldest'), text(row, 'newest')] as const }),
)
const insertList = query(
  'insert into list (list_id, name, domain_id, settings, created_at) values (?, ?, ?, ?, ?) returning id',
  (row) => integer(row, 'id') as ListNo,
)
const deleteList = command('delete from list where id = ?')
const selectSettings = query('select settings from list where id = ?', (row) =>
  json<Partial<ListSettings>>(row, 'settings'),
)
const updateSettings = command('update list set settings = ? where id = ?')

const domainId = query('select id from domain where mail_host = ?', (row) => integer(row, 'id'))
const aliasOwner = query('select mail_host from domain where alias_domain = ?', (row) =>
  text(row, 'mail_host'),
)
const readDomain = (row: Row): Domain => ({
  mailHost: text(row, 'mail_host'),
  description: text(row, 'description'),
  aliasDomain: textOrNull(row, 'alias_domain'),
  listOnly: integer(row, 'list_only') === 1,
  owners: json<readonly EmailAddress[]>(row, 'owners'),
})
const selectDomains = query(
  'select mail_host, description, alias_domain, list_only, owners from domain order by mail_host',
  readDomain,
)
const selectDomain = query(
  'select mail_host, description, alias_domain, list_only, owners from domain where mail_host = ?',
  readDomain,
)
const insertDomain = query(
  'insert into domain (mail_host, description, alias_domain, list_only, owners, created_at) values (?, ?, ?, ?, ?, ?) returning id',
  (row) => integer(row, 'id'),
)
const updateDomain = command(
  'update domain set description = ?, alias_domain = ?, list_only = ?, owners = ? where mail_host = ?',
)
const deleteDomain = command('delete from domain where id = ?')
const countLists = query('select count(*) as n from list where domain_id = ?', (row) => integer(row, 'n'))

const countGeneration = query(
  'update publication set generation = generation + 1 where id = 1 returning generation',
  (row) => integer(row, 'generation'),
)
const selectPublication = query('select generation, done, fault from publication where id = 1', (row) => ({
  generation: integer(row, 'generation'),
  done: integer(row, 'done'),
  fault: textOrNull(row, 'fault'),
}))
const updatePublication = command('update publication set done = max(done, ?1), fault = ?2 where id = 1')
