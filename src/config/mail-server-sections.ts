// The settings of the mail servers that hand mail in: the file that `[mta] configuration` names, with a section for
// each, and one for a module of the site, named like what it exports. Law: programs that are run are named only by
// files that nobody else can write, as all code (design §5).
import { dirname } from 'node:path'
import { type Keys, type Section, type ValuesOf, honoured as y } from './key.ts'
import { loadLazr, type NamedBy, type ReadFile } from './lazr.ts'
import type { ConfigMistake } from './mistake.ts'
import type { CodeName, ConfigurationName, MailServerName } from './names.ts'
import { type PostfixSettings, postfix } from './postfix.ts'
import { distrustOf, isFile } from './search.ts'
import { readSection, unknownSections } from './section.ts'
import { command, filePath, optional, text } from './values.ts'

const inFile = 'In the file that [mta] configuration names:'

const reload = y(
  command,
  '',
  'Run after tables have changed: a vector of words, no shell. Empty: nothing is run.',
)

const home = y(
  optional(filePath),
  '',
  'The home of the user who gets the lists: each list has two files there. Empty: none are written.',
)
const homeOfDomain = y(filePath, '/', 'A key that is a domain names the home for the lists of that domain.')

export const exim4 = {
  title: 'exim4',
  doc: `${inFile} what Exim is told. It reads the markers itself and needs nothing here.`,
  keys: { reload_command: reload },
} as const

export const sendmail = {
  title: 'sendmail',
  doc: `${inFile} what Sendmail is told. It reads its tables anew at each look-up and needs nothing here.`,
  keys: { reload_command: reload },
} as const

export const opensmtpd = {
  title: 'opensmtpd',
  doc: `${inFile} what OpenSMTPD is told. It reads a table once, so a new list needs smtpctl update table.`,
  keys: { reload_command: reload },
} as const

export const courier = {
  title: 'courier',
  doc: `${inFile} where the \`.courier\` files of the lists are.`,
  keys: {
    home,
    command: y(
      text,
      '/usr/local/bin/posthorn-qmail --sysexits',
      "What each file starts; port and parts are added. Courier gives it to the user's shell.",
    ),
    reload_command: reload,
  },
  others: homeOfDomain,
} as const

export const qmail = {
  title: 'qmail',
  doc: `${inFile} where \`.qmail\` files are, for sites that want them for each list; one \`.qmail-default\` does without.`,
  keys: {
    home,
    command: y(
      text,
      '/usr/local/bin/posthorn-qmail',
      'What each file starts; port and parts are added. qmail gives it to a shell.',
    ),
    reload_command: reload,
  },
  others: homeOfDomain,
} as const

const siteSection = {
  title: 'NAME',
  doc: `${inFile} what the module of the site reads, in a section named like its export.`,
  keys: { reload_command: reload },
  others: y(text, '', "The module's own."),
} as const

export const mailServerSections = { postfix, exim4, sendmail, opensmtpd, courier, qmail } as const

/** A section that says where files for each list go. */
export type HomeSettings = ValuesOf<typeof courier.keys> & {
  /** By domain, over `home`. */
  readonly homes: Readonly<Record<string, string>>
}

export interface SiteSection {
  readonly reloadCommand: readonly string[]
  /** All other keys, as they stand there. */
  readonly settings: Readonly<Record<string, string>>
}

export interface MailServerSettings {
  readonly postfix: PostfixSettings
  readonly exim4: ValuesOf<typeof exim4.keys>
  readonly sendmail: ValuesOf<typeof sendmail.keys>
  readonly opensmtpd: ValuesOf<typeof opensmtpd.keys>
  readonly courier: HomeSettings
  readonly qmail: HomeSettings
  /** The sections for modules of the site, by the name of what they export. */
  readonly siteSections: Readonly<Record<string, SiteSection>>
}

export interface MailServersRead {
  readonly settings: MailServerSettings
  readonly mistakes: readonly ConfigMistake[]
  readonly warnings: readonly ConfigMistake[]
}

interface Named {
  /** The value of `[mta] configuration`; anything but a file stands for the defaults. */
  readonly name: ConfigurationName
  /** Where it was written. */
  readonly namedBy: NamedBy | null
  /** What the sections are for: the mail servers and modules that are configured. */
  readonly code: readonly CodeName<MailServerName | string>[]
}

/** `null` needs no settings; Exim may have some, but nobody has to write the file that a Mailman's configuration names. */
export function needsFile(code: Named['code'], name: ConfigurationName): boolean {
  const names = code.map((each) => (each.kind === 'built-in' ? each.name : null))
  if (names.some((each) => each !== 'null' && each !== 'exim4')) return true
  return names.includes('exim4') && name.kind === 'file' && isFile(name.path)
}

/** Reads the file, each section of it whether its mail server is configured or not. */
export function readMailServers({ name, namedBy, code }: Named, read: ReadFile): MailServersRead {
  const file = name.kind === 'file' ? loadLazr(name.path, read, namedBy) : null
  const mistakes = [...(file?.mistakes ?? [])]
  const warnings = [...(file?.warnings ?? [])]
  const origin = {
    directory: name.kind === 'file' ? dirname(name.path) : '/',
    // It was named on purpose, so only its mode counts.
    distrust:
      name.kind === 'file'
        ? distrustOf({ path: name.path, foundBy: 'command line' }, file?.files ?? [], 1)
        : null,
  }
  const readOne = <K extends Keys>(section: Section<K>) => {
    const found = readSection(section, file?.sections.get(section.title), () => origin)
    mistakes.push(...found.mistakes)
    warnings.push(...found.warnings)
    return found
  }
  const readHomes = (section: typeof courier | typeof qmail): HomeSettings => {
    const { values, named } = readOne<(typeof courier)['keys']>(section)
    return {
      ...values,
      homes: Object.fromEntries([...named].map(([domain, path]) => [domain, String(path)])),
    }
  }
  const siteNames = code.flatMap((each) => (each.kind === 'module' ? [each.exportName] : []))
  const readSite = (title: string): SiteSection => {
    const { values, named } = readOne({ ...siteSection, title })
    const settings = [...named].map(([key, text]) => [key, String(text)] as const)
    return { reloadCommand: values.reloadCommand, settings: Object.fromEntries(settings) }
  }
  const settings: MailServerSettings = {
    postfix: readOne(postfix).values,
    exim4: readOne(exim4).values,
    sendmail: readOne(sendmail).values,
    opensmtpd: readOne(opensmtpd).values,
    courier: readHomes(courier),
    qmail: readHomes(qmail),
    siteSections: Object.fromEntries(siteNames.map((name) => [name, readSite(name)])),
  }
  const known = [...Object.keys(mailServerSections), ...siteNames, 'meta']
  warnings.push(...unknownSections(file?.sections ?? new Map(), known))
  return { settings, mistakes, warnings }
}
