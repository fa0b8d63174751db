// Debian's way of configuring Exim: update-exim4.conf(8) puts the files of conf.d, or exim4.conf.template, together with
// macros made of update-exim4.conf.conf, and Exim reads only the result. Law: what is read here is the operator's files,
// so that a finding names the line that can be edited; the result is compared with them.
import type { MailServerHost } from '../../model/hookup.ts'
import { type Place, placesOf } from './exim-syntax.ts'

export interface DebianFiles {
  readonly split: boolean
  /** update-exim4.conf.conf. */
  readonly debconf: readonly Place[]
  /** What update-exim4.conf would write, each line as it stands in the operator's file. */
  readonly places: readonly Place[]
}

const sections = ['main', 'acl', 'router', 'transport', 'retry', 'rewrite', 'auth'] as const

/** Null where the folder is none of Debian's. */
export async function readDebian(host: MailServerHost, directory: string): Promise<DebianFiles | null> {
  const path = `${directory}/update-exim4.conf.conf`
  const text = await host.readText(path)
  if (text === null) return null
  const debconf = placesOf(path, text)
  const split = debconfValue(debconf, 'dc_use_split_config')?.value.toLowerCase() === 'true'
  const places: Place[] = []
  const add = async (file: string): Promise<void> => {
    const content = await host.readText(file)
    if (content === null) return
    for (const place of placesOf(file, content)) {
      places.push(place)
      if (place.text.startsWith('UPEX4CmacrosUPEX4C')) places.push(...macrosOf(debconf))
    }
  }
  if (split)
    for (const section of sections) {
      const folder = `${directory}/conf.d/${section}`
      for (const name of await partsIn(host, folder)) await add(`${folder}/${name}`)
    }
  else for (const name of ['exim4.conf.localmacros', 'exim4.conf.template']) await add(`${directory}/${name}`)
  return { split, debconf, places }
}

/** In the order of the shell's `ls` in the C locale; NAME.rul takes the place of NAME, other names with dots are passed over. */
async function partsIn(host: MailServerHost, folder: string): Promise<readonly string[]> {
  const names = (await host.list(folder)) ?? []
  return names
    .filter((name) => /^[A-Za-z0-9_-]+$/.test(name))
    .sort()
    .map((name) => (names.includes(`${name}.rul`) ? `${name}.rul` : name))
}

/** A shell assignment of update-exim4.conf.conf, without its quotes. */
export function debconfValue(
  debconf: readonly Place[],
  name: string,
): { readonly value: string; readonly place: Place } | null {
  const place = debconf.findLast(({ text }) => text.startsWith(`${name}=`))
  if (place === undefined) return null
  return { value: place.text.slice(name.length + 1).replace(/^(['"])(.*)\1\s*$/, '$2'), place }
}

/** The macros that update-exim4.conf makes of the answers to debconf's questions; each has the place of its answer. */
function macrosOf(debconf: readonly Place[]): readonly Place[] {
  const get = (name: string): string => (debconfValue(debconf, name)?.value ?? '').toLowerCase()
  const macros: [name: string, value: string, from: string][] = [
    ['MAIN_LOCAL_DOMAINS', localDomains(get('dc_other_hostnames')), 'dc_other_hostnames'],
    ['MAIN_RELAY_TO_DOMAINS', withSeparator(get('dc_relay_domains')), 'dc_relay_domains'],
    ['MAIN_RELAY_NETS', relayNets(get('dc_relay_nets')), 'dc_relay_nets'],
    ['LOCAL_DELIVERY', get('dc_localdelivery') || 'mail_spool', 'dc_localdelivery'],
    ['DCreadhost', get('dc_readhost'), 'dc_readhost'],
    ['DCsmarthost', get('dc_smarthost').replaceAll(';', ':'), 'dc_smarthost'],
    ['DC_eximconfig_configtype', get('dc_eximconfig_configtype'), 'dc_eximconfig_configtype'],
    [`DCconfig_${get('dc_eximconfig_configtype')}`, '1', 'dc_eximconfig_configtype'],
  ]
  if (get('dc_local_interfaces') !== '')
    macros.push(['MAIN_LOCAL_INTERFACES', withSeparator(get('dc_local_interfaces')), 'dc_local_interfaces'])
  if (get('dc_minimaldns') === 'true') macros.push(['DC_minimaldns', '1', 'dc_minimaldns'])
  const [first] = debconf
  return macros.flatMap(([name, value, from]) => {
    const place = debconfValue(debconf, from)?.place ?? first
    if (place === undefined) return []
    return [`.ifndef ${name}`, `${name}=${value}`, '.endif'].map((text) => new MadePlace(place, text))
  })
}

/** A line that update-exim4.conf makes: read as `text`, shown as the line that it is made of. */
export class MadePlace implements Place {
  readonly file: string
  readonly line: number
  readonly text: string
  /** The operator's line. */
  readonly origin: Place

  constructor(origin: Place, text: string) {
    this.file = origin.file
    this.line = origin.line
    this.text = text
    this.origin = origin
  }
}

const localDomains = (hostnames: string): string =>
  `@:localhost:${hostnames}`.replace(/[;: ]*$/, '').replaceAll(';', ':')

const withSeparator = (list: string): string =>
  list.includes(';') && !list.startsWith('<') ? `<; ${list}` : list

const relayNets = (nets: string): string =>
  withSeparator(nets).startsWith('<;')
    ? `${withSeparator(nets)} ; 127.0.0.1 ; ::1`
    : `${nets} : 127.0.0.1 : ::::1`

/** What the generated file lacks or has beyond the operator's files; null: it is what they say. */
export function staleness({ places }: DebianFiles, generated: string): Place | null {
  const wanted = places.filter(({ text }) => !/^\s*(#|$)/.test(text))
  const there = generated.split('\n').filter((text) => !/^\s*(#|$)/.test(text))
  const macros = new Map<string, string>()
  let at = 0
  for (const place of wanted) {
    if (place instanceof MadePlace) continue
    // The macros stand behind one line of the first file, and there are more of them than are made here.
    while (
      at < there.length &&
      there[at]?.trimEnd() !== place.text.trimEnd() &&
      isMacroLine(there[at] ?? '')
    ) {
      const [, name, value = ''] = /^(\w+)=(.*)$/.exec(there[at] ?? '') ?? []
      if (name !== undefined) macros.set(name, value)
      at += 1
    }
    if (there[at]?.trimEnd() !== place.text.trimEnd()) return place
    at += 1
  }
  for (const place of wanted) {
    if (!(place instanceof MadePlace)) continue
    const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(place.text) ?? []
    if (/^MAIN_(LOCAL|RELAY_TO)_DOMAINS$|^MAIN_RELAY_NETS$/.test(name) && !same(macros.get(name), value))
      return place.origin
  }
  return at < there.length ? (wanted.at(-1) ?? null) : null
}

const isMacroLine = (text: string): boolean => /^(\.ifndef \w+|\w+=.*|\.endif)$/.test(text)

const same = (one: string | undefined, other: string): boolean =>
  one !== undefined && one.replace(/\s+/g, '') === other.replace(/\s+/g, '')
