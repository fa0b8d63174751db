// The lines of `posthorn hookup exim`, file by file: Debian's conf.d, Debian's template, or one exim.conf. Pure.
import { isIP } from 'node:net'
import type { ConfigurationFile, HookupWay, HostFacts, Setting } from '../../model/hookup.ts'
import { subAddresses } from '../../model/list.ts'
import type { EximConfiguration } from './exim-configuration.ts'
import { debconfValue } from './exim-debian.ts'
import { addressIn, escaped, plainDomains } from './exim-lists.ts'
import type { Place } from './exim-syntax.ts'
import { isLoopback, reachable } from './hosts.ts'

/** Where the look-up service listens when the configuration does not say so yet. */
export const usualLookup = '127.0.0.1:8028'

const routerName = 'posthorn_router'
const transportName = 'posthorn_transport'

/** Debian's place for statements of the operator, in its list for recipients. */
const aclFileMacro = 'CHECK_RCPT_LOCAL_ACL_FILE'
const aclFileName = 'posthorn_rcpt_acl'

/** The three things that change from site to site, in the words of the founding document. */
export function corrections(facts: HostFacts, exim: EximConfiguration): readonly ConfigurationFile[] {
  const wanted = facts.domains.map(({ mailHost }) => mailHost)
  const domains = exim.text.lists.get('mm_domains')
  const changes: { place: Place; lines: readonly string[]; why: string }[] = []
  if (domains !== undefined) {
    const there = plainDomains(domains.value, exim.text)
    const missing = wanted.filter((one) => !there.includes(one.toLowerCase()))
    if (missing.length > 0)
      changes.push({
        place: domains.place,
        lines: [`domainlist mm_domains = ${withItems(domains.value, missing)}`],
        why: 'The domains of the lists.',
      })
  }
  for (const [name, value, why] of [
    ['MM3_LMTP_PORT', String(facts.lmtp.port), "Posthorn's LMTP port."],
    ['MM3_HOME', facts.varDir, "Posthorn's folder, where the markers of the lists are."],
  ] as const) {
    const macro = exim.text.macros.get(name)
    if (macro !== undefined && macro.value.replace(/\/+$/, '') !== value)
      changes.push({ place: macro.place, lines: [`${name} = ${value}`], why })
  }
  return changes.map(({ place, lines, why }) => ({
    path: place.file,
    kind: 'block',
    comment: '#',
    place: { before: exactly(place.text) },
    settings: [{ lines, why, replaces: extentOf(place, exim) }],
    mode: 0o644,
  }))
}

const exactly = (text: string): RegExp => new RegExp(`^${escaped(text)}$`)

/** The lines of a setting that goes on over several; comments between them stay. */
function extentOf(place: Place, exim: EximConfiguration): readonly number[] {
  const lines = [place.line]
  let goesOn = continues(place)
  for (let line = place.line + 1; goesOn; line += 1) {
    const next = exim.places.find((one) => one.file === place.file && one.line === line)
    if (next === undefined) break
    if (next.text.trimStart().startsWith('#')) continue
    lines.push(line)
    goesOn = continues(next)
  }
  return lines
}

const continues = ({ text }: Place): boolean => text.trimEnd().endsWith('\\')

/** A list with more items, by the separator that it has: `<; a ; b`. */
function withItems(list: string, items: readonly string[]): string {
  const separator = /^\s*<(\S)/.exec(list)?.[1] ?? ':'
  return [list.trim(), ...items].filter((one) => one !== '').join(` ${separator} `)
}

export function additions(
  facts: HostFacts,
  exim: EximConfiguration,
  way: HookupWay,
): readonly ConfigurationFile[] {
  switch (exim.layout) {
    case 'split': {
      const conf = `${exim.directory}/conf.d`
      return [
        whole(`${conf}/main/25_posthorn_macros`, mainSettings(facts, exim, way)),
        whole(`${conf}/router/455_posthorn`, [router(facts, way)]),
        whole(`${conf}/transport/55_posthorn`, [transport(facts)]),
        ...debianFiles(facts, exim, way),
      ]
    }
    case 'template': {
      const path = `${exim.directory}/exim4.conf.template`
      return [
        block(path, { before: /^\s*begin\s+acl\b/ }, mainSettings(facts, exim, way)),
        block(path, { after: /^\s*begin\s+routers\b/ }, [router(facts, way)]),
        block(path, { after: /^\s*begin\s+transports\b/ }, [transport(facts)]),
        ...debianFiles(facts, exim, way),
      ]
    }
    case 'file': {
      const acls = recipientAcls(exim)
      const main = [
        ...mainSettings(facts, exim, way),
        ...localDomains(exim),
        ...relayFrom(facts, exim),
        ...(acls.length > 0 ? [] : [aclOption()]),
      ]
      return [
        block(exim.ownFile, { before: /^\s*begin\s+\w+/ }, main),
        ...(acls.length > 0
          ? acls.map((name) =>
              block(exim.ownFile, { after: new RegExp(`^\\s*${escaped(name)}\\s*:\\s*$`) }, [
                refusal(exim, way),
              ]),
            )
          : [block(exim.ownFile, { after: /^\s*begin\s+acl\b/ }, [wholeAcl(exim, way)])]),
        block(exim.ownFile, { after: /^\s*begin\s+routers\b/ }, [router(facts, way)]),
        block(exim.ownFile, { after: /^\s*begin\s+transports\b/ }, [transport(facts)]),
      ]
    }
  }
}

