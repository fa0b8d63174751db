// What Exim is told, with the file and line of each thing, and how to ask this very Exim about it. Law: `--config-dir` names
// the operator's folder; Exim is asked only when it reads what stands there, else the files alone must do.
import { Unavailable } from '../../base/unavailable.ts'
import type { MailServerHost } from '../../model/hookup.ts'
import type { EximCommand } from './exim-ask.ts'
import { type DebianFiles, MadePlace, readDebian, staleness } from './exim-debian.ts'
import { type EximText, type Place, parseExim, placesOf } from './exim-syntax.ts'

export interface EximConfiguration {
  /** `split` and `template` are Debian's, put together by update-exim4.conf(8); `file` is one exim.conf. */
  readonly layout: 'split' | 'template' | 'file'
  /** The operator's folder: /etc/exim4. */
  readonly directory: string
  /** The file that Exim reads, by the name that Exim has for it. */
  readonly file: string
  /** The operator's file where there is one alone: the same, perhaps seen from outside a chroot. */
  readonly ownFile: string
  readonly text: EximText
  /** The operator's files line by line, comments and all; without what they include. */
  readonly places: readonly Place[]
  /** Debian's answers and parts; null for one file. */
  readonly debian: DebianFiles | null
  /** The operator's line that the file that Exim reads does not have; null: it has them all. */
  readonly stale: Place | null
  /** Null: this configuration cannot be asked about, because there is no Exim here or it reads another file. */
  readonly command: EximCommand | null
  /** What Exim says against its configuration; null: it reads it. */
  readonly fault: EximFault | null
  /** `4.96`; null: not known. */
  readonly version: string | null
  /** The place in the operator's files of a line of the file that Exim reads. */
  placeOf(file: string, line: number): Place | null
}

export interface EximFault {
  readonly words: string
  readonly place: Place | null
}

const programs = ['exim4', 'exim'] as const
const fileNames = ['exim4.conf', 'exim.conf', 'configure'] as const

/** Where Exim is built to look for it. */
const usualFiles = ['/etc/exim4/exim4.conf', '/etc/exim/exim.conf', '/usr/exim/configure', '/etc/exim.conf']

export interface InstalledExim {
  readonly program: string
  /** All that `-bV` says. */
  readonly words: string
  /** The configuration file that it reads; null when it cannot read it. */
  readonly file: string | null
}

/** Exim is called exim4 on Debian. Null where there is neither. */
export async function installedExim(host: MailServerHost): Promise<InstalledExim | null> {
  for (const program of programs) {
    const ended = await host.run([program, '-bV'])
    if (ended === null || !/^Exim version/m.test(ended.out)) continue
    const words = `${ended.out}\n${ended.err}`
    return { program, words, file: configurationFileIn(words) }
  }
  return null
}

const configurationFileIn = (words: string): string | null =>
  /^Configuration file is (\S+)$/m.exec(words)?.[1] ??
  /configuration error in line \d+ of (\S+?):?$/m.exec(words)?.[1] ??
  null

