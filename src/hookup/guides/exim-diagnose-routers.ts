// The routers that give addresses of lists to Posthorn: are they there, do they take what they should, and nothing else.
import type { Finding } from '../../model/hookup.ts'
import { subAddresses } from '../../model/list.ts'
import * as kinds from './exim-kinds.ts'
import { domainIn, escaped, isMiswritten, itemsOf, plainDomains } from './exim-lists.ts'
import { closedFolders } from './exim-markers.ts'
import { isTrue, option } from './exim-ours.ts'
import { at, type EximSite, nearest, origin, reload, samples, wayOf } from './exim-site.ts'
import type { Driver, Place, Setting } from './exim-syntax.ts'

export async function* diagnoseRouters(site: EximSite): AsyncIterable<Finding> {
  if (site.routers.length === 0) {
    yield noRouter(site)
    return
  }
  yield* domains(site)
  for (const router of site.routers) {
    yield* driver(site, router)
    yield* options(router)
    yield* suffixes(site, router)
    if (wayOf(router) === 'markers') yield* markers(site, router)
    if (wayOf(router) === 'lookup') yield* lookup(site, router)
  }
}

function noRouter({ exim, transports }: EximSite): Finding {
  const place =
    exim.text.lists.get('mm_domains')?.place ?? transports[0]?.place ?? exim.text.sections.get('routers')
  const why =
    transports.length === 0
      ? 'There is no transport for lists either.'
      : 'The transport is there, but no router names it.'
  return at(place, kinds.noRouter, {
    why: `${kinds.noRouter.why} ${why}`,
    change: `posthorn hookup exim; ${reload(exim)}`,
  })
}

// --- domains -------------------------------------------------------------------------------------------------------

function* domains(site: EximSite): Iterable<Finding> {
  const { facts, exim, routers } = site
  const places = new Set<Place>()
  for (const router of routers) {
    const setting = router.options.get('domains')
    if (setting === undefined) continue
    for (const item of itemsOf(setting.value)) {
      const name = /^!?\s*\+(\w+)$/.exec(item)?.[1]
      if (name === undefined || exim.text.lists.has(name)) continue
      const meant = nearest(name, exim.text.lists.keys())
      yield at(setting.place, kinds.noSuchList, {
        why: `There is no domainlist ${name}${meant === null ? '' : `; ${meant} is defined`}. ${kinds.noSuchList.why}`,
        change: `domainlist ${name} = ${facts.domains.map(({ mailHost }) => mailHost).join(' : ')}\n${reload(exim)}`,
      })
      return
    }
    places.add(listPlace(site, setting))
  }
  const lists = routers.map((router) => router.options.get('domains')?.value ?? '*')
  for (const { mailHost } of facts.domains) {
    const found = lists.map((list) => domainIn(list, mailHost.toLowerCase(), exim.text, facts.hostname))
    if (!found.every((one) => one === false)) continue
    const [place] = places
    const setting = exim.text.lists.get('mm_domains')
    const miswritten = setting === undefined ? [] : itemsOf(setting.value).filter(isMiswritten)
    if (setting !== undefined && place === setting.place && miswritten.length > 0) {
      yield at(place, kinds.domainMissing, {
        why: `${mailHost} has lists. A list is separated by colons, unless it begins with <; and Exim takes '${miswritten[0]}' for a look-up of a type that there is not.`,
        change: `domainlist mm_domains = ${setting.value.split(/\s*[;:]\s*/).join(' : ')}\n${reload(exim)}`,
      })
      continue
    }
    yield at(place, kinds.domainMissing, {
      why: `${mailHost} has lists, but the router does not take it. ${kinds.domainMissing.why}`,
      change:
        setting !== undefined && place === setting.place
          ? `domainlist mm_domains = ${[setting.value, mailHost].filter((one) => one !== '').join(' : ')}\n${reload(exim)}`
          : `Add ${mailHost} there; ${reload(exim)}`,
    })
  }
  const known = facts.domains.flatMap(({ mailHost, aliasDomain }) => [mailHost, aliasDomain ?? mailHost])
  const foreign = lists
    .flatMap((list) => plainDomains(list, exim.text))
    .filter((domain) => !known.some((one) => one.toLowerCase() === domain))
  for (const domain of new Set(foreign)) {
    const [place] = places
    yield at(place, kinds.foreignDomain, {
      why: `Posthorn has no domain ${domain}. ${kinds.foreignDomain.why}`,
      change: `posthorn domain add ${domain}, or take it out of the list`,
    })
  }
}