/** The access control lists that acl_smtp_rcpt names, also within an expansion. */
export function recipientAcls(exim: EximConfiguration): readonly string[] {
  const value = exim.text.main.get('acl_smtp_rcpt')?.value ?? ''
  return [...exim.text.acls.keys()].filter((name) => new RegExp(`\\b${escaped(name)}\\b`).test(value))
}

const whole = (path: string, settings: readonly Setting[]): ConfigurationFile => ({
  path,
  kind: 'whole',
  comment: '#',
  place: 'end',
  settings,
  mode: 0o644,
})

const block = (
  path: string,
  place: ConfigurationFile['place'],
  settings: readonly Setting[],
): ConfigurationFile => ({ path, kind: 'block', comment: '#', place, settings, mode: 0o644 })

const setting = (why: string, ...lines: readonly string[]): Setting => ({ lines, why, replaces: [] })

/** What is defined there already is only corrected: Exim takes no macro and no list twice. */
function mainSettings(facts: HostFacts, exim: EximConfiguration, way: HookupWay): readonly Setting[] {
  const names = facts.domains.map(({ mailHost }) => mailHost)
  const isNew = (macro: string): boolean => !exim.text.macros.has(macro)
  const settings: Setting[] = []
  if (!exim.text.lists.has('mm_domains'))
    settings.push(setting('The domains that have lists.', `domainlist mm_domains = ${names.join(' : ')}`))
  if (isNew('MM3_LMTP_PORT'))
    settings.push(setting("Posthorn's LMTP port: [mta] lmtp_port.", `MM3_LMTP_PORT = ${facts.lmtp.port}`))
  if (way === 'tables') {
    const usual = facts.listDataDir === `${facts.varDir}/lists`
    const lines = [
      ...(usual && isNew('MM3_HOME') ? [`MM3_HOME = ${facts.varDir}`] : []),
      ...(isNew('MM3_LISTCHK')
        ? [`MM3_LISTCHK = ${usual ? 'MM3_HOME/lists' : facts.listDataDir}/\${local_part}.\${domain}`]
        : []),
    ]
    if (lines.length > 0)
      settings.push(
        setting('Posthorn makes a folder here for each list, and removes it with the list.', ...lines),
      )
  }
  const missing = (name: string): boolean => !exim.text.main.has(name)
  if (missing('smtp_accept_queue_per_connection'))
    settings.push(
      setting(
        'Posthorn sends many copies over one connection; by default Exim lets those after the tenth lie until the next queue run.',
        'smtp_accept_queue_per_connection = 0',
      ),
    )
  if (way === 'verify' && exim.layout !== 'file' && !exim.text.macros.has(aclFileMacro))
    settings.push(
      setting(
        'Debian reads this file into the access control list for recipients.',
        `${aclFileMacro} = CONFDIR/${aclFileName}`,
      ),
    )
  return settings
}

function router(facts: HostFacts, way: HookupWay): Setting {
  const head = [`${routerName}:`, '  driver = accept', '  domains = +mm_domains']
  const tail = `  transport = ${transportName}`
  switch (way) {
    case 'tables': {
      const extended =
        facts.delimiter === '' ? [] : [`-bounces${facts.delimiter}*`, `-confirm${facts.delimiter}*`]
      const suffixes = [...subAddresses.map((name) => `-${name}`), ...extended].sort()
      return setting(
        'Takes the address of a list, and its addresses for bounces, owners and the like, when the folder of the list is there.',
        ...head,
        '  require_files = MM3_LISTCHK',
        '  local_part_suffix_optional',
        `  local_part_suffix = ${suffixes.slice(0, 5).join(' : ')} : \\`,
        `      ${suffixes.slice(5).join(' : ')}`,
        tail,
      )
    }
    case 'lookup':
      return setting(
        'Takes an address unless Posthorn says that it is none of a list.',
        ...head,
        `  condition = \${if !eq{\${readsocket{${socketOf(facts.lookup.readsocket ?? usualLookup)}}{$local_part@$domain\\n}{5s}}}{no}}`,
        tail,
      )
    case 'verify':
      return setting('Takes every address of these domains; which exist is asked at RCPT.', ...head, tail)
  }
}

/** As `${readsocket` takes it. */
const socketOf = (place: string): string => (place.startsWith('/') ? place : `inet:${place}`)

