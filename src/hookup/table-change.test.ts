import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyDirectory } from '../../test/support/any-directory.ts'
import { tableWriter } from './postfix-tables.ts'
import { changeBetween } from './table-change.ts'
import type { Parts } from './table-parts.ts'

const style = { lmtpHost: '127.0.0.1', lmtpPort: 8024, type: 'hash', compatible: false } as const

/** What a table answers, key by key. */
function answers(parts: Parts): Map<string, string> {
  const entries = new Map<string, string>()
  for (const line of parts.join('').split('\n')) {
    const [key = '', value = ''] = line.split(/\s+/)
    if (key !== '' && !line.startsWith('#')) entries.set(key, value)
  }
  return entries
}

/** What postmap -d and -i -r do. */
function amend(table: Map<string, string>, { gone, come }: ReturnType<typeof changeBetween>) {
  for (const key of gone) ok(table.delete(key), `${key} was not there`)
  for (const line of come) table.set(line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1))
  return table
}

test('a table amended by the change says what the new text says, whatever came and went', () => {
  const aliases = fc.constantFrom(null, 'x.test')
  const anyAliased = fc.tuple(anyDirectory(), aliases).map(([{ domains }, aliasDomain]) => ({
    domains: domains.map((domain, i) => (i === 0 ? { ...domain, aliasDomain } : domain)),
  }))
  fc.assert(
    fc.property(anyAliased, anyAliased, (before, after) => {
      const write = tableWriter(style)
      const [old, fresh] = [write(before), write(after)]
      for (const name of ['postfix_lmtp', 'postfix_domains', 'postfix_vmap', 'postfix_routes'] as const) {
        const [from, to] = [old.get(name) ?? [], fresh.get(name) ?? []]
        deepEqual(amend(answers(from), changeBetween(from, to)), answers(to), name)
      }
    }),
    { numRuns: 300 },
  )
})

test('a new list is nine entries, whatever stands around it', () => {
  const names = Array.from({ length: 200 }, (_, i) => `list${i}`)
  const directory = (...more: string[]) => ({
    domains: [
      { mailHost: 'example.org', aliasDomain: null, listOnly: false, listNames: [...names, ...more] },
    ],
  })
  const write = tableWriter(style)
  const of = (...more: string[]) => write(directory(...more)).get('postfix_lmtp') ?? []
  const { gone, come } = changeBetween(of(), of('tea'))
  deepEqual([gone.length, come.length], [0, 9])
  deepEqual(changeBetween(of('tea'), of()).gone.length, 9)
  deepEqual(changeBetween(of('list7-bounces'), of()).gone.includes('list7-bounces@example.org'), false)
})