/** Where the domains stand: the named list, when the router names one. */
function listPlace({ exim }: EximSite, setting: Setting): Place {
  const name = /^\+(\w+)$/.exec(setting.value.trim())?.[1]
  return (name === undefined ? undefined : exim.text.lists.get(name)?.place) ?? setting.place
}

// --- what it does with them ----------------------------------------------------------------------------------------

function* driver(site: EximSite, router: Driver): Iterable<Finding> {
  const { exim, transports } = site
  const kind = option(router, 'driver')
  const transport = router.options.get('transport')
  if (!/^(accept|manualroute)$/.test(kind)) {
    yield at(router.options.get('driver')?.place ?? router.place, kinds.routerDriver, {
      change: `driver = accept\n${reload(exim)}`,
    })
    return
  }
  const named = transport?.value ?? ''
  const known = exim.text.transports.map(({ name }) => name)
  if (!named.includes('$') && !known.includes(named)) {
    const meant = transports[0]?.name ?? nearest(named, known)
    yield at(transport?.place ?? router.place, kinds.noTransport, {
      why:
        named === ''
          ? 'The router has no transport at all.'
          : `There is no transport ${named}. ${kinds.noTransport.why}`,
      change: meant === null ? 'posthorn hookup exim' : `transport = ${meant}\n${reload(exim)}`,
    })
  } else if (!named.includes('$') && !transports.some(({ name }) => name === named)) {
    const [meant] = transports
    yield at(transport?.place ?? router.place, kinds.wrongTransport, {
      why: `${named} is another transport. ${kinds.wrongTransport.why}`,
      change: meant === undefined ? 'posthorn hookup exim' : `transport = ${meant.name}\n${reload(exim)}`,
    })
  }
  const conditions = ['domains', 'require_files', 'condition', 'local_parts', 'senders']
  if (conditions.every((name) => option(router, name) === ''))
    yield at(router.place, kinds.takesAll, { change: `domains = +mm_domains\n${reload(exim)}` })
}

function* options(router: Driver): Iterable<Finding> {
  const place = (name: string): Place => router.options.get(name)?.place ?? router.place
  for (const name of ['verify', 'verify_recipient'])
    if (option(router, name) === 'false') yield at(place(name), kinds.notVerified)
  if (isTrue(router, 'verify_only')) yield at(place('verify_only'), kinds.verifyOnly)
  if (isTrue(router, 'unseen')) yield at(place('unseen'), kinds.unseen)
  if (isTrue(router, 'caseful_local_part') && wayOf(router) === 'markers')
    yield at(place('caseful_local_part'), kinds.caseful)
  if (option(router, 'errors_to') !== '') yield at(place('errors_to'), kinds.errorsTo)
  if (option(router, 'local_part_prefix') !== '' && !isTrue(router, 'local_part_prefix_optional'))
    yield at(place('local_part_prefix'), kinds.prefix)
  yield* removedHeaders(router)
}