/** Throws Unavailable when there is no configuration to look at. */
export async function readExim(host: MailServerHost): Promise<EximConfiguration> {
  const installed = await installedExim(host)
  const directory = host.configDir?.replace(/(.)\/+$/, '$1') ?? directoryOf(installed?.file ?? null)
  const single = await singleFile(host, directory, installed)
  const debian = single === null ? await readDebian(host, directory) : null
  if (single === null && debian === null)
    throw new Unavailable(
      `there is no configuration of Exim in ${directory}; name its folder with --config-dir, or its container with --command-prefix`,
    )
  // What Exim knows as /etc/exim4 may be elsewhere for us.
  const read = async (path: string): Promise<string | null> =>
    (await host.readText(path.replace(/^\/etc\/exim4\//, `${directory}/`))) ?? (await host.readText(path))
  const places = debian?.places ?? (single === null ? [] : placesOf(single.path, single.text))
  const text = await parseExim(places, read)
  const asked = await askable(host, installed, directory, single, debian)
  const placeOf = (file: string, line: number): Place | null => {
    const shown = asked.text?.split('\n')[line - 1]
    if (debian !== null && asked.text !== null && file === asked.file && shown !== undefined)
      return sourceOf(debian, asked.text, line) ?? { file, line, text: shown }
    return (
      text.lines.find(({ place }) => place.file === file && place.line === line)?.place ??
      (single !== null && file === asked.file ? (placesOf(single.path, single.text)[line - 1] ?? null) : null)
    )
  }
  const stale = debian !== null && asked.text !== null ? staleness(debian, asked.text) : null
  return {
    layout: debian === null ? 'file' : debian.split ? 'split' : 'template',
    directory,
    file: asked.file ?? single?.path ?? generatedFile,
    ownFile: single?.path ?? `${directory}/exim4.conf.template`,
    text,
    places,
    debian,
    stale,
    command: asked.command,
    fault:
      asked.fault === null
        ? await faultOfRefused(host, installed, debian, asked, stale)
        : faultOf(asked.fault, placeOf),
    version: /^Exim version (\S+)/m.exec(installed?.words ?? '')?.[1] ?? null,
    placeOf,
  }
}

const generatedFile = '/var/lib/exim4/config.autogenerated'

const directoryOf = (file: string | null): string =>
  file === null || file.endsWith('.autogenerated') || file.endsWith('.autogenerated.tmp')
    ? '/etc/exim4'
    : file.replace(/\/[^/]*$/, '')

interface ReadFile {
  readonly path: string
  readonly text: string
}

async function singleFile(
  host: MailServerHost,
  directory: string,
  installed: InstalledExim | null,
): Promise<ReadFile | null> {
  const own = installed?.file?.startsWith(`${directory}/`) === true ? [installed.file] : []
  for (const path of [...own, ...fileNames.map((name) => `${directory}/${name}`)]) {
    if (path.endsWith('.autogenerated')) continue
    const text = await host.readText(path)
    if (text !== null) return { path, text }
  }
  return null
}

interface Asked {
  readonly command: EximCommand | null
  /** The file that Exim reads, and what stands in it. */
  readonly file: string | null
  readonly text: string | null
  /** All that Exim says when it does not read it. */
  readonly fault: string | null
}

/** How Exim is made to read what is looked at. It may know the folder by another path: inside a chroot or a container. */
async function askable(
  host: MailServerHost,
  installed: InstalledExim | null,
  directory: string,
  single: ReadFile | null,
  debian: DebianFiles | null,
): Promise<Asked> {
  const nothing: Asked = {
    command: null,
    file: single?.path ?? null,
    text: single?.text ?? null,
    fault: null,
  }
  if (installed === null) return nothing
  const { program, words } = installed
  if (single !== null) {
    const ended = await host.run([program, '-C', single.path, '-bV'])
    const said = `${ended?.out ?? ''}\n${ended?.err ?? ''}`
    if (ended !== null && !/non-existent configuration file|failed to open/i.test(said))
      return { ...nothing, command: [program, '-C', single.path], fault: isFault(said) ? said : null }
    // Words about a fault do not always name the file.
    for (const file of installed.file === null && isFault(words) ? usualFiles : [installed.file]) {
      if (file === null || (await host.readText(file)) !== single.text) continue
      return { command: [program], file, text: single.text, fault: isFault(words) ? words : null }
    }
    return nothing
  }
  const beside = `${directory}/config.autogenerated`
  const besideText = await host.readText(beside)
  if (besideText !== null) {
    const ended = await host.run([program, '-C', beside, '-bV'])
    const said = `${ended?.out ?? ''}\n${ended?.err ?? ''}`
    return {
      command: [program, '-C', beside],
      file: beside,
      text: besideText,
      fault: isFault(said) ? said : null,
    }
  }
  // Exim's own answers to debconf tell whether its own folder is the one that is looked at.
  const ownAnswers = await host.readText('/etc/exim4/update-exim4.conf.conf')
  const isOwn = debian !== null && ownAnswers === debian.debconf.map(({ text }) => `${text}\n`).join('')
  const own = directory === '/etc/exim4' || isOwn ? await host.readText(generatedFile) : null
  if (own === null || installed.file === null) return nothing
  return { command: [program], file: generatedFile, text: own, fault: isFault(words) ? words : null }
}

/** What update-exim4.conf made last and did not put in place, because Exim cannot read it. */
async function faultOfRefused(
  host: MailServerHost,
  installed: InstalledExim | null,
  debian: DebianFiles | null,
  asked: Asked,
  stale: Place | null,
): Promise<EximFault | null> {
  if (installed === null || debian === null || asked.file === null || stale === null) return null
  const path = `${asked.file}.tmp`
  const text = await host.readText(path)
  if (text === null || staleness(debian, text) !== null) return null
  const ended = await host.run([installed.program, '-C', path, '-bV'])
  const said = `${ended?.out ?? ''}\n${ended?.err ?? ''}`
  return isFault(said) ? faultOf(said, (_, line) => sourceOf(debian, text, line)) : null
}

const isFault = (said: string): boolean => /configuration error|^.*panic.*$/im.test(said)

/** Exim's words, and the operator's line. */
function faultOf(said: string, placeOf: EximConfiguration['placeOf']): EximFault {
  const lines = said.split('\n')
  const at = lines.findIndex((line) => /configuration error/i.test(line))
  const words = lines
    .slice(Math.max(at, 0))
    .map((line) => line.replace(/^\d{4}-\d\d-\d\d [\d:.]+ (\[\d+\] )?/, '').trim())
    .filter((line) => line !== '' && !/^(LOG|Exim version|Copyright)/.test(line))
    .slice(0, 2)
    .join(' ')
  const [, line, file = ''] = /in line (\d+) of (\S+?):?(?:\s|$)/.exec(words) ?? []
  return { words, place: line === undefined ? null : placeOf(file, Number(line)) }
}

/** The operator's line that became this line of the generated file: the same text, as often seen before. */
function sourceOf(debian: DebianFiles, generated: string, line: number): Place | null {
  const lines = generated.split('\n')
  const text = lines[line - 1]
  if (text === undefined || text.trim() === '') return null
  const before = lines.slice(0, line - 1).filter((one) => one === text).length
  const found = debian.places.filter((place) => place.text === text)
  const place = found[Math.min(before, found.length - 1)] ?? null
  return place instanceof MadePlace ? place.origin : place
}
