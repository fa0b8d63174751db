// The settings of the Postfix side: the file that `[mta] configuration` names, section [postfix]
// (spec: transport_file_type of Mailman 3.3.8 and of later releases).
import { type ValuesOf, honoured as y } from './key.ts'
import { boolean, command, program, typeOf } from './values.ts'

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

/** `regex` is Mailman's word for `regexp`. */
export const tableType = typeOf(
  'kind of table',
  Object.keys(tableTypes).join(', '),
  'kind of table',
  (text) => (Object.hasOwn(tableTypes, text.toLowerCase()) ? tableTypes[text.toLowerCase()] : undefined),
)

export const postfix = {
  title: 'postfix',
  doc: 'In the file that [mta] configuration names: how the tables for Postfix are made.',
  keys: {
    postmap_command: y(
      program,
      '/usr/sbin/postmap',
      'The program that compiles tables, with its arguments; no shell is used.',
    ),
    transport_file_type: y(tableType, 'hash', 'The kind of table that main.cf names.'),
    reload_command: y(
      command,
      '',
      'Run after tables have changed, such as sudo -n postfix reload: a vector of words, no shell. Needed where Postfix does not reread (regexp, pcre, texthash). Empty: nothing is run.',
    ),
    compatible: y(boolean, 'no', 'Tables are written exactly as Mailman 3.3.8 writes them, with its faults.'),
  },
} as const

export type PostfixSettings = ValuesOf<typeof postfix.keys>
