// The settings of the Postfix side: the file that `[mta] configuration` names, section [postfix]
// (spec: transport_file_type of Mailman 3.3.8 and of later releases).
import { dirname } from 'node:path'
import { type ValuesOf, honoured as y } from './key.ts'
import { loadLazr, type NamedBy, type ReadFile } from './lazr.ts'
import type { ConfigMistake } from './mistake.ts'
import type { ConfigurationName } from './names.ts'
import { readSection, unknownSections } from './section.ts'
import { boolean, text, typeOf } from './values.ts'

/** Kinds of tables that Postfix looks up in (DATABASE_README); `default` is postmap's own. */
export type TableType = 'hash' | 'regexp' | 'pcre' | 'lmdb' | 'cdb' | 'texthash' | 'btree' | 'default'

const tableTypes: Readonly<Record<string, TableType>> = {
  hash: 'hash',
  regex: 'regexp',
  regexp: 'regexp',
  pcre: 'pcre',
  lmdb: 'lmdb',
  cdb: 'cdb',
  texthash: 'texthash',
  btree: 'btree',
  default: 'default',
}

const tableType = typeOf('kind of table', Object.keys(tableTypes).join(', '), 'kind of table', (text) =>
  Object.hasOwn(tableTypes, text.toLowerCase()) ? tableTypes[text.toLowerCase()] : undefined,
)

export const postfix = {
  title: 'postfix',
  doc: 'In the file that [mta] configuration names: how the tables for Postfix are made.',
  keys: {
    postmap_command: y(
      text,
      '/usr/sbin/postmap',
      'The program that compiles tables, with its arguments; no shell is used.',
    ),
    transport_file_type: y(tableType, 'hash', 'The kind of table that main.cf names.'),
    compatible: y(boolean, 'no', 'Tables are written exactly as Mailman 3.3.8 writes them, with its faults.'),
  },
} as const

export type PostfixSettings = ValuesOf<typeof postfix.keys>

export interface PostfixRead {
  readonly settings: PostfixSettings
  readonly mistakes: readonly ConfigMistake[]
  readonly warnings: readonly ConfigMistake[]
}

/** Reads the settings that a configuration name, written at `namedBy`, stands for; anything but a file stands for the defaults. */
export function readPostfix(name: ConfigurationName, namedBy: NamedBy | null, read: ReadFile): PostfixRead {
  const file = name.kind === 'file' ? loadLazr(name.path, read, namedBy) : null
  const origin = { directory: name.kind === 'file' ? dirname(name.path) : '/', distrust: null }
  const { values, mistakes, warnings } = readSection(postfix, file?.sections.get('postfix'), () => origin)
  const others = unknownSections(file?.sections ?? new Map(), ['postfix', 'meta'])
  return {
    settings: values,
    mistakes: [...(file?.mistakes ?? []), ...mistakes],
    warnings: [...(file?.warnings ?? []), ...warnings, ...others],
  }
}
