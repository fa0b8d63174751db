import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { DirectoryDomain, ListDirectory } from '../model/mail-server.ts'
import { postfixTables, type TableName, type TableStyle, tableWriter } from './postfix-tables.ts'

const golden = new URL('../../test/golden/postfix/', import.meta.url)

interface GoldenCase {
  readonly dir: string
  readonly domains: readonly { readonly mail_host: string; readonly alias_domain: string | null }[]
  readonly lists: readonly string[]
  readonly vmap_file: boolean
}
const { cases } = JSON.parse(readFileSync(new URL('cases.json', golden), 'utf8')) as {
  cases: readonly GoldenCase[]
}

const style: TableStyle = { lmtpHost: '127.0.0.1', lmtpPort: 18124, type: 'hash', compatible: false }
const dataLines = (text: string): string[] =>
  text.split('\n').filter((line) => !line.startsWith('#') && line.trim() !== '')
const linesOf = (tables: ReadonlyMap<TableName, string>, name: TableName): string[] =>
  dataLines(tables.get(name) ?? '')

function directoryOf({ domains, lists }: GoldenCase): ListDirectory {
  return {
    domains: domains.map(({ mail_host, alias_domain }) => ({
      mailHost: mail_host,
      aliasDomain: alias_domain,
      listOnly: false,
      listNames: lists
        .filter((list) => list.endsWith(`@${mail_host}`))
        .map((list) => list.split('@')[0] ?? ''),
    })),
  }
}

for (const golds of cases)
  for (const type of ['hash', 'regex'] as const)
    for (const compatible of type === 'hash' ? [true, false] : [true])
      test(`Mailman's lines, byte for byte: ${golds.dir}, ${type}${compatible ? ', compatible' : ''}`, () => {
        const tables = postfixTables(directoryOf(golds), { ...style, type, compatible })
        equal(tables.has('postfix_vmap'), golds.vmap_file)
        for (const name of ['postfix_lmtp', 'postfix_domains', 'postfix_vmap'] as const) {
          const file = new URL(`${golds.dir}/${type}/${name}`, golden)
          deepEqual(
            linesOf(tables, name),
            existsSync(file) ? dataLines(readFileSync(file, 'utf8')) : [],
            name,
          )
        }
      })

const tea: DirectoryDomain = {
  mailHost: 'lists.example.org',
  aliasDomain: null,
  listOnly: true,
  listNames: ['tea'],
}

test('a domain that is for lists alone has a route before and after its first list', () => {
  for (const listNames of [[], ['tea']]) {
    const tables = postfixTables({ domains: [{ ...tea, listNames }] }, style)
    deepEqual(linesOf(tables, 'postfix_routes'), ['lists.example.org lmtp:[127.0.0.1]:18124'])
    deepEqual(linesOf(tables, 'postfix_domains'), ['lists.example.org lists.example.org'])
  }
})

test('a domain that people live in too has no route of its own', () => {
  deepEqual(linesOf(postfixTables({ domains: [{ ...tea, listOnly: false }] }, style), 'postfix_routes'), [])
})

test('an alias domain is routed like the domain it stands for', () => {
  const tables = postfixTables({ domains: [{ ...tea, aliasDomain: 'x.example.org' }] }, style)
  deepEqual(
    linesOf(tables, 'postfix_routes').map((line) => line.split(' ')[0]),
    ['lists.example.org', 'x.example.org'],
  )
})

test('an IPv6 address is named as one inside its brackets', () => {
  const tables = postfixTables({ domains: [tea] }, { ...style, lmtpHost: '::1' })
  match(tables.get('postfix_lmtp') ?? '', / lmtp:\[ipv6:::1\]:18124$/m)
})

test('regular expressions match every address of the list with any extension, and nothing else', () => {
  const name = 'a.b+c$d'
  const tables = postfixTables(
    { domains: [{ ...tea, aliasDomain: 'x.example.org', listNames: [name] }] },
    { ...style, type: 'regex' },
  )
  const patterns = (table: TableName) =>
    linesOf(tables, table).map((line) => new RegExp(line.slice(1, line.lastIndexOf('/')), 'i'))
  const hits = (table: TableName, address: string) =>
    patterns(table).filter((one) => one.test(address)).length
  equal(hits('postfix_lmtp', `${name}@x.example.org`), 1)
  equal(hits('postfix_lmtp', `${name}-bounces+ann=example.com@x.example.org`), 1)
  equal(hits('postfix_lmtp', `${name}-join+z@X.Example.ORG`), 1)
  equal(hits('postfix_lmtp', `aXb+c$d@x.example.org`), 0)
  equal(hits('postfix_lmtp', `${name}-nosuch@x.example.org`), 0)
  equal(hits('postfix_routes', 'anyone@lists.example.org'), 1)
  equal(hits('postfix_routes', 'anyone@lists.example.org.example.com'), 0)
  ok(
    linesOf(tables, 'postfix_vmap').some((line) => line.endsWith(' a.b+c$$d-bounces$(1)@x.example.org')),
    'the result keeps the extension',
  )
})

test('a writer that remembers gives what a fresh one gives, after each change', () => {
  const write = tableWriter(style)
  const one = { domains: [tea, { ...tea, mailHost: 'example.net', listNames: ['milk'] }] }
  const two = { domains: [{ ...tea, listNames: ['tea', 'cake'] }, ...one.domains.slice(1)] }
  const three = { domains: [{ ...tea, aliasDomain: 'x.example.org' }, ...one.domains.slice(1)] }
  for (const directory of [one, two, three, one, { domains: [] }])
    deepEqual(
      new Map([...write(directory)].map(([name, parts]) => [name, parts.join('')])),
      postfixTables(directory, style),
    )
})