function transport({ lmtp }: HostFacts): Setting {
  const host = isLoopback(lmtp.host) && isIP(lmtp.host) === 0 ? '127.0.0.1' : reachable(lmtp.host)
  return setting(
    'Hands mail to Posthorn by LMTP. The host is an address, since Exim asks the DNS alone for names.',
    `${transportName}:`,
    '  driver = smtp',
    '  protocol = lmtp',
    `  hosts = ${host.includes(':') ? `<; ${host}` : host}`,
    '  port = MM3_LMTP_PORT',
    '  allow_localhost',
    '  rcpt_include_affixes = true',
  )
}

/** Exim must take mail for the domains: they go into the operator's list of local ones. */
function localDomains(exim: EximConfiguration): readonly Setting[] {
  const list = exim.text.lists.get('local_domains')
  if (list === undefined || list.value.includes('+mm_domains')) return []
  return [
    {
      lines: [`domainlist local_domains = ${withItems(list.value, ['+mm_domains'])}`],
      why: 'Exim takes mail for these domains, and does not look for them in the DNS.',
      replaces: extentOf(list.place, exim),
    },
  ]
}

/** Posthorn hands its mail over from this machine, where the list of those who may send is the usual one. */
function relayFrom(facts: HostFacts, exim: EximConfiguration): readonly Setting[] {
  const list = exim.text.lists.get('relay_from_hosts')
  if (list === undefined || facts.relay.user !== null || !isLoopback(facts.relay.host)) return []
  if (addressIn(list.value, '127.0.0.1', exim.text) !== false) return []
  return [
    {
      lines: [`hostlist relay_from_hosts = ${withItems(list.value, ['127.0.0.1'])}`],
      why: 'Posthorn hands its mail to this Exim from there, and may send to the world.',
      replaces: extentOf(list.place, exim),
    },
  ]
}

const aclOption = (): Setting =>
  setting('Without it Exim refuses every recipient.', 'acl_smtp_rcpt = acl_posthorn_rcpt')

const verification = (way: HookupWay): string =>
  way === 'verify' ? '!verify = recipient/callout=10s,no_cache' : '!verify = recipient'

function refusal(exim: EximConfiguration, way: HookupWay): Setting {
  const listed = exim.debian !== null || exim.text.lists.has('local_domains')
  return setting(
    way === 'verify'
      ? 'Refuses unknown addresses, as Posthorn answers at RCPT; without no_cache a refused name would stay refused for two hours.'
      : 'Refuses unknown addresses of these domains, whoever sends.',
    '  deny domains = +mm_domains',
    `       message = \${if def:acl_verify_message {$acl_verify_message}{Unrouteable address}}`,
    `       ${verification(way)}`,
    ...(listed ? [] : ['  accept domains = +mm_domains']),
  )
}

const wholeAcl = (exim: EximConfiguration, way: HookupWay): Setting => ({
  ...refusal(exim, way),
  lines: [
    'acl_posthorn_rcpt:',
    ...refusal(exim, way).lines,
    '  accept domains = +mm_domains',
    '  accept hosts = : 127.0.0.1 : ::::1',
    '  deny message = relay not permitted',
  ],
})

/** Debian's answers, and the statement that makes callouts. */
function debianFiles(
  facts: HostFacts,
  exim: EximConfiguration,
  way: HookupWay,
): readonly ConfigurationFile[] {
  if (exim.debian === null) return []
  const { debconf } = exim.debian
  const files: ConfigurationFile[] = []
  const wanted = facts.domains.map(({ mailHost }) => mailHost.toLowerCase())
  const settings: Setting[] = []
  const local = debconfValue(debconf, 'dc_other_hostnames')
  const own = splitAnswer(local?.value ?? '')
  const missing = wanted.filter((one) => !own.includes(one))
  if (missing.length > 0)
    settings.push({
      lines: [`dc_other_hostnames='${[...own, ...missing].join(';')}'`],
      why: 'Exim takes mail for these domains, and does not look for them in the DNS.',
      replaces: local === null ? [] : [local.place.line],
    })
  const relayed = debconfValue(debconf, 'dc_relay_domains')
  const relays = splitAnswer(relayed?.value ?? '')
  if (relayed !== null && relays.some((one) => wanted.includes(one)))
    settings.push({
      lines: [`dc_relay_domains='${relays.filter((one) => !wanted.includes(one)).join(';')}'`],
      why: 'A domain that Exim relays goes to the host that the DNS names, before any router of ours.',
      replaces: [relayed.place.line],
    })
  if (settings.length > 0) files.push(block(`${exim.directory}/update-exim4.conf.conf`, 'end', settings))
  if (way === 'verify') {
    const own = exim.text.macros.get(aclFileMacro)?.value
    const path = own?.replace(/^\/etc\/exim4\//, `${exim.directory}/`) ?? `${exim.directory}/${aclFileName}`
    files.push(
      own === undefined ? whole(path, [refusal(exim, way)]) : block(path, 'end', [refusal(exim, way)]),
    )
  }
  return files
}

const splitAnswer = (value: string): readonly string[] =>
  value
    .toLowerCase()
    .replace(/^\s*<;/, '')
    .split(/[;:\s]+/)
    .filter((one) => one !== '')