/** Header fields that a router or a transport takes out. */
export function* removedHeaders(driver: Driver): Iterable<Finding> {
  const setting = driver.options.get('headers_remove')
  if (setting === undefined) return
  const names = itemsOf(setting.value).map((name) => name.toLowerCase())
  const added = option(driver, 'headers_add')
  if (names.includes('message-id') && !/^"?message-id:/im.test(added))
    yield at(setting.place, kinds.messageId)
  const needed =
    /^(from|to|cc|subject|date|reply-to|references|in-reply-to|mime-version|content-.*|list-.*|dkim-signature|\*)$/
  const lost = names.filter(
    (name) => needed.test(name) && !new RegExp(`^"?${escaped(name)}:`, 'im').test(added),
  )
  if (lost.length > 0)
    yield at(setting.place, kinds.headersRemoved, {
      why: `${lost.join(', ')}: ${kinds.headersRemoved.why}`,
      change: `Take ${lost.join(', ')} out of headers_remove.`,
    })
}

// --- suffixes ------------------------------------------------------------------------------------------------------

function* suffixes({ facts, exim }: EximSite, router: Driver): Iterable<Finding> {
  const setting = router.options.get('local_part_suffix')
  const way = wayOf(router)
  if (setting === undefined && way !== 'markers') return
  const items = itemsOf(setting?.value ?? '')
  const optional = isTrue(router, 'local_part_suffix_optional')
  if (setting !== undefined && !optional)
    yield at(setting.place, kinds.suffixNotOptional, {
      change: `local_part_suffix_optional\n${reload(exim)}`,
    })
  const { delimiter } = facts
  const extended = delimiter === '' ? [] : [`-bounces${delimiter}*`, `-confirm${delimiter}*`]
  const needed = [...subAddresses.map((name) => `-${name}`), ...extended]
  const missing = needed.filter((one) => !items.some((item) => covers(item, one)))
  // Where the router takes the whole local part anyway, the suffix is only taken apart.
  if (missing.length > 0 && (way === 'markers' || !optional))
    yield at(setting?.place ?? router.place, kinds.suffixMissing, {
      why: `Not there: ${missing.join(', ')}. ${kinds.suffixMissing.why}`,
      change: `local_part_suffix_optional\nlocal_part_suffix = ${needed.join(' : ')}\n${reload(exim)}`,
    })
  const wide = items.find((item) => /^[-+]?\*+$/.test(item))
  if (wide !== undefined && way === 'markers' && setting !== undefined)
    yield at(setting.place, kinds.suffixTooWide, {
      why: `${wide} fits every tail. ${kinds.suffixTooWide.why}`,
      change: `local_part_suffix = ${needed.join(' : ')}\n${reload(exim)}`,
    })
}

/** Whether a suffix, or a pattern of suffixes, fits all that another one fits. */
const covers = (item: string, needed: string): boolean =>
  item.toLowerCase() === needed || (item.endsWith('*') && needed.startsWith(item.slice(0, -1).toLowerCase()))

// --- markers -------------------------------------------------------------------------------------------------------

async function* markers(site: EximSite, router: Driver): AsyncIterable<Finding> {
  const { exim, facts, host } = site
  const setting = router.options.get('require_files')
  if (setting === undefined) return
  const item = itemsOf(setting.value).find((one) => /local_part/.test(one)) ?? ''
  const path = item.replace(/^[!+\s]+/, '')
  const place = pathPlace(site, setting)
  const slash = path.lastIndexOf('/')
  const folder = path.slice(0, slash).split(/\$/)[0]?.replace(/\/+$/, '') ?? ''
  if (!folder.startsWith('/')) return // a macro that is not defined: told by another check
  if (item.startsWith('!')) {
    yield at(setting.place, kinds.markerPath, {
      why: 'The ! makes the router take what is no list. A list must have its folder.',
      change: `require_files = ${path}\n${reload(exim)}`,
    })
    return
  }
  const folderChange = `${homeLine(site)}\n${reload(exim)}`
  if ((await host.stat(folder)) === null) {
    yield at(place, kinds.markerFolder, {
      why: `There is no ${folder}; Posthorn keeps the folders of its lists in ${facts.listDataDir}. ${lostWords}`,
      change: folderChange,
    })
    return
  }
  for (const { list, domain } of samples(site)) {
    const wanted = filled(path, list, domain)
    if (wanted === null || (await host.stat(wanted)) !== null) continue
    const marker = `${list}.${domain}`.toLowerCase()
    if ((await host.stat(`${folder}/${marker}`)) !== null)
      yield at(origin(setting, exim) ?? setting.place, kinds.markerPath, {
        why: `For ${list}@${domain} Exim looks for ${wanted}, and Posthorn has made ${folder}/${marker}. ${kinds.markerPath.why}`,
        change: `MM3_LISTCHK = MM3_HOME/lists/\${local_part}.\${domain}\n${reload(exim)}`,
      })
    else if ((await host.stat(`${facts.listDataDir}/${marker}`)) !== null)
      yield at(place, kinds.markerFolder, {
        why: `${folder} is there, but the folder of ${list}@${domain} is in ${facts.listDataDir}. ${lostWords}`,
        change: folderChange,
      })
    else
      yield at(place, kinds.markerMissing, {
        seen: `${place.text.trim()}; ${facts.listDataDir}/${marker} is not there`,
        why: `There is no ${facts.listDataDir}/${marker}. ${kinds.markerMissing.why}`,
      })
    return
  }
  const closed = await closedFolders(host, folder)
  if (closed.length > 0)
    yield at(setting.place, kinds.markerClosed, {
      why: `Closed to it: ${closed.join(', ')}. ${kinds.markerClosed.why}`,
      change: `chmod o+x ${closed.join(' ')}`,
    })
}

const lostWords = 'The router takes nothing, and every list is refused as unknown.'

/** The macro that has the path in it, where one has. */
function pathPlace({ exim }: EximSite, setting: Setting): Place {
  const home = exim.text.macros.get('MM3_HOME')
  if (home !== undefined && home.value !== '' && setting.value.includes(home.value)) return home.place
  return origin(setting, exim) ?? setting.place
}

const homeLine = ({ facts }: EximSite): string =>
  facts.listDataDir === `${facts.varDir}/lists`
    ? `MM3_HOME = ${facts.varDir}`
    : `MM3_LISTCHK = ${facts.listDataDir}/\${local_part}.\${domain}`

/** The path for one list; null where it has expansions that only Exim can do. */
function filled(path: string, list: string, domain: string): string | null {
  const result = path
    .replace(/\$\{lc::?\s*\$\{?(local_part|domain)\}?\}/g, (_, name: string) => `\${${name}}`)
    .replace(/\$\{?local_part(_data)?\b\}?/g, () => list)
    .replace(/\$\{?domain(_data)?\b\}?/g, () => domain)
  return result.includes('$') ? null : result
}

// --- the look-up service -------------------------------------------------------------------------------------------

function* lookup({ facts, exim }: EximSite, router: Driver): Iterable<Finding> {
  const setting = router.options.get('condition')
  if (setting === undefined) return
  const place = setting.place
  const asked = /readsocket\{(?:inet:)?([^}]+)\}/.exec(setting.value)?.[1]?.trim() ?? ''
  const listens = facts.lookup.readsocket
  const isInverted = /\bif\s*eq\s*\{\$\{readsocket.*\}\{no\}/.test(setting.value)
  if (listens === null)
    yield at(place, kinds.lookupOff, {
      change: `In the configuration of Posthorn: [lookup] readsocket: ${asked}; then: posthorn restart`,
    })
  else if (!samePlace(asked, listens))
    yield at(place, kinds.lookupPlace, {
      why: `Exim asks ${asked}; the service listens at ${listens}. ${kinds.lookupPlace.why}`,
      change: `readsocket{${listens.startsWith('/') ? listens : `inet:${listens}`}}\n${reload(exim)}`,
    })
  const isForced = /\{\d+[smh]?(:[^}]*)?\}\{[^}]*\}\{no\}/.test(setting.value)
  if (isInverted)
    yield at(place, kinds.lookupInverted, { change: `${usualCondition(asked)}\n${reload(exim)}` })
  else if (isForced || (/\{yes\}/.test(setting.value) && !/!\s*eq/.test(setting.value)))
    yield at(place, kinds.lookupRefuses, { change: `${usualCondition(asked)}\n${reload(exim)}` })
}

const usualCondition = (asked: string): string =>
  `condition = \${if !eq{\${readsocket{${asked.startsWith('/') ? asked : `inet:${asked}`}}{$local_part@$domain\\n}{5s}}}{no}}`

function samePlace(one: string, other: string): boolean {
  const plain = (place: string): string =>
    place.replace(/^localhost:/, '127.0.0.1:').replace(/^(0\.0\.0\.0|\[::\]|\*):/, '127.0.0.1:')
  return plain(one) === plain(other)
}
