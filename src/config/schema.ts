// The whole configuration: every section with its keys. Mailman's keys are all here, so that any mailman.cfg
// loads; the sections that Mailman does not have say so. docs/configuration.md is made from this.
import type { Family, Keys, Section, ValuesOf } from './key.ts'
import { archiver, digests, language, nntp, styles } from './schema-lists.ts'
import { arc, bounces, bulk, devmode, dkim, dmarc, lmtp, lookup, mta, verp } from './schema-mail.ts'
import { antispam, database, mailman, passwords, shell, store, web, webservice } from './schema-site.ts'
import { logging, plugin, runner } from './schema-system.ts'
import { secret } from './values.ts'

/** The sections that stand alone, by their name in `Config`. */
export const sections = {
  mailman,
  mta,
  lmtp,
  bulk,
  verp,
  dkim,
  lookup,
  arc,
  dmarc,
  bounces,
  antispam,
  styles,
  digests,
  nntp,
  store,
  web,
  webservice,
  database,
  passwords,
  devmode,
  shell,
} as const satisfies Readonly<Record<string, Section<Keys>>>

/** The families of sections, by their name in `Config`. */
export const families = {
  runners: runner,
  logging,
  languages: language,
  archivers: archiver,
  plugins: plugin,
} as const satisfies Readonly<Record<string, Family<Keys>>>

export type SingleSections = { readonly [S in keyof typeof sections]: ValuesOf<(typeof sections)[S]['keys']> }
export type FamilySections = {
  readonly [F in keyof typeof families]: Readonly<Record<string, ValuesOf<(typeof families)[F]['keys']>>>
}

/** True for keys whose values are shown to nobody; by their names in the file. */
export function isSecret(title: string, key: string): boolean {
  const singles: readonly Section<Keys>[] = Object.values(sections)
  return singles.some((section) => section.title === title && section.keys[key]?.type === secret)
}
